//! The one-time invite link (`protocol.md` A.3).
//!
//! `ver(1) flags(1) secret(16) ic_hash(20) checksum(4) hints(<= 48)`, in Crockford's base 32
//! behind `msgd:i1`. The checksum covers everything else. A hint is `4 ip(4) port(2)` or
//! `6 ip(16) port(2)`. Version, flags and commitment are in the invite's keys: whoever changes
//! one, checksum and all, makes another invite, which nobody offers. Hints are not, so that an
//! address can be mended by hand.

use std::{fmt, net::SocketAddr, str::FromStr};

use super::link_text::{self, Unreadable, base32, fitting, pack, unpack};
use crate::crypto::{Secret, Tag, derive, hash};

const VERSION: u8 = 1;
const FIXED_LEN: usize = 42;
const SUM_LEN: usize = 4;
const SUM_AT: usize = FIXED_LEN - SUM_LEN;
/// Most bytes of packed hints.
pub const MAX_HINT_BYTES: usize = 48;

/// The invite is shown face to face: it ends after ten minutes and counts as verified.
pub const IN_PERSON: InviteFlags = InviteFlags(1);

/// Properties of an invite that its reader must know before the bundle is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InviteFlags(pub u8);

impl InviteFlags {
    /// Whether every flag of `other` is set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What a human passes on.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteLink {
    /// Properties.
    pub flags: InviteFlags,
    /// Known to the inviter and whoever saw the link.
    pub secret: [u8; 16],
    /// Commits to the inviter's identity certificate, see [`crate::crypto::ic_hash20`].
    pub ic_hash: [u8; 20],
    /// Where the inviter may be reached.
    pub hints: Vec<SocketAddr>,
}

// The secret stays out of logs.
impl fmt::Debug for InviteLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteLink[redacted]")
    }
}

/// Why a text is not a usable invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    /// It does not begin like one.
    #[error("this is not an msgd invite; one begins with \"msgd:i1\"")]
    NotAnInvite,
    /// The checksum, or a character, is wrong.
    #[error("the invite is mistyped or damaged; copy it again")]
    Checksum,
    /// It was made by a later version of this program.
    #[error("the invite needs a newer version of msgd")]
    NewerVersion,
    /// The end is missing.
    #[error("the invite is cut off; copy all of it")]
    Truncated,
}

impl InviteLink {
    /// An invite with as many of `hints`, in order, as fit.
    #[must_use]
    pub fn new(
        flags: InviteFlags,
        secret: [u8; 16],
        ic_hash: [u8; 20],
        hints: &[SocketAddr],
    ) -> Self {
        let hints = fitting(hints, MAX_HINT_BYTES);
        Self {
            flags,
            secret,
            ic_hash,
            hints,
        }
    }

    /// The keys that inviter and invitee share through it.
    #[must_use]
    pub fn keys(&self) -> InviteKeys {
        InviteKeys::derive(&self.secret, self.flags, &self.ic_hash)
    }

    /// The link in upper case, which a QR code holds in fewer modules.
    #[must_use]
    pub fn qr_text(&self) -> String {
        self.to_string().to_uppercase()
    }

    /// The link's bytes before they are spelt out.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION, self.flags.0];
        bytes.extend_from_slice(&self.secret);
        bytes.extend_from_slice(&self.ic_hash);
        // A link built by hand may hold more hints than fit.
        let hints = pack(&fitting(&self.hints, MAX_HINT_BYTES));
        let sum = checksum(&bytes, &hints);
        bytes.extend_from_slice(&sum);
        bytes.extend_from_slice(&hints);
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InviteError> {
        let (fixed, hints) = bytes
            .split_at_checked(FIXED_LEN)
            .ok_or(InviteError::Truncated)?;
        let (head, sum) = fixed
            .split_at_checked(SUM_AT)
            .ok_or(InviteError::Truncated)?;
        if checksum(head, hints) != *sum {
            return Err(InviteError::Checksum);
        }
        let short = InviteError::Truncated;
        let ([version, flags], rest) = head.split_first_chunk().ok_or(short)?;
        let (secret, rest) = rest.split_first_chunk().ok_or(short)?;
        let ic_hash = rest.try_into().map_err(|_| short)?;
        if *version != VERSION || flags & !IN_PERSON.0 != 0 {
            return Err(InviteError::NewerVersion);
        }
        Ok(Self {
            flags: InviteFlags(*flags),
            secret: *secret,
            ic_hash,
            hints: unpack(hints, MAX_HINT_BYTES)?,
        })
    }
}

fn checksum(head: &[u8], hints: &[u8]) -> [u8; SUM_LEN] {
    let [a, b, c, d, ..] = hash(&[&[head, hints].concat()]);
    [a, b, c, d]
}

impl From<Unreadable> for InviteError {
    fn from(why: Unreadable) -> Self {
        match why {
            Unreadable::Foreign => Self::NotAnInvite,
            Unreadable::Checksum => Self::Checksum,
            Unreadable::Newer => Self::NewerVersion,
            Unreadable::Truncated => Self::Truncated,
        }
    }
}

impl fmt::Display for InviteLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "msgd:i{VERSION}{}", base32::encode(&self.to_bytes()))
    }
}

impl FromStr for InviteLink {
    type Err = InviteError;

    /// Tolerates what happens to a link in mail and on paper, see [`link_text::read`].
    fn from_str(text: &str) -> Result<Self, InviteError> {
        Self::from_bytes(&link_text::read(text, 'i', FIXED_LEN)?)
    }
}

/// The keys that an invite gives to both sides until they have better ones.
pub struct InviteKeys {
    /// K: enters the pair's root key.
    pub base: Secret<32>,
    /// Seals the bundle and the outside of both handshake messages.
    pub seal: Secret<32>,
    /// Gives those messages their tags.
    pub tag: Secret<32>,
    /// Proves to the inviter that the invitee saw the link.
    pub auth: Secret<32>,
    /// For meeting by way of a public directory.
    pub rdv: Secret<32>,
    /// For the link proof, until the pair has its own.
    pub link: Secret<32>,
}

impl InviteKeys {
    /// The keys of the invite with this secret, these flags and this commitment.
    #[must_use]
    pub fn derive(secret: &[u8; 16], flags: InviteFlags, ic_hash: &[u8; 20]) -> Self {
        let base: Secret<32> = derive(secret, "invite", &[&[VERSION], &[flags.0], ic_hash]);
        let key = |label| derive(base.as_bytes(), label, &[]);
        Self {
            seal: key("invite-seal"),
            tag: key("invite-tag"),
            auth: key("invite-auth"),
            rdv: key("invite-rdv"),
            link: key("invite-link"),
            base,
        }
    }

    /// The tag of the invitee's message.
    pub(super) fn hello_tag(&self) -> [u8; 16] {
        *derive(self.tag.as_bytes(), "hello", &[]).as_bytes()
    }

    /// The tag of the inviter's answer.
    pub(super) fn confirm_tag(&self) -> [u8; 16] {
        *derive(self.tag.as_bytes(), "confirm", &[]).as_bytes()
    }

    pub(super) fn hello_parcel(&self) -> (Tag, Secret<32>) {
        let key = derive(self.seal.as_bytes(), "hello", &[]);
        (Tag(self.hello_tag()), key)
    }

    pub(super) fn confirm_parcel(&self) -> (Tag, Secret<32>) {
        let key = derive(self.seal.as_bytes(), "confirm", &[]);
        (Tag(self.confirm_tag()), key)
    }
}

#[cfg(test)]
mod tests;
