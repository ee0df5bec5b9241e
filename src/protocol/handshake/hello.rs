//! The Hello: the invitee's answer to a bundle.

use std::time::Duration;

use super::{
    HandshakeError, Me,
    bundle::{Offer, OpenedBundle, moment},
    party::{self, MAX_KEY_BYTES, MAX_PARTY_BYTES, Peer, read_limited},
    schedule::{Pair, bundle_hash, hello_transcript},
};
use crate::{
    crypto::{
        DeviceCert, OneTimeKey, OneTimePublic, Opener, Random, Recipient, Secret, kem_open,
        kem_seal, open_single, open_unknown_author, same, seal, seal_single,
    },
    model::{Timestamp, limits},
    protocol::{InviteKeys, InviteLink, VERSION},
    wire::{FieldLimit, v1, write},
};

/// How long an answer to a Hello is waited for.
pub const ANSWER_TTL: Duration = limits::MESSAGE_TTL;

const HELLO: &[FieldLimit] = &[
    FieldLimit::number(1),
    FieldLimit::bytes(2, MAX_PARTY_BYTES),
    FieldLimit::bytes(3, MAX_KEY_BYTES),
    FieldLimit::bytes(4, MAX_KEY_BYTES),
    FieldLimit::bytes(5, limits::MAX_GREETING_BYTES),
    FieldLimit::number(6),
    FieldLimit::bytes(7, 16),
    FieldLimit::bytes(8, 32),
];

/// What the invitee keeps until the answer.
pub struct PendingHello {
    /// The inviter.
    pub peer: Peer,
    /// When an answer comes too late; the one-time key is then to be destroyed.
    pub answer_until: Timestamp,
    pub(super) otk: OneTimeKey,
    pub(super) secret: Secret<32>,
    pub(super) transcript: [u8; 32],
}

/// A Hello, opened and checked; what the inviter keeps until the user decides.
pub struct IncomingHello {
    /// The invitee.
    pub peer: Peer,
    /// Their few words.
    pub greeting: String,
    /// The Hello's fingerprint: equal for the same Hello, different for any other.
    pub transcript: [u8; 32],
    /// When an answer would come too late.
    pub answer_until: Timestamp,
    pub(super) otk: OneTimePublic,
    pub(super) secret: Secret<32>,
}

/// Makes the Hello parcel. Seal once, keep and repeat the bytes.
pub fn hello(
    me: &Me<'_>,
    link: &InviteLink,
    bundle: &OpenedBundle,
    greeting: &str,
    now: Timestamp,
    rng: &mut dyn Random,
) -> Result<(Vec<u8>, PendingHello), HandshakeError> {
    if greeting.len() > limits::MAX_GREETING_BYTES {
        return Err(HandshakeError::TooLong("greeting"));
    }
    if bundle.expires <= now {
        return Err(HandshakeError::Expired);
    }
    let pair = Pair {
        inviter: bundle.peer.ic.fingerprint(),
        invitee: me.ic.fingerprint(),
    };
    if pair.inviter == pair.invitee {
        return Err(HandshakeError::OwnInvite);
    }
    let keys = link.keys();
    let otk = OneTimeKey::generate().map_err(HandshakeError::Crypto)?;
    let (secret, ciphertext) = kem_seal(&bundle.otk).map_err(HandshakeError::Crypto)?;
    let answer_until = now.after(ANSWER_TTL);
    let mut salt = [0; 16];
    rng.fill(&mut salt);
    let mut message = v1::Hello {
        version: VERSION,
        invitee: Some(party::present(me, true)?),
        one_time_key: otk.public().to_bytes(),
        ciphertext,
        greeting: greeting.to_string(),
        answer_until_ms: u64::try_from(answer_until.0).unwrap_or(0),
        salt: salt.to_vec(),
        proof: Vec::new(),
    };
    message.proof = proof(&pair, &keys, &bundle.hash, &message).to_vec();
    let bytes = write(&message);

    let to = Recipient::OneTime {
        key: &bundle.otk,
        device: bundle.peer.device.fingerprint(),
    };
    let envelope = seal(me.device, &[to], &pair.hello_context(), &bytes, now)
        .map_err(HandshakeError::Crypto)?;
    let (tag, key) = keys.hello_parcel();
    let parcel = seal_single(&tag, &key, &envelope, rng).map_err(HandshakeError::Crypto)?;
    let pending = PendingHello {
        peer: bundle.peer.clone(),
        answer_until,
        otk,
        secret,
        transcript: hello_transcript(&bundle.hash, &bytes),
    };
    Ok((parcel, pending))
}

/// Opens and checks a Hello to one of our invites.
pub fn open_hello(
    me: &Me<'_>,
    keys: &InviteKeys,
    offer: &Offer,
    parcel: &[u8],
    now: Timestamp,
) -> Result<IncomingHello, HandshakeError> {
    if offer.expires <= now {
        return Err(HandshakeError::Expired);
    }
    let (tag, key) = keys.hello_parcel();
    if !parcel.starts_with(&tag.0) {
        return Err(HandshakeError::OtherInvite);
    }
    let envelope = open_single(&key, parcel).map_err(|_| HandshakeError::OtherInvite)?;
    let with = Opener::OneTime {
        key: &offer.otk,
        device: me.device.fingerprint(),
    };
    let inviter = me.ic.fingerprint();
    // Only the certificate's form matters here; what vouches for it is checked below.
    let (bytes, author) = open_unknown_author(with, &envelope, |bytes| {
        let message: v1::Hello = read_limited(bytes, HELLO).ok()?;
        let peer = party::check(message.invitee.as_ref()).ok()?;
        let invitee = peer.ic.fingerprint();
        Some((peer.device, Pair { inviter, invitee }.hello_context()))
    })
    .map_err(HandshakeError::Envelope)?;
    accept(me, keys, offer, &bytes, &author)
}

fn accept(
    me: &Me<'_>,
    keys: &InviteKeys,
    offer: &Offer,
    bytes: &[u8],
    author: &DeviceCert,
) -> Result<IncomingHello, HandshakeError> {
    let message: v1::Hello = read_limited(bytes, HELLO)?;
    if message.version != VERSION {
        return Err(HandshakeError::Version(message.version));
    }
    let peer = party::check(message.invitee.as_ref())?;
    if peer.device.fingerprint() != author.fingerprint() {
        return Err(HandshakeError::ForeignDevice);
    }
    let pair = Pair {
        inviter: me.ic.fingerprint(),
        invitee: peer.ic.fingerprint(),
    };
    if pair.inviter == pair.invitee {
        return Err(HandshakeError::OwnInvite);
    }
    if message.salt.len() != 16 {
        return Err(HandshakeError::Field("salt"));
    }
    let bundle = bundle_hash(&offer.bundle);
    if !same(&proof(&pair, keys, &bundle, &message), &message.proof) {
        return Err(HandshakeError::Proof);
    }
    let secret = kem_open(&offer.otk, &message.ciphertext).map_err(HandshakeError::Certificate)?;
    let otk = OneTimePublic::parse(&message.one_time_key).map_err(HandshakeError::Certificate)?;
    Ok(IncomingHello {
        peer,
        answer_until: moment(message.answer_until_ms, "answer time")?,
        greeting: message.greeting,
        transcript: hello_transcript(&bundle, bytes),
        otk,
        secret,
    })
}

fn proof(pair: &Pair, keys: &InviteKeys, bundle: &[u8; 32], message: &v1::Hello) -> [u8; 32] {
    let unproven = write(&v1::Hello {
        proof: Vec::new(),
        ..message.clone()
    });
    pair.hello_proof(
        keys,
        bundle,
        &message.one_time_key,
        &message.ciphertext,
        &unproven,
    )
}

/// What a valid Hello means for its invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteUse {
    /// The first: a request.
    First,
    /// The first once more; nothing to do but acknowledge.
    Repeat,
    /// Another one: somebody else saw the link. Freeze both requests and warn the user.
    Second,
}

/// Judges a valid Hello by the transcript of the first one, if there was one.
#[must_use]
pub fn judge(first: Option<&[u8; 32]>, hello: &IncomingHello) -> InviteUse {
    match first {
        None => InviteUse::First,
        Some(first) if same(first, &hello.transcript) => InviteUse::Repeat,
        Some(_) => InviteUse::Second,
    }
}
