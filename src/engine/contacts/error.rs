//! Why something about people could not be done.

use crate::{
    crypto::CryptoError,
    engine::identities::IdentityError,
    protocol::{HandshakeError, InviteError},
    store::StoreError,
};

/// Each variant is a step that failed.
#[derive(Debug, thiserror::Error)]
pub enum ContactError {
    /// The vault must be unlocked first.
    #[error("the vault is locked")]
    Locked,
    /// No such contact, request or invite.
    #[error("not found")]
    NotFound,
    /// The link is not one, or is mistyped.
    #[error("the invite link cannot be read")]
    ParseLink(#[source] InviteError),
    /// The link was made by one of the user's own identities.
    #[error("the invite is one of your own")]
    OwnInvite,
    /// The link was used here before.
    #[error("this invite was already used here")]
    AlreadyUsed,
    /// A greeting that is too long.
    #[error("a greeting is at most 280 bytes")]
    GreetingTooLong,
    /// A name that is too long or has control characters.
    #[error("a name is at most 120 bytes without control characters")]
    BadName,
    /// A lifetime outside the limits.
    #[error("an invite lives from a minute to 90 days")]
    BadLifetime,
    /// Too many open invites, requests or contacts.
    #[error("there are too many {0}")]
    TooMany(&'static str),
    /// The state does not allow it.
    #[error("{0}")]
    WrongState(&'static str),
    /// A handshake message does not check out.
    #[error("the handshake does not check out")]
    Handshake(#[source] HandshakeError),
    /// Keys cannot be read.
    #[error("cannot read keys")]
    Keys(#[source] CryptoError),
    /// The own identity cannot be used.
    #[error("the own identity cannot be used")]
    Identity(#[source] IdentityError),
    /// A record holds nonsense.
    #[error("a record is damaged")]
    Damaged,
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] StoreError),
}
