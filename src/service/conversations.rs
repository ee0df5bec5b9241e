//! Conversations and what was read in them.

use super::{IdempotencyKey, Result, Selector, Service};
use crate::model::{Conversation, Page, PageRequest};

impl Service {
    /// One conversation, by its id or by its contact.
    pub async fn get_conversation(&self, which: Selector) -> Result<Conversation> {
        todo!()
    }

    /// Conversations, the latest first; only those with unread messages if asked.
    pub async fn list_conversations(
        &self,
        unread_only: bool,
        page: PageRequest,
    ) -> Result<Page<Conversation>> {
        todo!()
    }

    /// Marks everything up to `up_to` read, or everything if `None`.
    pub async fn mark_read(
        &self,
        which: Selector,
        up_to: Option<Selector>,
        key: IdempotencyKey,
    ) -> Result<Conversation> {
        todo!()
    }
}
