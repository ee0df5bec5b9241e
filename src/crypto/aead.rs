//! XChaCha20-Poly1305, in place: the one symmetric cipher outside OpenPGP.

use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce, aead::AeadInOut};
use zeroize::Zeroizing;

use super::{Random, Secret};

pub(super) const TAG_BYTES: usize = 16;
pub(super) const NONCE_BYTES: usize = 24;

/// Encrypts `plain` where it lies; give it `TAG_BYTES` of spare capacity and nothing is copied.
pub(super) fn seal(
    key: &Secret<32>,
    nonce: &[u8; NONCE_BYTES],
    aad: &[u8],
    mut plain: Zeroizing<Vec<u8>>,
) -> Vec<u8> {
    let cipher = XChaCha20Poly1305::new(key.as_bytes().into());
    plain.reserve_exact(TAG_BYTES);
    match cipher.encrypt_in_place(&XNonce::from(*nonce), aad, &mut *plain) {
        Ok(()) => std::mem::take(&mut *plain),
        Err(_) => unreachable!("the cipher's limit is 256 GiB and a Vec always grows"),
    }
}

/// The plaintext of `sealed`, unless one bit of it, of `aad`, the key or the nonce differs.
pub(super) fn open(
    key: &Secret<32>,
    nonce: &[u8; NONCE_BYTES],
    aad: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let cipher = XChaCha20Poly1305::new(key.as_bytes().into());
    let mut plain = Zeroizing::new(sealed.to_vec());
    cipher
        .decrypt_in_place(&XNonce::from(*nonce), aad, &mut *plain)
        .ok()?;
    Some(plain)
}

/// Seals a few bytes under a nonce of `rng`'s, which comes first: 40 bytes more than `plain`.
#[must_use]
pub fn seal_bytes(key: &Secret<32>, aad: &[u8], plain: &[u8], rng: &mut dyn Random) -> Vec<u8> {
    let mut nonce = [0; NONCE_BYTES];
    rng.fill(&mut nonce);
    let mut inner = Zeroizing::new(Vec::with_capacity(plain.len() + TAG_BYTES));
    inner.extend_from_slice(plain);
    [nonce.as_slice(), &seal(key, &nonce, aad, inner)].concat()
}

/// What [`seal_bytes`] sealed, unless one bit of it, of `aad` or the key differs.
#[must_use]
pub fn open_bytes(key: &Secret<32>, aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, body) = sealed.split_first_chunk()?;
    open(key, nonce, aad, body)
}
