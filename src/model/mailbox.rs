//! Mailboxes: parcels that wait with somebody whose machine is always on.

use super::{IdentityId, MailboxId, Timestamp};

/// A mailbox that this daemon hosts for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostedMailbox {
    /// Local handle.
    pub id: MailboxId,
    /// What we call it, such as whose it is; empty while the vault is locked.
    pub name: String,
    /// When it was offered.
    pub created_at: Timestamp,
    /// When its owner was last here, to the hour; `None` if never.
    pub seen_at: Option<Timestamp>,
    /// Tag hashes that are registered, dummies included.
    pub hashes: u64,
    /// Most hashes that may be.
    pub max_hashes: u64,
    /// Parcels that wait.
    pub parcels: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Most bytes that may wait.
    pub max_bytes: u64,
    /// Links that depositors have to it now.
    pub links: u64,
    /// Whether its owner is linked now.
    pub owner_linked: bool,
}

/// What this daemon does as a host, all mailboxes taken together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MailboxHostStatus {
    /// Mailboxes offered.
    pub mailboxes: u64,
    /// Most mailboxes that may be.
    pub max_mailboxes: u64,
    /// Parcels that wait.
    pub parcels: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Most bytes that may wait.
    pub max_bytes: u64,
    /// Deposits taken since the start.
    pub taken: u64,
    /// Deposits refused since the start.
    pub refused: u64,
}

/// A mailbox of ours, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnMailbox {
    /// By local handle.
    pub id: MailboxId,
    /// Whose contacts leave parcels there.
    pub identity: IdentityId,
    /// The user's own note.
    pub note: String,
    /// Since when it is used.
    pub created_at: Timestamp,
    /// When its host was last asked with success.
    pub polled_at: Option<Timestamp>,
    /// Whether the latest try to ask it failed.
    pub failing: bool,
}
