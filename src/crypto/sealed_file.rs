//! Small files that are sealed as a whole, such as a secret key.

use zeroize::Zeroizing;

use super::{CryptoError, Random, Secret, aead, kdf, reader::Reader};

const MAGIC: &[u8; 10] = b"msgd-file-";
/// The version, as the digit that follows the magic.
const VERSION: u8 = b'1';

/// Seals `bytes` for the purpose that `label` names; it opens under no other.
#[must_use]
pub fn seal_file(key: &Secret<32>, label: &str, bytes: &[u8], rng: &mut dyn Random) -> Vec<u8> {
    let mut nonce = [0; aead::NONCE_BYTES];
    rng.fill(&mut nonce);
    let mut plain = Zeroizing::new(Vec::with_capacity(bytes.len() + aead::TAG_BYTES));
    plain.extend_from_slice(bytes);
    let body = aead::seal(&key_for(key, label), &nonce, &aad(label), plain);
    [MAGIC.as_slice(), &[VERSION], &nonce, &body].concat()
}

/// What [`seal_file`] sealed.
///
/// # Errors
/// Another key, label or format, or damage.
pub fn open_file(
    key: &Secret<32>,
    label: &str,
    bytes: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let malformed = |why| CryptoError::Malformed {
        what: "sealed file",
        why,
    };
    let mut reader = Reader::new(bytes);
    if reader.take(MAGIC.len()) != Some(MAGIC) {
        return Err(malformed("it does not begin as one"));
    }
    match reader.u8() {
        Some(VERSION) => {}
        Some(digit @ b'2'..=b'9') => {
            return Err(CryptoError::NewerVersion {
                found: u16::from(digit - b'0'),
            });
        }
        _ => return Err(malformed("no version")),
    }
    let nonce = reader.array().ok_or(malformed("too short"))?;
    aead::open(&key_for(key, label), &nonce, &aad(label), reader.rest())
        .ok_or(CryptoError::Unauthentic)
}

fn key_for(key: &Secret<32>, label: &str) -> Secret<32> {
    kdf::derive(key.as_bytes(), "file", &[label.as_bytes()])
}

fn aad(label: &str) -> Vec<u8> {
    [MAGIC.as_slice(), &[VERSION], label.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SeededRandom;
    use proptest::prelude::*;

    const KEY: [u8; 32] = [9; 32];

    proptest! {
        #[test]
        fn what_is_sealed_opens_and_no_byte_may_change(
            bytes in proptest::collection::vec(any::<u8>(), 0..300), at: prop::sample::Index, flip in 1..=255_u8,
        ) {
            let key = Secret::new(KEY);
            let mut sealed = seal_file(&key, "identity", &bytes, &mut SeededRandom::new(1));
            prop_assert_eq!(&*open_file(&key, "identity", &sealed).unwrap(), &bytes);
            let at = at.index(sealed.len());
            sealed[at] ^= flip;
            prop_assert!(open_file(&key, "identity", &sealed).is_err());
            prop_assert!(open_file(&key, "identity", &sealed[..at]).is_err());
        }

        #[test]
        fn any_bytes_are_refused(bytes: Vec<u8>) {
            prop_assert!(open_file(&Secret::new(KEY), "identity", &bytes).is_err());
        }
    }

    #[test]
    fn another_label_or_version_is_refused() {
        let key = Secret::new(KEY);
        let mut sealed = seal_file(&key, "identity", b"x", &mut SeededRandom::new(1));
        assert!(matches!(
            open_file(&key, "device", &sealed),
            Err(CryptoError::Unauthentic)
        ));
        sealed[MAGIC.len()] = b'2';
        assert!(matches!(
            open_file(&key, "identity", &sealed),
            Err(CryptoError::NewerVersion { found: 2 })
        ));
    }
}
