//! How two strangers become contacts (`protocol.md` B.1).
//!
//! ```text
//! inviter                                        invitee
//! offer        -- bundle (8192 bytes) -------->  open_bundle
//! open_hello   <- Hello (parcel) --------------  hello
//! confirm      -- Confirm (parcel) ----------->  open_confirm
//! ```
//!
//! Each message is sealed under the invite's keys; Hello and Confirm are, inside, OpenPGP
//! messages to a key made for this one purpose, signed by a device that the signed manifest
//! of the identity names. Each side contributes a secret that only the other's one-time key
//! opens, and both, with the invite's own, make the root key, bound to every byte that was
//! said.

mod bundle;
mod confirm;
mod hello;
mod kept;
mod party;
mod schedule;

use std::net::SocketAddr;

use crate::{
    crypto::{CryptoError, DeviceKey, IdentityCert, OpenError},
    wire::WireError,
};

use super::{InviteKeys, ManifestError};

pub use bundle::{Offer, OpenedBundle, offer, open_bundle};
pub use confirm::{Established, confirm, open_confirm};
pub use hello::{ANSWER_TTL, IncomingHello, InviteUse, PendingHello, hello, judge, open_hello};
pub use party::Peer;

/// This side, as it presents itself.
#[derive(Clone, Copy)]
pub struct Me<'a> {
    /// Identity certificate.
    pub ic: &'a IdentityCert,
    /// A [`SignedManifest`](super::SignedManifest), as bytes.
    pub manifest: &'a [u8],
    /// This device.
    pub device: &'a DeviceKey,
    /// What the user calls themselves.
    pub name: &'a str,
    /// Where this device can be reached; the first 16 are told.
    pub addresses: &'a [SocketAddr],
}

/// Why a handshake goes no further.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The invite's time is over, or the answer's.
    #[error("the invite has expired")]
    Expired,
    /// Somebody other than the link's maker answers.
    #[error("this is not the person who made the invite")]
    NotTheInviter,
    /// It is one's own.
    #[error("the invite was made by the same identity")]
    OwnInvite,
    /// Not sealed under this invite's keys.
    #[error("the message does not belong to this invite")]
    OtherInvite,
    /// Another protocol version.
    #[error("the other side uses protocol version {0}, which is not known here")]
    Version(u32),
    /// The bytes break the format.
    #[error("the handshake message is malformed")]
    Malformed(#[source] WireError),
    /// A field does not have its one permitted form.
    #[error("the handshake message's {0} is not valid")]
    Field(&'static str),
    /// A certificate or signature is not valid.
    #[error("the other side's certificates are not valid")]
    Certificate(#[source] CryptoError),
    /// The manifest is not valid.
    #[error("the other side's device manifest is not valid")]
    Manifest(#[source] ManifestError),
    /// The manifest does not name the device.
    #[error("the other side's device is not one of its identity's")]
    ForeignDevice,
    /// The envelope does not open.
    #[error("the handshake message does not open")]
    Envelope(#[source] OpenError),
    /// Its author does not know the link, or saw another bundle.
    #[error("the handshake message's proof is not valid")]
    Proof,
    /// Something could not be made.
    #[error("the handshake message could not be made")]
    Crypto(#[source] CryptoError),
    /// More than fits.
    #[error("the {0} is too long")]
    TooLong(&'static str),
}

/// The tag of the Hello parcel.
#[must_use]
pub fn hello_tag(keys: &InviteKeys) -> [u8; 16] {
    keys.hello_tag()
}

/// The tag of the Confirm parcel.
#[must_use]
pub fn confirm_tag(keys: &InviteKeys) -> [u8; 16] {
    keys.confirm_tag()
}

/// Purpose of the device's signature under a bundle.
const BUNDLE_PURPOSE: &str = "bundle";

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
