//! Where randomness comes from.

/// A source of bytes that nobody else can guess, or that a test can repeat.
pub trait Random {
    /// Overwrites `out`.
    fn fill(&mut self, out: &mut [u8]);
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, out: &mut [u8]) {
        // Once the machine is up the kernel's generator cannot fail; if it does, any answer
        // but a stop would be a predictable key.
        if let Err(error) = getrandom::fill(out) {
            panic!("the operating system gives no randomness: {error}");
        }
    }
}

/// The BLAKE3 output stream of a seed: the same bytes each time. For tests and test vectors.
pub struct SeededRandom(blake3::OutputReader);

impl SeededRandom {
    /// The stream that belongs to `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"msgd seeded random");
        hasher.update(&seed.to_be_bytes());
        Self(hasher.finalize_xof())
    }
}

impl Random for SeededRandom {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.fill(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(rng: &mut dyn Random) -> [u8; 32] {
        let mut out = [0; 32];
        rng.fill(&mut out);
        out
    }

    #[test]
    fn a_seed_repeats_and_seeds_differ() {
        let mut a = SeededRandom::new(1);
        let (first, second) = (take(&mut a), take(&mut a));
        assert_ne!(first, second);
        assert_eq!(first, take(&mut SeededRandom::new(1)));
        assert_ne!(first, take(&mut SeededRandom::new(2)));
    }

    #[test]
    fn the_system_never_repeats() {
        assert_ne!(take(&mut SystemRandom), take(&mut SystemRandom));
    }
}
