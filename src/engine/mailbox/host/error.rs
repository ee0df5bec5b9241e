//! What can go wrong when a mailbox is offered or revoked.

use crate::store::StoreError;

/// Why a host's call did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum MailboxHostError {
    /// The name is too long.
    #[error("a mailbox's name has at most 120 bytes")]
    BadName,
    /// The quota makes no sense.
    #[error("a mailbox's quota is from 1 MiB to 1024 MiB")]
    BadQuota,
    /// Nobody could reach us.
    #[error(
        "this daemon knows no address where it can be reached: name one, or set `advertise` in the configuration"
    )]
    NoAddress,
    /// As many as a host may have.
    #[error("this daemon hosts {0} mailboxes already: revoke one first")]
    TooMany(usize),
    /// No such mailbox.
    #[error("no such mailbox is hosted here")]
    NotFound,
    /// What was answered before cannot be told again.
    #[error("the mailbox offered before with this key is in use: its code is not kept any more")]
    CodeGone,
    /// A record makes no sense.
    #[error("a record of a mailbox is damaged: run `msgctl doctor`")]
    Damaged,
    /// What the store said.
    #[error("the store did not do it")]
    Store(#[source] StoreError),
    /// The room has stopped.
    #[error("the daemon is stopping")]
    Stopped,
}
