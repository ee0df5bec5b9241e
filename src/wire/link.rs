//! The proof that opens a link (`protocol.md` D.1): both sides show that they hold the pair's
//! link key, without saying whose pair it is.
//!
//! The dialer sends `nonce || proof`, the listener answers likewise. The transport's peer ids
//! are in the proof, so it is worth nothing on any other connection; the listener's proof
//! covers the dialer's nonce as well as its own, so it is worth nothing on a later one.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Length of a proof, and of a nonce, in bytes.
pub const PROOF_LEN: usize = 16;

/// Who gives the proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role<'a> {
    /// The side that opened the connection; it speaks first.
    Dialer,
    /// The side that was called.
    Listener {
        /// Its own nonce.
        nonce: &'a [u8; PROOF_LEN],
    },
}

/// The proof of the side in `role` over a connection between two transport peers.
#[must_use]
pub fn link_proof(
    key: &[u8; 32],
    role: Role<'_>,
    dialer_peer: &[u8],
    listener_peer: &[u8],
    dialer_nonce: &[u8; PROOF_LEN],
) -> [u8; PROOF_LEN] {
    // The framing is that of `crypto::mac`, which this room may not import.
    // HMAC takes keys of any length, so this arm is never empty.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; PROOF_LEN];
    };
    mac.update(b"msgd/1/link\0");
    let mut part = |bytes: &[u8]| {
        // Peer ids are tens of bytes; a length that does not fit could only be a bug.
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        mac.update(&len.to_be_bytes());
        mac.update(bytes);
    };
    match role {
        Role::Dialer => part(b"d"),
        Role::Listener { .. } => part(b"l"),
    }
    part(dialer_peer);
    part(listener_peer);
    part(dialer_nonce);
    if let Role::Listener { nonce } = role {
        part(nonce);
    }
    let whole: [u8; 32] = mac.finalize().into_bytes().into();
    let mut proof = [0; PROOF_LEN];
    proof.copy_from_slice(whole.split_at(PROOF_LEN).0);
    proof
}

/// Whether two proofs are equal, in time that does not depend on where they differ.
#[must_use]
pub fn same_proof(a: &[u8; PROOF_LEN], b: &[u8; PROOF_LEN]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn hex(value: &Value) -> Vec<u8> {
        let text = value.as_str().expect("a string");
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(text.get(at..at + 2).expect("a pair"), 16).expect("hex"))
            .collect()
    }

    #[test]
    fn proofs_match_the_committed_vectors() {
        let vectors: Value =
            serde_json::from_str(include_str!("../../tests/fixtures/vectors/link_proof.json"))
                .expect("JSON");
        for case in vectors.as_array().expect("a list") {
            let key = hex(&case["key"]).try_into().expect("32");
            let dialer = hex(&case["dialer_peer"]);
            let listener = hex(&case["listener_peer"]);
            let first = hex(&case["dialer_nonce"]).try_into().expect("16");
            let second = hex(&case["listener_nonce"]).try_into().expect("16");
            let proof = |role| link_proof(&key, role, &dialer, &listener, &first).to_vec();
            assert_eq!(proof(Role::Dialer), hex(&case["dialer_proof"]));
            let answer = Role::Listener { nonce: &second };
            assert_eq!(proof(answer), hex(&case["listener_proof"]));
        }
    }

    proptest! {
        #[test]
        fn every_input_matters(key: [u8; 32], d: Vec<u8>, l: Vec<u8>, n: [u8; 16], at in 0..32_usize) {
            let proof = link_proof(&key, Role::Dialer, &d, &l, &n);
            let mut other_key = key;
            other_key[at] ^= 1;
            prop_assert!(!same_proof(&proof, &link_proof(&other_key, Role::Dialer, &d, &l, &n)));
            let mut other_nonce = n;
            other_nonce[at % 16] ^= 1;
            prop_assert!(!same_proof(&proof, &link_proof(&key, Role::Dialer, &d, &l, &other_nonce)));
            let answer = link_proof(&key, Role::Listener { nonce: &n }, &d, &l, &n);
            prop_assert!(!same_proof(&proof, &answer));
            // A byte that moves from one peer id to the other changes the proof.
            let moved = [l.as_slice(), &[7]].concat();
            let longer = [d.as_slice(), &[7]].concat();
            prop_assert_ne!(
                link_proof(&key, Role::Dialer, &longer, &l, &n),
                link_proof(&key, Role::Dialer, &d, &moved, &n)
            );
        }
    }
}
