//! Key material that wipes itself and never prints itself.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::Random;

/// `N` secret bytes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret<const N: usize>([u8; N]);

impl<const N: usize> Secret<N> {
    /// Takes over `bytes`. The caller wipes its own copy if it keeps one.
    #[must_use]
    pub fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// Fresh from `rng`.
    #[must_use]
    pub fn random(rng: &mut dyn Random) -> Self {
        let mut fresh = Self([0; N]);
        rng.fill(&mut fresh.0);
        fresh
    }

    /// The secret in `bytes`, if they are of the right length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes, for whoever must compute with them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; N] {
        &self.0
    }

    /// To be filled in place, so that no copy stays on the stack.
    pub(super) fn as_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }
}

impl<const N: usize> ConstantTimeEq for Secret<N> {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.as_slice().ct_eq(other.0.as_slice())
    }
}

impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl<const N: usize> Eq for Secret<N> {}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret<{N}>[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SeededRandom;

    #[test]
    fn nothing_is_printed() {
        assert_eq!(
            format!("{:?}", Secret::new([42; 32])),
            "Secret<32>[redacted]"
        );
    }

    #[test]
    fn equal_only_to_itself() {
        let a = Secret::<32>::random(&mut SeededRandom::new(1));
        let mut flipped = *a.as_bytes();
        flipped[31] ^= 1;
        assert_eq!(a, a.clone());
        assert_ne!(a, Secret::new(flipped));
    }

    #[test]
    fn a_slice_of_another_length_is_refused() {
        assert!(Secret::<32>::from_slice(&[0; 31]).is_none());
        assert!(Secret::<32>::from_slice(&[0; 32]).is_some());
    }

    #[test]
    fn wiping_leaves_zeros() {
        let mut secret = Secret::new([7; 16]);
        secret.zeroize();
        assert_eq!(secret.as_bytes(), &[0; 16]);
    }
}
