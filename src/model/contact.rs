//! People, and those who ask to become contacts.

use super::{
    ContactId, ConversationId, Direction, FailureReason, Fingerprint, IdentityId, InviteId,
    RequestId, Timestamp,
};

/// Where a contact stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContactState {
    /// Messages flow.
    Active,
    /// Keys are gone on this side; nothing is sent or taken.
    Blocked,
    /// Unblocked, but the shared keys are gone: a new invite makes them active again.
    Former,
}

/// How the contact's identity was checked (`protocol.md` B.2), weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContactVerification {
    /// By a one-time invite over some channel.
    Link,
    /// Safety numbers compared, or scanned in person.
    Verified,
}

/// Whether a link to the contact is up right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presence {
    /// No link; says nothing about the person.
    Unknown,
    /// A link is up.
    Connected,
}

/// A contact of one identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Local handle.
    pub id: ContactId,
    /// Whose contact it is.
    pub identity: IdentityId,
    /// The direct conversation with this contact.
    pub conversation: ConversationId,
    /// What they call themselves.
    pub name: String,
    /// What the user calls them; shown instead of `name` when not empty.
    pub alias: String,
    /// Of their identity certificate.
    pub fingerprint: Fingerprint,
    /// Where they stand.
    pub state: ContactState,
    /// How far the identity was checked.
    pub verification: ContactVerification,
    /// Whether a link is up.
    pub presence: Presence,
    /// When they became a contact.
    pub created_at: Timestamp,
}

impl Contact {
    /// The alias, or else their own name.
    #[must_use]
    pub fn shown_name(&self) -> &str {
        if self.alias.is_empty() {
            &self.name
        } else {
            &self.alias
        }
    }
}

/// Where a contact request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestState {
    /// Outgoing: our Hello has not reached them. Incoming: the user has not decided.
    Pending,
    /// Outgoing: they have our Hello and have not decided.
    Sent,
    /// Accepted; the contact exists or is about to.
    Accepted,
    /// Declined by this side.
    Declined,
    /// The invite's time ran out before an answer.
    Expired,
    /// The invite was presented twice; see [`InviteState::Compromised`](super::InviteState).
    Frozen,
}

/// A contact request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Local handle.
    pub id: RequestId,
    /// For which of the user's identities.
    pub identity: IdentityId,
    /// Incoming: they used our invite. Outgoing: we used theirs.
    pub direction: Direction,
    /// Our invite that brought it, if incoming.
    pub invite: Option<InviteId>,
    /// What they call themselves; empty while unknown.
    pub name: String,
    /// A few words, theirs or ours.
    pub greeting: String,
    /// Of their identity certificate; zero while unknown.
    pub fingerprint: Fingerprint,
    /// Where it stands.
    pub state: RequestState,
    /// The contact it became.
    pub contact: Option<ContactId>,
    /// When it came or was made.
    pub created_at: Timestamp,
    /// When it ends without an answer.
    pub expires_at: Timestamp,
    /// Outgoing and not yet with them: how the latest try to reach them ended, if one did
    /// since the daemon's start.
    pub failure: Option<FailureReason>,
}
