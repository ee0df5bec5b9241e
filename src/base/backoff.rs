//! Exponential backoff with full jitter.

use std::time::Duration;

/// How long to wait before try number `n`: a random span below `first * 2^n`, capped.
///
/// Full jitter as in the AWS architecture blog's "Exponential Backoff and Jitter": peers that
/// lost each other at one moment do not all come back at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Upper bound of the first wait.
    pub first: Duration,
    /// Upper bound of every wait.
    pub cap: Duration,
}

impl Backoff {
    /// The wait before try `attempt` (0 is the first retry). `random` is uniform over `u64`.
    #[must_use]
    pub fn wait(&self, attempt: u32, random: u64) -> Duration {
        let bound = self
            .first
            .saturating_mul(1_u32.checked_shl(attempt.min(31)).unwrap_or(u32::MAX))
            .min(self.cap);
        let bound_ms = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
        // Multiply-shift maps the random word onto 0..=bound without a modulo's bias.
        let wide = u128::from(random) * (u128::from(bound_ms) + 1);
        Duration::from_millis(u64::try_from(wide >> 64).unwrap_or(bound_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_wait_never_exceeds_cap_nor_its_step(attempt in 0_u32..100, random: u64) {
            let backoff = Backoff { first: Duration::from_secs(5), cap: Duration::from_secs(1800) };
            let wait = backoff.wait(attempt, random);
            prop_assert!(wait <= backoff.cap);
            if attempt < 8 {
                prop_assert!(wait <= Duration::from_secs(5 << attempt));
            }
        }
    }

    #[test]
    fn the_whole_range_is_used() {
        let backoff = Backoff {
            first: Duration::from_secs(5),
            cap: Duration::from_secs(1800),
        };
        assert_eq!(backoff.wait(0, 0), Duration::ZERO);
        assert_eq!(backoff.wait(0, u64::MAX), Duration::from_secs(5));
        assert_eq!(backoff.wait(60, u64::MAX), Duration::from_secs(1800));
    }
}
