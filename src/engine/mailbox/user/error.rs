//! What can go wrong with mailboxes of ours.

use crate::{protocol::MailboxCodeError, store::StoreError};

/// Why a call about a mailbox failed.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// The text is no mailbox code.
    #[error("the mailbox code cannot be read")]
    Code(#[source] MailboxCodeError),
    /// The code names no address.
    #[error("the mailbox code names no address of its host")]
    NoAddress,
    /// This mailbox is in use already.
    #[error("this mailbox is in use already")]
    Known,
    /// There are two already.
    #[error("an identity uses at most two mailboxes at a time; remove one first")]
    TooMany,
    /// A note that is too long.
    #[error("the note is too long")]
    BadNote,
    /// No such mailbox.
    #[error("there is no such mailbox")]
    NotFound,
    /// A record cannot be read.
    #[error("a mailbox's record is damaged")]
    Damaged,
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] StoreError),
}
