//! Invites this daemon gave out.

use super::{IdentityId, InviteId, Timestamp};

/// What became of an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InviteState {
    /// Nobody has used it.
    Open,
    /// Used once, as meant.
    Used,
    /// Withdrawn by its owner.
    Revoked,
    /// Past its time.
    Expired,
    /// Two people presented it: somebody else saw the link. Both requests are frozen.
    Compromised,
}

/// One invite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// Local handle.
    pub id: InviteId,
    /// For whom it speaks.
    pub identity: IdentityId,
    /// What became of it.
    pub state: InviteState,
    /// A note only its owner sees, such as for whom it was made.
    pub note: String,
    /// Whether the request it brings is accepted without asking.
    pub auto_accept: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}
