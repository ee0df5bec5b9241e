//! Direct conversations: what a list shows of them, and what was read.
//!
//! # Decisions
//! - Unread is a number kept with the conversation, changed in the batch that changes what it
//!   counts: it cannot drift, and reading it costs one record.
//! - "Read here" is an index: everything below it is read. Marking read touches one record,
//!   however many messages there are.

use crate::{
    engine::event_bus::EventBus,
    model::{ContactId, Conversation, ConversationId, EventKind, IdentityId, MessageId, Timestamp},
    store::{StoreError, conversations, messages, records::ConversationRecord},
};

/// Why a conversation could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum ConversationError {
    /// No such conversation.
    #[error("no such conversation")]
    NotFound,
    /// The message is in another conversation.
    #[error("that message is not in this conversation")]
    ForeignMessage,
    /// A record holds nonsense.
    #[error("a record is damaged")]
    Damaged,
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] StoreError),
}

/// The handle.
#[derive(Clone)]
pub struct Conversations {
    bus: EventBus,
}

impl Conversations {
    /// The conversations in `bus`'s store.
    #[must_use]
    pub fn new(bus: EventBus) -> Self {
        Self { bus }
    }

    /// Every conversation, without titles (those are the contacts'), in no promised order.
    ///
    /// # Errors
    /// Locked, or what the store says.
    pub fn list(&self) -> Result<Vec<Conversation>, ConversationError> {
        let rows =
            conversations::list(&self.bus.store().read()).map_err(ConversationError::Store)?;
        rows.iter()
            .map(|row| from_record(row).ok_or(ConversationError::Damaged))
            .collect()
    }

    /// One conversation, without its title.
    ///
    /// # Errors
    /// No such conversation, locked, or what the store says.
    pub fn get(&self, id: ConversationId) -> Result<Conversation, ConversationError> {
        let row = conversations::get(&self.bus.store().read(), &id)
            .map_err(ConversationError::Store)?
            .ok_or(ConversationError::NotFound)?;
        from_record(&row).ok_or(ConversationError::Damaged)
    }

    /// Marks everything up to and including `up_to` read, or everything.
    ///
    /// # Errors
    /// No such conversation, a message of another one, locked, or what the store says.
    pub async fn mark_read(
        &self,
        id: ConversationId,
        up_to: Option<MessageId>,
    ) -> Result<Conversation, ConversationError> {
        let mut txn = self.bus.store().begin();
        let mut row = conversations::get(&txn, &id)
            .map_err(ConversationError::Store)?
            .ok_or(ConversationError::NotFound)?;
        let below = match up_to {
            None => row.message_count,
            Some(message) => {
                let place = messages::find(&txn, &message)
                    .map_err(ConversationError::Store)?
                    .filter(|place| place.conversation == id.0)
                    .ok_or(ConversationError::ForeignMessage)?;
                place.index + 1
            }
        };
        if below > row.read_below {
            // Count what is left rather than what is marked: own messages never count.
            let mut unread = 0;
            for index in below..row.message_count {
                let message = messages::get(&txn, &id, index).map_err(ConversationError::Store)?;
                unread += u64::from(message.is_some_and(|m| m.direction == 1));
            }
            row.read_below = below;
            let changed = row.unread != unread;
            row.unread = unread;
            conversations::put(&mut txn, &row).map_err(ConversationError::Store)?;
            if changed {
                let kind = EventKind::UnreadChanged {
                    conversation: id,
                    unread,
                };
                self.bus
                    .append(&mut txn, kind)
                    .map_err(ConversationError::Store)?;
            }
            self.bus
                .commit(txn)
                .await
                .map_err(ConversationError::Store)?;
        }
        from_record(&row).ok_or(ConversationError::Damaged)
    }
}

fn from_record(row: &ConversationRecord) -> Option<Conversation> {
    Some(Conversation {
        id: ConversationId::from_slice(&row.id)?,
        identity: IdentityId::from_slice(&row.identity)?,
        contact: ContactId::from_slice(&row.contact)?,
        title: String::new(),
        unread: row.unread,
        message_count: row.message_count,
        last_message: MessageId::from_slice(&row.last_message),
        last_at: (row.last_at != 0).then_some(Timestamp(row.last_at)),
    })
}
