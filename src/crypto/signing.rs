//! Plain Ed25519 signatures, for what other people's protocols want signed. Whatever speaks for
//! a person or a device is signed with OpenPGP and has no use for these.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use super::Secret;

/// A signing key that lives as long as its purpose; wiped when dropped.
pub struct Signer(SigningKey);

impl Signer {
    /// The key that this seed stands for.
    #[must_use]
    pub fn new(seed: &Secret<32>) -> Self {
        Self(SigningKey::from_bytes(seed.as_bytes()))
    }

    /// The public key, 32 bytes as in RFC 8032.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// The signature over `bytes`, 64 bytes as in RFC 8032; the same each time.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(bytes).to_bytes()
    }
}

/// Whether `signature` is one of the holder of `public` over `bytes`. Weak keys and second
/// spellings of a signature are refused.
#[must_use]
pub fn verify(public: &[u8; 32], bytes: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(public).is_ok_and(|key| {
        key.verify_strict(bytes, &Signature::from_bytes(signature))
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex<const N: usize>(text: &str) -> [u8; N] {
        let byte = |at| {
            let pair = text.get(2 * at..2 * at + 2).expect("a pair");
            u8::from_str_radix(pair, 16).expect("hex")
        };
        std::array::from_fn(byte)
    }

    #[test]
    fn the_second_test_of_rfc_8032_holds() {
        let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        let public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        let signature = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        let key = Signer::new(&Secret::new(unhex(seed)));
        assert_eq!(key.public(), unhex(public));
        assert_eq!(key.sign(&[0x72]), unhex(signature));
        assert!(verify(&key.public(), &[0x72], &unhex(signature)));
    }

    #[test]
    fn nothing_else_verifies() {
        let key = Signer::new(&Secret::new([7; 32]));
        let other = Signer::new(&Secret::new([8; 32]));
        let signature = key.sign(b"x");
        assert!(!verify(&other.public(), b"x", &signature));
        assert!(!verify(&key.public(), b"y", &signature));
        for at in [0, 31, 32, 63] {
            let mut changed = signature;
            changed[at] ^= 1;
            assert!(!verify(&key.public(), b"x", &changed));
        }
        // The key of order one: every signature of it would hold over every text.
        let mut weak = [0; 32];
        weak[0] = 1;
        assert!(!verify(&weak, b"x", &[0; 64]));
    }
}
