//! The handshake's key schedule: every hash, proof and key, and nothing else.
//!
//! ```text
//! proof_B = MAC(K_auth, "hello",   "B", IC_A, IC_B, H(bundle), OTK_B, ct1, Hello without proof)
//! T1      = H("msgd/1/hello", H(bundle), Hello)
//! proof_A = MAC(K_auth, "confirm", "A", IC_A, IC_B, T1, Confirm without proof)
//! T2      = H("msgd/1/confirm", T1, Confirm)
//! RK0     = KDF(ss1 || ss2 || K, "root", T2)
//! ```
//! IC stands for a fingerprint. Versions, capabilities (in the signed manifests) and
//! certificates are in the messages, and so in every proof and in the root.

use crate::{
    crypto::{Secret, derive, hash, mac},
    model::Fingerprint,
    protocol::InviteKeys,
};

use zeroize::Zeroizing;

/// Who talks to whom.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    pub(super) inviter: Fingerprint,
    pub(super) invitee: Fingerprint,
}

impl Pair {
    /// What the envelope of the Hello is bound to.
    pub(super) fn hello_context(&self) -> [u8; 32] {
        hash(&[b"msgd/1/hello-context", &self.inviter.0, &self.invitee.0])
    }

    /// What the envelope of the Confirm is bound to.
    pub(super) fn confirm_context(&self) -> [u8; 32] {
        hash(&[b"msgd/1/confirm-context", &self.inviter.0, &self.invitee.0])
    }

    /// proof_B.
    pub(super) fn hello_proof(
        &self,
        keys: &InviteKeys,
        bundle: &[u8; 32],
        one_time_key: &[u8],
        ciphertext: &[u8],
        unproven: &[u8],
    ) -> [u8; 32] {
        let parts: &[&[u8]] = &[
            b"B",
            &self.inviter.0,
            &self.invitee.0,
            bundle,
            one_time_key,
            ciphertext,
            unproven,
        ];
        mac(keys.auth.as_bytes(), "hello", parts)
    }

    /// proof_A.
    pub(super) fn confirm_proof(
        &self,
        keys: &InviteKeys,
        hello: &[u8; 32],
        unproven: &[u8],
    ) -> [u8; 32] {
        let parts: &[&[u8]] = &[b"A", &self.inviter.0, &self.invitee.0, hello, unproven];
        mac(keys.auth.as_bytes(), "confirm", parts)
    }
}

/// The bundle, as proofs and transcripts name it.
pub(super) fn bundle_hash(bundle: &[u8]) -> [u8; 32] {
    hash(&[bundle])
}

/// T1.
pub(super) fn hello_transcript(bundle: &[u8; 32], hello: &[u8]) -> [u8; 32] {
    hash(&[b"msgd/1/hello", bundle, hello])
}

/// T2.
pub(super) fn confirm_transcript(hello: &[u8; 32], confirm: &[u8]) -> [u8; 32] {
    hash(&[b"msgd/1/confirm", hello, confirm])
}

/// RK0.
pub(super) fn root(
    ss1: &Secret<32>,
    ss2: &Secret<32>,
    keys: &InviteKeys,
    transcript: &[u8; 32],
) -> Secret<32> {
    let mut input = Zeroizing::new(Vec::with_capacity(96));
    for secret in [ss1, ss2, &keys.base] {
        input.extend_from_slice(secret.as_bytes());
    }
    derive(&input, "root", &[transcript])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_schedule_matches_the_committed_vectors() {
        let vectors: Value = serde_json::from_str(include_str!(
            "../../../tests/fixtures/vectors/handshake.json"
        ))
        .expect("JSON");
        let bytes = |name: &str| {
            let text = vectors[name].as_str().expect("hex");
            let byte =
                |at| u8::from_str_radix(text.get(at..at + 2).expect("a pair"), 16).expect("hex");
            (0..text.len()).step_by(2).map(byte).collect::<Vec<u8>>()
        };
        let fixed = |name: &str| <[u8; 32]>::try_from(bytes(name)).expect("32 bytes");
        let keys = InviteKeys::derive(&[7; 16], Default::default(), &[9; 20]);
        let pair = Pair {
            inviter: Fingerprint(fixed("inviter")),
            invitee: Fingerprint(fixed("invitee")),
        };
        let (hello, confirm) = (bytes("hello"), bytes("confirm"));
        let bundle = bundle_hash(&bytes("bundle"));
        let proof = pair.hello_proof(&keys, &bundle, b"one-time key", b"ciphertext", &hello);
        let first = hello_transcript(&bundle, &hello);
        let second = confirm_transcript(&first, &confirm);
        let (ss1, ss2) = (Secret::new(fixed("ss1")), Secret::new(fixed("ss2")));
        for (name, found) in [
            ("hello_context", pair.hello_context()),
            ("confirm_context", pair.confirm_context()),
            ("hello_proof", proof),
            ("hello_transcript", first),
            ("confirm_proof", pair.confirm_proof(&keys, &first, &confirm)),
            ("confirm_transcript", second),
            ("root", *root(&ss1, &ss2, &keys, &second).as_bytes()),
        ] {
            assert_eq!(fixed(name), found, "{name}");
        }
    }
}
