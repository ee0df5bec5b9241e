//! Hashing and key derivation. Every input is framed, so that no two different lists of
//! inputs are ever the same string of bytes.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

use super::{CryptoError, Secret};

const DOMAIN: &str = "msgd/1/";

/// BLAKE3-256. One part is hashed as it is; of several, each is preceded by its length.
#[must_use]
pub fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    match parts {
        [single] => {
            hasher.update(single);
        }
        parts => {
            for part in parts {
                hasher.update(&length(part));
                hasher.update(part);
            }
        }
    }
    hasher.finalize().into()
}

/// HKDF-SHA-512 of `key`, for the one purpose that `label` and `ctx` name.
#[must_use]
pub fn derive<const N: usize>(key: &[u8], label: &str, ctx: &[&[u8]]) -> Secret<N> {
    let mut out = Secret::new([0; N]);
    let info = framed(label, ctx);
    let info: Vec<&[u8]> = info.iter().map(AsRef::as_ref).collect();
    match Hkdf::<Sha512>::new(None, key).expand_multi_info(&info, out.as_mut()) {
        Ok(()) => out,
        Err(_) => unreachable!("HKDF-SHA-512 gives 16 KiB, a key has a few dozen bytes"),
    }
}

/// HMAC-SHA-256 under `key`, over the same framing as [`derive`].
#[must_use]
pub fn mac(key: &[u8], label: &str, parts: &[&[u8]]) -> [u8; 32] {
    let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(key) else {
        unreachable!("HMAC takes a key of any length")
    };
    for piece in framed(label, parts) {
        mac.update(piece.as_ref());
    }
    mac.finalize().into_bytes().into()
}

/// Whether both are equal, in time that depends on nothing but their lengths.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// A piece of framed input: borrowed text or a length.
enum Piece<'a> {
    Bytes(&'a [u8]),
    Length([u8; 4]),
}

impl AsRef<[u8]> for Piece<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Length(length) => length,
        }
    }
}

fn framed<'a>(label: &'a str, parts: &[&'a [u8]]) -> Vec<Piece<'a>> {
    let mut pieces = vec![
        Piece::Bytes(DOMAIN.as_bytes()),
        Piece::Bytes(label.as_bytes()),
        Piece::Bytes(&[0]),
    ];
    for part in parts {
        pieces.push(Piece::Length(length(part)));
        pieces.push(Piece::Bytes(part));
    }
    pieces
}

fn length(part: &[u8]) -> [u8; 4] {
    u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// How much work a passphrase costs to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdfParams {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
    /// Lanes. This implementation walks them one after the other.
    pub lanes: u32,
}

impl KdfParams {
    /// About a second or two on a desktop. One lane: more would only help whoever has more cores.
    pub const DEFAULT: Self = Self {
        memory_kib: 256 * 1024,
        passes: 3,
        lanes: 1,
    };
    /// The least that calibration may choose (RFC 9106, second recommendation).
    pub const FLOOR: Self = Self {
        memory_kib: 64 * 1024,
        passes: 3,
        lanes: 4,
    };
    /// As little as a header may ask for: quick enough for tests, too little for people.
    pub const WEAK_FOR_TESTS: Self = Self {
        memory_kib: 19 * 1024,
        passes: 1,
        lanes: 1,
    };

    /// Whether a header may ask for this: a hostile one must neither weaken the passphrase
    /// nor exhaust the machine.
    #[must_use]
    pub fn permitted(self) -> bool {
        const MIN_KIB: u32 = 19 * 1024;
        const MAX_KIB: u32 = 4 * 1024 * 1024;
        (MIN_KIB..=MAX_KIB).contains(&self.memory_kib)
            && (1..=16).contains(&self.passes)
            && (1..=16).contains(&self.lanes)
    }
}

/// Argon2id, version 1.3.
pub(crate) fn passphrase_key(
    passphrase: &[u8],
    salt: &[u8; 16],
    params: KdfParams,
) -> Result<Secret<32>, CryptoError> {
    if !params.permitted() {
        return Err(CryptoError::KdfParams);
    }
    let cost = argon2::Params::new(params.memory_kib, params.passes, params.lanes, Some(32))
        .map_err(|_| CryptoError::KdfParams)?;
    let function = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, cost);
    let mut key = Secret::new([0; 32]);
    function
        .hash_password_into(passphrase, salt, key.as_mut())
        .map_err(|error| match error {
            argon2::Error::OutOfMemory => CryptoError::OutOfMemory,
            _ => CryptoError::KdfParams,
        })?;
    Ok(key)
}
