//! Messages.

use super::{IdempotencyKey, Result, Selector, Service};
use crate::model::{Attempt, DeliveryState, Message, OutboxEntry, Page, PageRequest};
use std::time::Duration;

/// What to send, and to whom.
#[derive(Clone, PartialEq, Eq)]
pub struct SendMessage {
    /// A contact or a conversation.
    pub to: Selector,
    /// 1 to 65536 bytes of UTF-8.
    pub text: String,
}

/// Everything that is known about a message's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageWhy {
    /// The message.
    pub message: Message,
    /// Its row in the outbox, while it is on its way.
    pub entry: Option<OutboxEntry>,
    /// The latest tries, oldest first; at most 32 are kept.
    pub attempts: Vec<Attempt>,
}

impl Service {
    /// Seals a message and puts it on disk. Returned means: it will be tried until it is
    /// delivered, cancelled or 30 days old.
    pub async fn send_message(&self, request: SendMessage, key: IdempotencyKey) -> Result<Message> {
        todo!()
    }

    /// One message.
    pub async fn get_message(&self, which: Selector) -> Result<Message> {
        todo!()
    }

    /// A conversation's messages, the newest first.
    pub async fn list_messages(
        &self,
        conversation: Selector,
        page: PageRequest,
    ) -> Result<Page<Message>> {
        todo!()
    }

    /// Where a message is and why it is not further.
    pub async fn explain_message(&self, which: Selector) -> Result<MessageWhy> {
        todo!()
    }

    /// Waits until a message has got as far as `until` or can get no further, at most `limit`.
    /// [`ErrorCode::Timeout`] when the time is up; the message goes on.
    ///
    /// [`ErrorCode::Timeout`]: crate::model::ErrorCode::Timeout
    pub async fn wait_message(
        &self,
        which: Selector,
        until: DeliveryState,
        limit: Duration,
    ) -> Result<Message> {
        todo!()
    }
}
