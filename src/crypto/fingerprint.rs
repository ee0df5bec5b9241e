//! What people compare to be sure of each other.

use sha2::{Digest, Sha512};

use super::kdf;
use crate::model::Fingerprint;

const VERSION: [u8; 2] = [0, 1];
const LABEL: &[u8] = b"msgd safety number";
const ROUNDS: usize = 5200;

/// Sixty digits that both sides see alike, and that nobody can hit by making keys until they
/// agree: each attempt costs [`ROUNDS`] hashes.
#[must_use]
pub fn safety_number(a: &Fingerprint, b: &Fingerprint) -> String {
    let mut halves = [half(a), half(b)];
    halves.sort();
    halves.concat()
}

fn half(fingerprint: &Fingerprint) -> String {
    let mut state = Sha512::new()
        .chain_update(VERSION)
        .chain_update(fingerprint.0)
        .chain_update(LABEL)
        .finalize();
    for _ in 1..ROUNDS {
        state = Sha512::new()
            .chain_update(state)
            .chain_update(fingerprint.0)
            .finalize();
    }
    let group = |five: &[u8]| {
        let number = five
            .iter()
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        format!("{:05}", number % 100_000)
    };
    state.chunks_exact(5).take(6).map(group).collect()
}

/// How an invite commits to an identity: the first 20 bytes of the hash of its fingerprint.
#[must_use]
pub fn ic_hash20(fingerprint: &Fingerprint) -> [u8; 20] {
    let mut short = [0; 20];
    for (to, from) in short.iter_mut().zip(kdf::hash(&[&fingerprint.0])) {
        *to = from;
    }
    short
}
