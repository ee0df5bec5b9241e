//! The parcel: what contacts, and whoever carries for them, see of a message. A tag that only
//! the two can compute, then random-looking bytes in one of four sizes.

use zeroize::Zeroizing;

use super::{CryptoError, Random, Secret, aead, kdf, reader::Reader};

/// The sizes a parcel can have.
pub const PARCEL_BYTES: [usize; 4] = [4096, 16384, 65536, 262_144];

const VERSION: u8 = 1;
const TAG_LEN: usize = 16;
const HEADER_LEN: usize = 2;
const ENTRY_LEN: usize = 4 + 8 + 1 + 4;

/// From where a parcel has its nonce.
#[derive(Clone, Copy)]
enum Nonce {
    /// The key seals this one parcel, so that the nonce need not differ: zero, and not sent.
    Zero,
    /// Sent between tag and content: others may seal under the same key.
    Sent([u8; aead::NONCE_BYTES]),
}

impl Nonce {
    fn bytes(&self) -> &[u8; aead::NONCE_BYTES] {
        match self {
            Self::Zero => &[0; aead::NONCE_BYTES],
            Self::Sent(bytes) => bytes,
        }
    }

    fn sent(&self) -> &[u8] {
        match self {
            Self::Zero => &[],
            Self::Sent(bytes) => bytes,
        }
    }
}

/// By what the recipient knows a parcel. Used once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag(pub [u8; TAG_LEN]);

impl std::fmt::Debug for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tag[redacted]")
    }
}

/// What an envelope is. On the wire it is one byte; 3 is set aside for the head and body of
/// Level 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvelopeKind {
    /// 1: an OpenPGP message, sealed to a subkey of the recipient (Level 0).
    Sealed,
    /// 2: a statement that the author's device signed; nothing but the parcel hides it. It can
    /// be made when no subkey of the recipient is known any more.
    Statement,
    /// 4: no envelope but a word, without bytes: everything of the author before its place is
    /// settled or given up. Parcels at a mailbox bring it, since no link does.
    Window,
}

impl EnvelopeKind {
    const fn byte(self) -> u8 {
        match self {
            Self::Sealed => 1,
            Self::Statement => 2,
            Self::Window => 4,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Sealed),
            2 => Some(Self::Statement),
            4 => Some(Self::Window),
            _ => None,
        }
    }
}

/// An envelope in a parcel, under the number by which its receipt will name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedEnvelope {
    /// The session's epoch.
    pub epoch: u32,
    /// The number within the epoch.
    pub index: u64,
    /// What `bytes` are.
    pub kind: EnvelopeKind,
    /// The OpenPGP message, or the signed statement.
    pub bytes: Vec<u8>,
}

/// The tag of parcel `j` on `path` (0 is direct) under the tag key `tk`.
#[must_use]
pub fn tag(tk: &Secret<32>, path: u32, j: u64) -> Tag {
    let long = kdf::mac(
        tk.as_bytes(),
        "tag",
        &[&path.to_be_bytes(), &j.to_be_bytes()],
    );
    let mut short = [0; TAG_LEN];
    short.copy_from_slice(long.split_at(TAG_LEN).0);
    Tag(short)
}

/// Seals envelopes into the smallest parcel that holds them.
///
/// # Errors
/// There is no envelope, or they need more than the largest parcel.
pub fn seal_parcel(
    tk: &Secret<32>,
    path: u32,
    j: u64,
    envelopes: &[SealedEnvelope],
) -> Result<Vec<u8>, CryptoError> {
    seal_with(&tag(tk, path, j), &key(tk, path, j), Nonce::Zero, envelopes)
}

/// The envelopes of parcel `j`.
///
/// # Errors
/// It is another parcel, or was changed.
pub fn open_parcel(
    tk: &Secret<32>,
    path: u32,
    j: u64,
    parcel: &[u8],
) -> Result<Vec<SealedEnvelope>, CryptoError> {
    if !parcel.starts_with(&tag(tk, path, j).0) {
        return Err(CryptoError::Unauthentic);
    }
    let (tag, body) = split(parcel)?;
    open_with(&key(tk, path, j), tag, Nonce::Zero, body)
}

/// Seals one message of a handshake, which has a tag and a key of its own. Whoever saw the
/// link has that key too, so each such parcel has a nonce that `rng` picks.
///
/// # Errors
/// `inner` needs more than the largest parcel.
pub fn seal_single(
    tag: &Tag,
    key: &Secret<32>,
    inner: &[u8],
    rng: &mut dyn Random,
) -> Result<Vec<u8>, CryptoError> {
    let only = SealedEnvelope {
        epoch: 0,
        index: 0,
        kind: EnvelopeKind::Sealed,
        bytes: inner.to_vec(),
    };
    let mut nonce = [0; aead::NONCE_BYTES];
    rng.fill(&mut nonce);
    seal_with(tag, key, Nonce::Sent(nonce), &[only])
}

/// What [`seal_single`] sealed.
///
/// # Errors
/// Another key, a changed parcel, or one with other than a single unnumbered envelope.
pub fn open_single(key: &Secret<32>, parcel: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let (tag, rest) = split(parcel)?;
    let (nonce, body) = rest.split_first_chunk().ok_or(malformed("too short"))?;
    let mut envelopes = open_with(key, tag, Nonce::Sent(*nonce), body)?.into_iter();
    match (envelopes.next(), envelopes.next()) {
        (Some(only), None)
            if only.epoch == 0 && only.index == 0 && only.kind == EnvelopeKind::Sealed =>
        {
            Ok(only.bytes)
        }
        _ => Err(malformed("not a single message")),
    }
}

fn key(tk: &Secret<32>, path: u32, j: u64) -> Secret<32> {
    kdf::derive(
        tk.as_bytes(),
        "parcel",
        &[&path.to_be_bytes(), &j.to_be_bytes()],
    )
}

fn seal_with(
    tag: &Tag,
    key: &Secret<32>,
    nonce: Nonce,
    envelopes: &[SealedEnvelope],
) -> Result<Vec<u8>, CryptoError> {
    let count = u8::try_from(envelopes.len())
        .ok()
        .filter(|count| *count > 0)
        .ok_or(malformed("a parcel holds 1 to 255 envelopes"))?;
    let content: usize = envelopes.iter().map(|e| ENTRY_LEN + e.bytes.len()).sum();
    let around = TAG_LEN + nonce.sent().len() + aead::TAG_BYTES;
    let needed = around + HEADER_LEN + content;
    let size = PARCEL_BYTES
        .into_iter()
        .find(|size| needed <= *size)
        .ok_or(CryptoError::TooLarge {
            len: needed,
            max: 262_144,
        })?;
    let mut plain = Zeroizing::new(Vec::with_capacity(size - TAG_LEN));
    plain.extend_from_slice(&[VERSION, count]);
    for envelope in envelopes {
        let len = u32::try_from(envelope.bytes.len()).unwrap_or(u32::MAX);
        plain.extend_from_slice(&envelope.epoch.to_be_bytes());
        plain.extend_from_slice(&envelope.index.to_be_bytes());
        plain.push(envelope.kind.byte());
        plain.extend_from_slice(&len.to_be_bytes());
        plain.extend_from_slice(&envelope.bytes);
    }
    plain.resize(size - around, 0);
    let body = aead::seal(key, nonce.bytes(), &tag.0, plain);
    Ok([tag.0.as_slice(), nonce.sent(), &body].concat())
}

/// The tag, and what follows it.
fn split(parcel: &[u8]) -> Result<(&[u8], &[u8]), CryptoError> {
    if !PARCEL_BYTES.contains(&parcel.len()) {
        return Err(malformed("no parcel has this size"));
    }
    parcel
        .split_at_checked(TAG_LEN)
        .ok_or(malformed("too short"))
}

fn open_with(
    key: &Secret<32>,
    tag: &[u8],
    nonce: Nonce,
    body: &[u8],
) -> Result<Vec<SealedEnvelope>, CryptoError> {
    let plain = aead::open(key, nonce.bytes(), tag, body).ok_or(CryptoError::Unauthentic)?;
    let mut reader = Reader::new(&plain);
    match reader.u8() {
        Some(VERSION) => {}
        Some(found) if found > VERSION => {
            return Err(CryptoError::NewerVersion {
                found: found.into(),
            });
        }
        _ => return Err(malformed("no version")),
    }
    let count = reader
        .u8()
        .filter(|count| *count > 0)
        .ok_or(malformed("no envelopes"))?;
    let mut envelopes = Vec::with_capacity(count.into());
    for _ in 0..count {
        envelopes.push(entry(&mut reader)?);
    }
    if reader.rest().iter().any(|byte| *byte != 0) {
        return Err(malformed("something follows the last envelope"));
    }
    Ok(envelopes)
}

fn entry(reader: &mut Reader<'_>) -> Result<SealedEnvelope, CryptoError> {
    let mut parts = || {
        let (epoch, index) = (reader.u32()?, reader.u64()?);
        let (kind, len) = (reader.u8()?, reader.u32()?);
        let bytes = reader.take(usize::try_from(len).ok()?)?.to_vec();
        Some((epoch, index, kind, bytes))
    };
    let (epoch, index, kind, bytes) = parts().ok_or(malformed("an envelope is cut off"))?;
    let kind = EnvelopeKind::from_byte(kind).ok_or(CryptoError::UnknownEnvelope { kind })?;
    if kind == EnvelopeKind::Window && !bytes.is_empty() {
        return Err(malformed("a window has no bytes"));
    }
    Ok(SealedEnvelope {
        epoch,
        index,
        kind,
        bytes,
    })
}

fn malformed(why: &'static str) -> CryptoError {
    CryptoError::Malformed {
        what: "parcel",
        why,
    }
}

#[cfg(test)]
mod tests;
