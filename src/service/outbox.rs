//! Messages that are on their way.

use super::{IdempotencyKey, Result, Selector, Service};
use crate::model::{Message, OutboxEntry, Page, PageRequest};

impl Service {
    /// Everything on its way, to one contact or (empty selector) to all. Works while locked.
    pub async fn list_outbox(
        &self,
        contact: Selector,
        page: PageRequest,
    ) -> Result<Page<OutboxEntry>> {
        todo!()
    }

    /// Tries now what waits: for one contact, or (empty selector) for all. Returns how many.
    pub async fn retry_outbox(&self, contact: Selector, key: IdempotencyKey) -> Result<u64> {
        todo!()
    }

    /// Takes a message back, as long as nobody has it.
    pub async fn cancel_message(&self, which: Selector, key: IdempotencyKey) -> Result<Message> {
        todo!()
    }
}
