//! What a message says (`protocol.md` D.3): a header that is the same for every kind, and the
//! kind's own body.

use std::net::{IpAddr, SocketAddr};

use crate::{
    crypto::hash,
    model::{ConversationId, Fingerprint, Hlc, MessageId, Timestamp, limits},
    wire::{self, FieldLimit, WireError, check_fields, v1},
};

use super::{Receipt, VERSION};

mod body;
mod mailbox;

use body::{read_body, write_body};
pub use mailbox::{MailboxOffer, MailboxTags};

/// Most addresses in one record.
pub const MAX_ADDRESSES: usize = 16;
/// Longest device certificate, in bytes.
pub const MAX_CERT_BYTES: usize = 16 * 1024;
/// Longest signed manifest, in bytes.
pub const MAX_MANIFEST_BYTES: usize = 16 * 1024;
/// Most manifests in one device update; further ones follow in the next.
pub const MAX_UPDATE_MANIFESTS: usize = 16;
/// Author numbers stay below this, so that they fit a signed column anywhere.
const MAX_SEQ: u64 = 1 << 63;
/// The only way in which authors are known so far: their device's signature.
const AUTH_SIGNED: u32 = v1::PayloadAuth::Signed as u32;
/// Longest encoded socket address.
pub(super) const SOCKET_ADDRESS_BYTES: usize = 22;

const HEADER: &[FieldLimit] = &[
    FieldLimit::number(1),
    FieldLimit::number(2),
    FieldLimit::bytes(3, 16),
    FieldLimit::bytes(4, 32),
    FieldLimit::number(5),
    FieldLimit::list(6, 16, limits::MAX_PARENTS),
    FieldLimit::number(7),
    FieldLimit::bytes(8, 32),
    FieldLimit::number(9),
    FieldLimit::bytes(10, 16),
    FieldLimit::bytes(11, limits::MAX_PAYLOAD_BYTES),
    FieldLimit::number(12),
];

/// Why bytes are not a payload, or a payload cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// The bytes break the format.
    #[error("the payload is malformed")]
    Malformed(#[source] WireError),
    /// Another major version.
    #[error("the payload has version {0}, which this version of msgd does not know")]
    Version(u32),
    /// The author is vouched for in a way that this version does not accept.
    #[error(
        "the payload's author is vouched for in way {0}, which this version of msgd does not accept"
    )]
    Auth(u32),
    /// A field does not have its one permitted length or form.
    #[error("the payload's {0} is not valid")]
    Field(&'static str),
    /// Too long or too many.
    #[error("the payload's {0} exceeds its limit")]
    Limit(&'static str),
}

/// Where the author can be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressRecord {
    /// The record with the higher counter wins.
    pub counter: u64,
    /// At most [`MAX_ADDRESSES`].
    pub addresses: Vec<SocketAddr>,
}

/// New keys of the author's device, or new manifests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceUpdate {
    /// The signed manifests since the one that the recipient knows, the oldest first; none if
    /// unchanged. At most [`MAX_UPDATE_MANIFESTS`].
    pub manifests: Vec<Vec<u8>>,
    /// The device certificate.
    pub dc: Vec<u8>,
}

/// What follows the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Something to read.
    Text(String),
    /// What has arrived.
    Receipt(Receipt),
    /// Where to reach the author.
    Address(AddressRecord),
    /// The author's keys.
    Device(DeviceUpdate),
    /// Author numbers that will never come, rising.
    Void {
        /// At most 256.
        seqs: Vec<u64>,
    },
    /// What the author calls themselves.
    Profile {
        /// At most 120 bytes.
        name: String,
    },
    /// Where parcels for the author may wait.
    Mailbox(MailboxOffer),
    /// A kind that a later version knows: kept, shown as "update needed".
    Unknown {
        /// Its number.
        kind: u32,
        /// Its bytes, unopened.
        bytes: Vec<u8>,
    },
}

/// One message, as its author signed it.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    /// Where it belongs.
    pub conversation: ConversationId,
    /// The device that signs it.
    pub author_device: Fingerprint,
    /// The device's running number for texts in this conversation, from 1; other known kinds
    /// have 0.
    pub seq: u64,
    /// First halves of the ids of the newest messages the author had seen, none twice.
    pub parents: Vec<[u8; 16]>,
    /// The author's clock.
    pub hlc: Hlc,
    /// Hash of the recipient's newest manifest that the author knows.
    pub manifest_head_seen: [u8; 32],
    /// When it should be gone, if ever.
    pub expires: Option<Timestamp>,
    /// Random: equal texts have different ids.
    pub salt: [u8; 16],
    /// What it says.
    pub body: Body,
}

// Texts stay out of logs.
impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Payload")
            .field("seq", &self.seq)
            .finish_non_exhaustive()
    }
}

impl Payload {
    /// The bytes to seal. What [`decode`](Self::decode) would refuse is refused here.
    pub fn encode(&self) -> Result<Vec<u8>, PayloadError> {
        self.check()?;
        let (kind, body) = write_body(&self.body)?;
        let expires_ms = match self.expires {
            None => 0,
            Some(at) => u64::try_from(at.0)
                .ok()
                .filter(|ms| *ms > 0)
                .ok_or(PayloadError::Field("expiry"))?,
        };
        let bytes = wire::write(&v1::Payload {
            version: VERSION,
            kind,
            conversation: self.conversation.0.to_vec(),
            author_device: self.author_device.0.to_vec(),
            seq: self.seq,
            parents: self.parents.iter().map(|parent| parent.to_vec()).collect(),
            hlc: self.hlc.0,
            manifest_head_seen: self.manifest_head_seen.to_vec(),
            expires_ms,
            salt: self.salt.to_vec(),
            body,
            auth: AUTH_SIGNED,
        });
        if bytes.len() > limits::MAX_PAYLOAD_BYTES {
            return Err(PayloadError::Limit("length"));
        }
        Ok(bytes)
    }

    /// Reads a payload; every limit is checked before anything is allocated for it.
    pub fn decode(bytes: &[u8]) -> Result<Self, PayloadError> {
        if bytes.len() > limits::MAX_PAYLOAD_BYTES {
            return Err(PayloadError::Limit("length"));
        }
        let raw: v1::Payload = read_limited(bytes, HEADER)?;
        if raw.version != VERSION {
            return Err(PayloadError::Version(raw.version));
        }
        if raw.auth != AUTH_SIGNED {
            return Err(PayloadError::Auth(raw.auth));
        }
        let expires = match raw.expires_ms {
            0 => None,
            ms => Some(Timestamp(
                i64::try_from(ms).map_err(|_| PayloadError::Field("expiry"))?,
            )),
        };
        let payload = Self {
            conversation: ConversationId(array(&raw.conversation, "conversation")?),
            author_device: Fingerprint(array(&raw.author_device, "author")?),
            seq: raw.seq,
            parents: raw
                .parents
                .iter()
                .map(|parent| array(parent, "parents"))
                .collect::<Result<_, _>>()?,
            hlc: Hlc(raw.hlc),
            manifest_head_seen: array(&raw.manifest_head_seen, "manifest head")?,
            expires,
            salt: array(&raw.salt, "salt")?,
            body: read_body(raw.kind, &raw.body)?,
        };
        payload.check()?;
        Ok(payload)
    }

    fn check(&self) -> Result<(), PayloadError> {
        if self.parents.len() > limits::MAX_PARENTS {
            return Err(PayloadError::Limit("parents"));
        }
        let mut parents = self.parents.clone();
        parents.sort_unstable();
        parents.dedup();
        if parents.len() != self.parents.len() {
            return Err(PayloadError::Field("parents"));
        }
        let numbered = match self.body {
            Body::Text(_) => self.seq > 0,
            Body::Unknown { .. } => true,
            _ => self.seq == 0,
        };
        if !numbered || self.seq >= MAX_SEQ {
            return Err(PayloadError::Field("number"));
        }
        Ok(())
    }
}

/// The id of the message whose payload is `bytes`: dedup key, integrity and name in one.
#[must_use]
pub fn message_id(bytes: &[u8], author: &Fingerprint) -> MessageId {
    MessageId(hash(&[bytes, &author.0]))
}

/// What envelopes between two contacts are bound to. `inviter` and `invitee` are their
/// identity certificates' fingerprints, in the roles of the handshake.
#[must_use]
pub fn pair_context(
    conversation: &ConversationId,
    inviter: &Fingerprint,
    invitee: &Fingerprint,
) -> [u8; 32] {
    hash(&[b"msgd/1/pair", &conversation.0, &inviter.0, &invitee.0])
}

/// Reads a message after a look over its fields.
pub(super) fn read_limited<M: wire::Readable>(
    bytes: &[u8],
    limits: &[FieldLimit],
) -> Result<M, PayloadError> {
    check_fields(bytes, limits)
        .and_then(|()| wire::read(bytes))
        .map_err(PayloadError::Malformed)
}

fn array<const N: usize>(bytes: &[u8], what: &'static str) -> Result<[u8; N], PayloadError> {
    bytes.try_into().map_err(|_| PayloadError::Field(what))
}

/// An address as peers write it.
pub(super) fn write_address(address: &SocketAddr) -> v1::SocketAddress {
    v1::SocketAddress {
        ip: match address.ip() {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        },
        port: u32::from(address.port()),
    }
}

/// The address in what a peer wrote.
pub(super) fn read_address(raw: &v1::SocketAddress) -> Option<SocketAddr> {
    let ip = <[u8; 4]>::try_from(raw.ip.as_slice())
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(raw.ip.as_slice()).map(IpAddr::from))
        .ok()?;
    Some(SocketAddr::new(ip, u16::try_from(raw.port).ok()?))
}

#[cfg(test)]
mod tests;
