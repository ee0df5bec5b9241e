//! The code of a mailbox arrangement, and what follows from it (`protocol.md` E.2).
//!
//! `ver(1) flags(1) secret(32) checksum(4) addresses(<= 96)`, in Crockford's base 32 behind
//! `msgd:m1`; addresses as in an invite. The host makes it and hands it to the owner over any
//! private channel. Of its secret, only the deposit key ever goes on to the owner's contacts.

use super::link_text::{self, Unreadable, base32, fitting, pack, unpack};
use crate::crypto::{Secret, derive, hash, same};
use std::{fmt, net::SocketAddr, str::FromStr};

const VERSION: u8 = 1;
const SECRET_LEN: usize = 32;
const SUM_AT: usize = 2 + SECRET_LEN;
const SUM_LEN: usize = 4;
const FIXED_LEN: usize = SUM_AT + SUM_LEN;
/// Most bytes of packed addresses in a mailbox code.
pub const MAX_MAILBOX_ADDRESS_BYTES: usize = 96;

/// What a host hands to the owner of a mailbox.
#[derive(Clone)]
pub struct MailboxCode {
    /// Known to host and owner.
    pub secret: Secret<SECRET_LEN>,
    /// Where the host is reached.
    pub addresses: Vec<SocketAddr>,
}

// The secret stays out of logs.
impl fmt::Debug for MailboxCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailboxCode[redacted]")
    }
}

/// Why a text is not a usable mailbox code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailboxCodeError {
    /// It does not begin like one.
    #[error("this is not a mailbox code; one begins with \"msgd:m1\"")]
    NotACode,
    /// The checksum, or a character, is wrong.
    #[error("the mailbox code is mistyped or damaged; copy it again")]
    Checksum,
    /// It was made by a later version of this program.
    #[error("the mailbox code needs a newer version of msgd")]
    NewerVersion,
    /// The end is missing.
    #[error("the mailbox code is cut off; copy all of it")]
    Truncated,
}

impl From<Unreadable> for MailboxCodeError {
    fn from(why: Unreadable) -> Self {
        match why {
            Unreadable::Foreign => Self::NotACode,
            Unreadable::Checksum => Self::Checksum,
            Unreadable::Newer => Self::NewerVersion,
            Unreadable::Truncated => Self::Truncated,
        }
    }
}

/// The link keys of one arrangement.
pub struct MailboxKeys {
    /// Between owner and host: register, list, fetch, delete.
    pub owner: Secret<32>,
    /// Between the owner's contacts and the host: put, nothing else.
    pub deposit: Secret<32>,
}

impl MailboxKeys {
    /// The keys of the arrangement with this secret.
    #[must_use]
    pub fn derive(secret: &[u8; SECRET_LEN]) -> Self {
        let key = |label| derive(secret, label, &[]);
        Self {
            owner: key("mailbox-owner"),
            deposit: key("mailbox-deposit"),
        }
    }
}

/// Under which hash a host knows a parcel's tag: `H("mbx" || tag)[..16]`, framed.
#[must_use]
pub fn mailbox_hash(tag: &[u8; 16]) -> [u8; 16] {
    let whole = hash(&[b"mbx", tag]);
    let mut short = [0; 16];
    short.copy_from_slice(whole.split_at(16).0);
    short
}

impl MailboxCode {
    /// A code with as many of `addresses`, in order, as fit.
    #[must_use]
    pub fn new(secret: Secret<SECRET_LEN>, addresses: &[SocketAddr]) -> Self {
        let addresses = fitting(addresses, MAX_MAILBOX_ADDRESS_BYTES);
        Self { secret, addresses }
    }

    /// The arrangement's link keys.
    #[must_use]
    pub fn keys(&self) -> MailboxKeys {
        MailboxKeys::derive(self.secret.as_bytes())
    }

    /// The text that people pass on. It is as secret as what it opens.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("msgd:m{VERSION}{}", base32::encode(&self.to_bytes()))
    }

    /// The code's bytes before they are spelt out.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION, 0];
        bytes.extend_from_slice(self.secret.as_bytes());
        // A code built by hand may hold more addresses than fit.
        let addresses = pack(&fitting(&self.addresses, MAX_MAILBOX_ADDRESS_BYTES));
        let sum = checksum(&bytes, &addresses);
        bytes.extend_from_slice(&sum);
        bytes.extend_from_slice(&addresses);
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MailboxCodeError> {
        let short = MailboxCodeError::Truncated;
        let (fixed, addresses) = bytes.split_at_checked(FIXED_LEN).ok_or(short)?;
        let (head, sum) = fixed.split_at_checked(SUM_AT).ok_or(short)?;
        if checksum(head, addresses) != *sum {
            return Err(MailboxCodeError::Checksum);
        }
        let ([version, flags], secret) = head.split_first_chunk().ok_or(short)?;
        if *version != VERSION || *flags != 0 {
            return Err(MailboxCodeError::NewerVersion);
        }
        Ok(Self {
            secret: Secret::from_slice(secret).ok_or(short)?,
            addresses: unpack(addresses, MAX_MAILBOX_ADDRESS_BYTES)?,
        })
    }
}

impl PartialEq for MailboxCode {
    fn eq(&self, other: &Self) -> bool {
        same(self.secret.as_bytes(), other.secret.as_bytes()) && self.addresses == other.addresses
    }
}

impl FromStr for MailboxCode {
    type Err = MailboxCodeError;

    fn from_str(text: &str) -> Result<Self, MailboxCodeError> {
        Self::from_bytes(&link_text::read(text, 'm', FIXED_LEN)?)
    }
}

fn checksum(head: &[u8], addresses: &[u8]) -> [u8; SUM_LEN] {
    let [a, b, c, d, ..] = hash(&[&[head, addresses].concat()]);
    [a, b, c, d]
}

#[cfg(test)]
mod tests;
