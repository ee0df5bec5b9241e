//! Handshakes under way, into bytes and back. The bytes hold secrets: they wipe themselves,
//! and whoever stores them seals them.

use zeroize::{Zeroize, Zeroizing};

use super::{
    HandshakeError,
    bundle::{Offer, moment},
    hello::{IncomingHello, PendingHello},
    party,
};
use crate::{
    crypto::{OneTimeKey, OneTimePublic, Secret},
    model::Timestamp,
    wire::{read, v1, write},
};

impl Offer {
    /// The bytes to keep.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut kept = v1::KeptOffer {
            one_time_key: self.otk.to_bytes().to_vec(),
            bundle: self.bundle.clone(),
            expires_ms: ms(self.expires),
        };
        let bytes = Zeroizing::new(write(&kept));
        kept.one_time_key.zeroize();
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HandshakeError> {
        let mut kept: v1::KeptOffer = read(bytes).map_err(HandshakeError::Malformed)?;
        let otk = one_time(&mut kept.one_time_key)?;
        Ok(Self {
            otk,
            bundle: kept.bundle,
            expires: moment(kept.expires_ms, "expiry")?,
        })
    }
}

impl PendingHello {
    /// The bytes to keep.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut kept = v1::KeptHello {
            inviter: Some(self.peer.out()),
            one_time_key: self.otk.to_bytes().to_vec(),
            secret: self.secret.as_bytes().to_vec(),
            transcript: self.transcript.to_vec(),
            answer_until_ms: ms(self.answer_until),
        };
        let bytes = Zeroizing::new(write(&kept));
        kept.one_time_key.zeroize();
        kept.secret.zeroize();
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HandshakeError> {
        let mut kept: v1::KeptHello = read(bytes).map_err(HandshakeError::Malformed)?;
        let otk = one_time(&mut kept.one_time_key)?;
        let secret = shared(&mut kept.secret)?;
        Ok(Self {
            peer: party::check(kept.inviter.as_ref())?,
            answer_until: moment(kept.answer_until_ms, "answer time")?,
            otk,
            secret,
            transcript: transcript(&kept.transcript)?,
        })
    }
}

impl IncomingHello {
    /// The bytes to keep.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut kept = v1::KeptRequest {
            invitee: Some(self.peer.out()),
            one_time_key: self.otk.to_bytes(),
            secret: self.secret.as_bytes().to_vec(),
            transcript: self.transcript.to_vec(),
            answer_until_ms: ms(self.answer_until),
            greeting: self.greeting.clone(),
        };
        let bytes = Zeroizing::new(write(&kept));
        kept.secret.zeroize();
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HandshakeError> {
        let mut kept: v1::KeptRequest = read(bytes).map_err(HandshakeError::Malformed)?;
        let secret = shared(&mut kept.secret)?;
        let otk = OneTimePublic::parse(&kept.one_time_key).map_err(HandshakeError::Certificate)?;
        Ok(Self {
            peer: party::check(kept.invitee.as_ref())?,
            greeting: kept.greeting,
            transcript: transcript(&kept.transcript)?,
            answer_until: moment(kept.answer_until_ms, "answer time")?,
            otk,
            secret,
        })
    }
}

fn ms(at: Timestamp) -> u64 {
    u64::try_from(at.0).unwrap_or(0)
}

fn one_time(bytes: &mut Vec<u8>) -> Result<OneTimeKey, HandshakeError> {
    let key = OneTimeKey::from_bytes(bytes).map_err(HandshakeError::Certificate);
    bytes.zeroize();
    key
}

fn shared(bytes: &mut Vec<u8>) -> Result<Secret<32>, HandshakeError> {
    let secret = Secret::from_slice(bytes).ok_or(HandshakeError::Field("secret"));
    bytes.zeroize();
    secret
}

fn transcript(bytes: &[u8]) -> Result<[u8; 32], HandshakeError> {
    bytes
        .try_into()
        .map_err(|_| HandshakeError::Field("transcript"))
}
