//! What happened, numbered for ever. Events name things by id and hold no content.

use super::{
    ContactId, ConversationId, DeliveryState, IdentityId, InviteId, MessageId, RequestId,
    Timestamp, VaultState,
};

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Rises by one with each event of this profile, from 1, and is never used twice.
    pub seq: u64,
    /// When it was written down.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
}

/// What happened. Readers fetch the thing itself by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A message came in.
    #[allow(missing_docs, reason = "the fields are named by their types")]
    MessageReceived {
        conversation: ConversationId,
        message: MessageId,
    },
    /// A message was written here, by this or another client.
    #[allow(missing_docs, reason = "the fields are named by their types")]
    MessageQueued {
        conversation: ConversationId,
        message: MessageId,
    },
    /// An outgoing message got further, or stopped.
    #[allow(missing_docs, reason = "the fields are named by their types")]
    MessageState {
        conversation: ConversationId,
        message: MessageId,
        state: DeliveryState,
    },
    /// The number of unread messages changed.
    #[allow(missing_docs, reason = "the fields are named by their types")]
    UnreadChanged {
        conversation: ConversationId,
        unread: u64,
    },
    /// A contact exists now.
    #[allow(missing_docs, reason = "the fields are named by their types")]
    ContactAdded { contact: ContactId },
    /// A contact's name, alias, state or verification changed.
    #[allow(missing_docs, reason = "the fields are named by their types")]
    ContactChanged { contact: ContactId },
    /// A link came up or went down.
    #[allow(missing_docs, reason = "the fields are named by their types")]
    PresenceChanged { contact: ContactId, connected: bool },
    /// A contact request came in, went out or was decided.
    #[allow(missing_docs, reason = "the fields are named by their types")]
    RequestChanged { request: RequestId },
    /// An invite was made, used, revoked or found compromised.
    #[allow(missing_docs, reason = "the fields are named by their types")]
    InviteChanged { invite: InviteId },
    /// An identity was made or renamed.
    #[allow(missing_docs, reason = "the fields are named by their types")]
    IdentityChanged { identity: IdentityId },
    /// The vault was locked or unlocked.
    #[allow(missing_docs, reason = "the fields are named by their types")]
    VaultChanged { state: VaultState },
    /// Events from `from` to `to`, inclusive, are no longer stored: re-read what you show.
    #[allow(missing_docs, reason = "the fields are named by their types")]
    Gap { from: u64, to: u64 },
}

/// The kinds a subscriber can choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// Messages in and out.
    Message,
    /// Delivery states.
    Receipt,
    /// Unread counts.
    Unread,
    /// Contacts.
    Contact,
    /// Links up and down.
    Presence,
    /// Contact requests.
    Request,
    /// Invites.
    Invite,
    /// Own identities.
    Identity,
    /// The vault.
    Vault,
}

impl EventType {
    /// Every type.
    pub const ALL: [Self; 9] = [
        Self::Message,
        Self::Receipt,
        Self::Unread,
        Self::Contact,
        Self::Presence,
        Self::Request,
        Self::Invite,
        Self::Identity,
        Self::Vault,
    ];

    /// What it is called where clients read words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Receipt => "receipt",
            Self::Unread => "unread",
            Self::Contact => "contact",
            Self::Presence => "presence",
            Self::Request => "request",
            Self::Invite => "invite",
            Self::Identity => "identity",
            Self::Vault => "vault",
        }
    }
}

impl EventKind {
    /// The kind's type; `None` for a [`Gap`](EventKind::Gap), which everybody gets.
    #[must_use]
    pub const fn event_type(&self) -> Option<EventType> {
        Some(match self {
            Self::MessageReceived { .. } | Self::MessageQueued { .. } => EventType::Message,
            Self::MessageState { .. } => EventType::Receipt,
            Self::UnreadChanged { .. } => EventType::Unread,
            Self::ContactAdded { .. } | Self::ContactChanged { .. } => EventType::Contact,
            Self::PresenceChanged { .. } => EventType::Presence,
            Self::RequestChanged { .. } => EventType::Request,
            Self::InviteChanged { .. } => EventType::Invite,
            Self::IdentityChanged { .. } => EventType::Identity,
            Self::VaultChanged { .. } => EventType::Vault,
            Self::Gap { .. } => return None,
        })
    }
}
