//! The Confirm: the inviter's consent, and the root key on both sides.

use super::{
    HandshakeError, Me,
    hello::{IncomingHello, PendingHello},
    party::{self, MAX_KEY_BYTES, MAX_PARTY_BYTES, Peer, read_limited},
    schedule::{Pair, confirm_transcript, root},
};
use crate::{
    crypto::{
        Opener, Random, Recipient, Secret, kem_open, kem_seal, open, open_single, same, seal,
        seal_single,
    },
    model::Timestamp,
    protocol::{InviteKeys, InviteLink, VERSION},
    wire::{FieldLimit, v1, write},
};

const CONFIRM: &[FieldLimit] = &[
    FieldLimit::number(1),
    FieldLimit::bytes(2, MAX_PARTY_BYTES),
    FieldLimit::bytes(3, MAX_KEY_BYTES),
    FieldLimit::bytes(4, 16),
    FieldLimit::bytes(5, 32),
];

/// A finished handshake.
pub struct Established {
    /// The other side.
    pub peer: Peer,
    /// RK0, from which [`PairKeys`](crate::protocol::PairKeys) follow.
    pub root: Secret<32>,
    /// Whether this side is the invitee.
    pub initiator: bool,
}

/// Consents to a Hello: makes the Confirm parcel and this side's root key. Seal once, keep
/// and repeat the bytes.
pub fn confirm(
    me: &Me<'_>,
    keys: &InviteKeys,
    hello: &IncomingHello,
    now: Timestamp,
    rng: &mut dyn Random,
) -> Result<(Vec<u8>, Established), HandshakeError> {
    if hello.answer_until <= now {
        return Err(HandshakeError::Expired);
    }
    let pair = Pair {
        inviter: me.ic.fingerprint(),
        invitee: hello.peer.ic.fingerprint(),
    };
    let (secret, ciphertext) = kem_seal(&hello.otk).map_err(HandshakeError::Crypto)?;
    let mut salt = [0; 16];
    rng.fill(&mut salt);
    let mut message = v1::Confirm {
        version: VERSION,
        inviter: Some(party::present(me, true)?),
        ciphertext,
        salt: salt.to_vec(),
        proof: Vec::new(),
    };
    message.proof = proof(&pair, keys, &hello.transcript, &message).to_vec();
    let bytes = write(&message);

    let to = Recipient::OneTime {
        key: &hello.otk,
        device: hello.peer.device.fingerprint(),
    };
    let envelope = seal(me.device, &[to], &pair.confirm_context(), &bytes, now)
        .map_err(HandshakeError::Crypto)?;
    let (tag, key) = keys.confirm_parcel();
    let parcel = seal_single(&tag, &key, &envelope, rng).map_err(HandshakeError::Crypto)?;
    let transcript = confirm_transcript(&hello.transcript, &bytes);
    let established = Established {
        peer: hello.peer.clone(),
        root: root(&hello.secret, &secret, keys, &transcript),
        initiator: false,
    };
    Ok((parcel, established))
}

/// Opens and checks the answer to our Hello. `peer` of the result has the inviter's name and
/// current certificates.
pub fn open_confirm(
    me: &Me<'_>,
    link: &InviteLink,
    pending: &PendingHello,
    parcel: &[u8],
    now: Timestamp,
) -> Result<Established, HandshakeError> {
    if pending.answer_until <= now {
        return Err(HandshakeError::Expired);
    }
    let keys = link.keys();
    let (tag, key) = keys.confirm_parcel();
    if !parcel.starts_with(&tag.0) {
        return Err(HandshakeError::OtherInvite);
    }
    let envelope = open_single(&key, parcel).map_err(|_| HandshakeError::OtherInvite)?;
    let pair = Pair {
        inviter: pending.peer.ic.fingerprint(),
        invitee: me.ic.fingerprint(),
    };
    let with = Opener::OneTime {
        key: &pending.otk,
        device: me.device.fingerprint(),
    };
    let author = &pending.peer.device;
    let bytes =
        open(with, author, &pair.confirm_context(), &envelope).map_err(HandshakeError::Envelope)?;
    let message: v1::Confirm = read_limited(&bytes, CONFIRM)?;
    if message.version != VERSION {
        return Err(HandshakeError::Version(message.version));
    }
    if message.salt.len() != 16 {
        return Err(HandshakeError::Field("salt"));
    }
    let expected = proof(&pair, &keys, &pending.transcript, &message);
    if !same(&expected, &message.proof) {
        return Err(HandshakeError::Proof);
    }
    let peer = party::check(message.inviter.as_ref())?;
    still_the_inviter(&pending.peer, &peer)?;
    let secret =
        kem_open(&pending.otk, &message.ciphertext).map_err(HandshakeError::Certificate)?;
    let transcript = confirm_transcript(&pending.transcript, &bytes);
    Ok(Established {
        peer,
        root: root(&pending.secret, &secret, &keys, &transcript),
        initiator: true,
    })
}

/// Between bundle and Confirm only subkeys, addresses and the manifest may move on, the latter
/// without taking anything back.
fn still_the_inviter(before: &Peer, after: &Peer) -> Result<(), HandshakeError> {
    if after.ic.fingerprint() != before.ic.fingerprint() {
        return Err(HandshakeError::NotTheInviter);
    }
    if after.device.fingerprint() != before.device.fingerprint() {
        return Err(HandshakeError::ForeignDevice);
    }
    after.follows(&before.manifest)
}

fn proof(pair: &Pair, keys: &InviteKeys, hello: &[u8; 32], message: &v1::Confirm) -> [u8; 32] {
    let unproven = write(&v1::Confirm {
        proof: Vec::new(),
        ..message.clone()
    });
    pair.confirm_proof(keys, hello, &unproven)
}
