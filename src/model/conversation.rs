//! Conversations.

use super::{ContactId, ConversationId, IdentityId, MessageId, Timestamp};

/// A direct conversation as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// The same on both sides.
    pub id: ConversationId,
    /// Whose it is.
    pub identity: IdentityId,
    /// With whom.
    pub contact: ContactId,
    /// The contact's shown name.
    pub title: String,
    /// Messages from the other side that were not read here.
    pub unread: u64,
    /// How many messages are stored.
    pub message_count: u64,
    /// The newest message.
    pub last_message: Option<MessageId>,
    /// When it came or was written here.
    pub last_at: Option<Timestamp>,
}
