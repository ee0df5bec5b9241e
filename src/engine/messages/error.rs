//! Why a message could not be written or read.

use crate::{
    crypto::CryptoError,
    engine::identities::IdentityError,
    protocol::{PayloadError, StatementError},
    store::StoreError,
};

/// Each variant is a step that failed.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// Nothing to send.
    #[error("an empty message is not sent")]
    Empty,
    /// A text above the limit.
    #[error("the text has {bytes} bytes, at most 65536 can be sent")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The vault must be unlocked first.
    #[error("the vault is locked")]
    Locked,
    /// No such message.
    #[error("no such message")]
    NotFound,
    /// No such contact.
    #[error("no such contact")]
    NoContact,
    /// The contact is blocked, or was unblocked and not invited again.
    #[error("no keys are shared with this contact: use a new invite")]
    NoSession,
    /// Too much waits for this contact already.
    #[error("10000 messages wait for this contact already")]
    OutboxFull,
    /// It is on the link or finished.
    #[error("{0}")]
    TooLate(&'static str),
    /// Their certificate is too old to encrypt to; their next link brings a new one.
    #[error(
        "the contact's keys have expired: they must come online once before they can be written to"
    )]
    KeysExpired(#[source] CryptoError),
    /// A certificate of theirs cannot be read.
    #[error("cannot read the contact's certificate")]
    PeerCert(#[source] CryptoError),
    /// Sealing failed.
    #[error("cannot seal")]
    Seal(#[source] CryptoError),
    /// A statement could not be signed.
    #[error("cannot sign")]
    Statement(#[source] StatementError),
    /// The payload cannot be built.
    #[error("cannot build the payload")]
    Payload(#[source] PayloadError),
    /// The own identity cannot be used.
    #[error("the own identity cannot be used")]
    Identity(#[source] IdentityError),
    /// A record holds nonsense.
    #[error("a record is damaged")]
    Damaged,
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// The daemon is stopping.
    #[error("the daemon is stopping")]
    Stopped,
}
