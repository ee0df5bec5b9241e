//! What can go wrong, told apart as far as a caller can act on it.

/// Why a cryptographic operation did not happen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// The bytes are not what they should be, or were changed after they were sealed.
    #[error("the data is damaged, or was sealed with another key")]
    Unauthentic,
    /// The bytes do not have the form that this version writes.
    #[error("malformed {what}: {why}")]
    Malformed {
        /// What was being read.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The bytes were written by a later version of this program.
    #[error("written by a newer version of msgd (format {found})")]
    NewerVersion {
        /// The format's version.
        found: u16,
    },
    /// A parcel holds an envelope of a kind that only a later version knows.
    #[error(
        "the parcel holds an envelope of kind {kind}, which this version of msgd does not know"
    )]
    UnknownEnvelope {
        /// Its number.
        kind: u8,
    },
    /// The signature is not one that this key made over these bytes.
    #[error("the signature is not valid")]
    BadSignature,
    /// The device certificate is too old: none of its subkeys can still be opened.
    #[error("the recipient's certificate has no usable encryption key")]
    NoUsableSubkey,
    /// More bytes than the format can carry.
    #[error("{len} bytes are more than the {max} that fit")]
    TooLarge {
        /// How many there are.
        len: usize,
        /// How many there may be.
        max: usize,
    },
    /// Nobody to seal to, or too many.
    #[error("a message has between 1 and {max} recipients, not {count}")]
    Recipients {
        /// How many were given.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// Passphrase parameters outside the permitted range.
    #[error("the passphrase parameters are out of range")]
    KdfParams,
    /// The passphrase function could not have the memory it needs.
    #[error("not enough memory to check the passphrase")]
    OutOfMemory,
    /// The OpenPGP library refused.
    #[error("OpenPGP: {0}")]
    OpenPgp(String),
}

impl CryptoError {
    /// Something of the OpenPGP library's making; its errors have no common type.
    pub(crate) fn open_pgp(error: impl std::fmt::Display) -> Self {
        Self::OpenPgp(error.to_string())
    }
}

/// Why a message was not opened. Nothing of it may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Larger than any message may be.
    #[error("the message is larger than {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// Not one of the packet sequences that this protocol knows.
    #[error("the message has a form that is not permitted: {0}")]
    Form(&'static str),
    /// No key of ours opens it.
    #[error("the message is for none of the keys held")]
    NoKey,
    /// The encrypted part was changed on the way, or cut short.
    #[error("the message was damaged or changed on its way")]
    Tampered,
    /// The signature names no recipient, or others only: a message passed on under its author's name.
    #[error("the author did not address this device")]
    NotAddressed,
    /// Signed for another conversation.
    #[error("the message belongs to another conversation")]
    WrongContext,
    /// Not signed by the expected device.
    #[error("the author's signature is not valid")]
    BadSignature,
    /// The payload names no author that could be checked.
    #[error("the message names no author")]
    UnknownAuthor,
    /// The parser panicked. A defect, contained.
    #[error("the message broke the parser")]
    Crashed,
}
