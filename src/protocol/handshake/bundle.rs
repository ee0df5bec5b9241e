//! The bundle: what the link of an invite stands for.

use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce, aead::AeadInOut};

use super::{
    BUNDLE_PURPOSE, HandshakeError, Me,
    party::{self, MAX_KEY_BYTES, MAX_PARTY_BYTES, Peer, read_limited},
    schedule::bundle_hash,
};
use crate::{
    crypto::{OneTimeKey, OneTimePublic, Random, Secret, derive, ic_hash20},
    model::Timestamp,
    protocol::{InviteKeys, InviteLink, VERSION},
    wire::{BUNDLE_BYTES, FieldLimit, v1, write},
};

const NONCE_BYTES: usize = 24;
const SEAL_BYTES: usize = 16;
const ROOM: usize = BUNDLE_BYTES - NONCE_BYTES - SEAL_BYTES;

const BUNDLE: &[FieldLimit] = &[FieldLimit::bytes(1, ROOM), FieldLimit::bytes(2, 1024)];
const CONTENT: &[FieldLimit] = &[
    FieldLimit::number(1),
    FieldLimit::bytes(2, MAX_PARTY_BYTES),
    FieldLimit::bytes(3, MAX_KEY_BYTES),
    FieldLimit::number(4),
];

/// What the inviter keeps of an invite, besides its secret.
pub struct Offer {
    /// Opens the Hello; to be destroyed with the invite.
    pub otk: OneTimeKey,
    /// The sealed bundle. Hand out these bytes and no others: the Hello is bound to them.
    pub bundle: Vec<u8>,
    /// When the invite ends.
    pub expires: Timestamp,
}

/// A bundle, opened and checked.
pub struct OpenedBundle {
    /// The inviter; without a name.
    pub peer: Peer,
    /// When the invite ends.
    pub expires: Timestamp,
    pub(super) otk: OneTimePublic,
    pub(super) hash: [u8; 32],
}

/// Makes an invite's bundle. It holds addresses and no name.
pub fn offer(
    me: &Me<'_>,
    keys: &InviteKeys,
    expires: Timestamp,
    now: Timestamp,
    rng: &mut dyn Random,
) -> Result<Offer, HandshakeError> {
    if expires <= now {
        return Err(HandshakeError::Expired);
    }
    let otk = OneTimeKey::generate().map_err(HandshakeError::Crypto)?;
    let content = write(&v1::BundleContent {
        version: VERSION,
        inviter: Some(party::present(me, false)?),
        one_time_key: otk.public().to_bytes(),
        expires_ms: u64::try_from(expires.0).map_err(|_| HandshakeError::Field("expiry"))?,
    });
    let signature = me
        .device
        .sign(BUNDLE_PURPOSE, &content)
        .map_err(HandshakeError::Crypto)?;
    let plain = write(&v1::Bundle { content, signature });
    Ok(Offer {
        otk,
        bundle: seal(keys, &plain, rng)?,
        expires,
    })
}

/// Opens the bundle that belongs to `link` and checks that the link's maker signed it.
pub fn open_bundle(
    link: &InviteLink,
    bytes: &[u8],
    now: Timestamp,
) -> Result<OpenedBundle, HandshakeError> {
    let plain = open(&link.keys(), bytes)?;
    let bundle: v1::Bundle = read_limited(&plain, BUNDLE)?;
    let content: v1::BundleContent = read_limited(&bundle.content, CONTENT)?;
    if content.version != VERSION {
        return Err(HandshakeError::Version(content.version));
    }
    let peer = party::check(content.inviter.as_ref())?;
    if ic_hash20(&peer.ic.fingerprint()) != link.ic_hash {
        return Err(HandshakeError::NotTheInviter);
    }
    peer.device
        .verify(BUNDLE_PURPOSE, &bundle.content, &bundle.signature)
        .map_err(HandshakeError::Certificate)?;
    let expires = moment(content.expires_ms, "expiry")?;
    if expires <= now {
        return Err(HandshakeError::Expired);
    }
    Ok(OpenedBundle {
        peer,
        expires,
        otk: OneTimePublic::parse(&content.one_time_key).map_err(HandshakeError::Certificate)?,
        hash: bundle_hash(bytes),
    })
}

/// A moment, as handshake messages write it.
pub(super) fn moment(ms: u64, what: &'static str) -> Result<Timestamp, HandshakeError> {
    i64::try_from(ms)
        .map(Timestamp)
        .map_err(|_| HandshakeError::Field(what))
}

fn seal_key(keys: &InviteKeys) -> Secret<32> {
    derive(keys.seal.as_bytes(), "bundle", &[])
}

/// `nonce(24) || XChaCha20-Poly1305(len(2) plain zeros)`: 8192 bytes that look like nothing.
pub(super) fn seal(
    keys: &InviteKeys,
    plain: &[u8],
    rng: &mut dyn Random,
) -> Result<Vec<u8>, HandshakeError> {
    let too_long = HandshakeError::TooLong("device certificate");
    let len = u16::try_from(plain.len()).ok();
    let Some(len) = len.filter(|_| plain.len() + 2 <= ROOM) else {
        return Err(too_long);
    };
    let mut nonce = [0; NONCE_BYTES];
    rng.fill(&mut nonce);
    let mut body = Vec::with_capacity(ROOM + SEAL_BYTES);
    body.extend_from_slice(&len.to_be_bytes());
    body.extend_from_slice(plain);
    body.resize(ROOM, 0);
    XChaCha20Poly1305::new(seal_key(keys).as_bytes().into())
        .encrypt_in_place(&XNonce::from(nonce), b"", &mut body)
        .map_err(|_| too_long)?;
    Ok([nonce.as_slice(), &body].concat())
}

pub(super) fn open(keys: &InviteKeys, bytes: &[u8]) -> Result<Vec<u8>, HandshakeError> {
    let wrong = || HandshakeError::OtherInvite;
    if bytes.len() != BUNDLE_BYTES {
        return Err(HandshakeError::Field("length"));
    }
    let (nonce, body) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or_else(wrong)?;
    let mut body = body.to_vec();
    XChaCha20Poly1305::new(seal_key(keys).as_bytes().into())
        .decrypt_in_place(&XNonce::from(*nonce), b"", &mut body)
        .map_err(|_| wrong())?;
    let (len, rest) = body.split_first_chunk().ok_or_else(wrong)?;
    let len = usize::from(u16::from_be_bytes(*len));
    match rest.split_at_checked(len) {
        Some((plain, pad)) if pad.iter().all(|byte| *byte == 0) => Ok(plain.to_vec()),
        _ => Err(HandshakeError::Field("padding")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SeededRandom;
    use proptest::prelude::*;

    proptest! {
        // What somebody who saw the link can put inside.
        #[test]
        fn any_sealed_content_is_refused(plain in prop::collection::vec(any::<u8>(), 0..300)) {
            let link = InviteLink::new(Default::default(), [7; 16], [9; 20], &[]);
            let sealed = seal(&link.keys(), &plain, &mut SeededRandom::new(1)).expect("short");
            prop_assert_eq!(sealed.len(), BUNDLE_BYTES);
            prop_assert_eq!(open(&link.keys(), &sealed).expect("sealed so"), plain);
            prop_assert!(open_bundle(&link, &sealed, Timestamp(0)).is_err());
        }

        #[test]
        fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), BUNDLE_BYTES)) {
            let link = InviteLink::new(Default::default(), [7; 16], [9; 20], &[]);
            prop_assert!(open_bundle(&link, &bytes, Timestamp(0)).is_err());
            prop_assert!(open_bundle(&link, &bytes[1..], Timestamp(0)).is_err());
        }
    }

    #[test]
    fn what_does_not_fit_is_not_cut() {
        let keys = InviteKeys::derive(&[7; 16], Default::default(), &[9; 20]);
        let mut rng = SeededRandom::new(1);
        assert!(seal(&keys, &vec![1; ROOM - 2], &mut rng).is_ok());
        assert!(seal(&keys, &vec![1; ROOM - 1], &mut rng).is_err());
    }
}
