//! Contact requests.

use super::{IdempotencyKey, Result, Selector, Service};
use crate::model::{Page, PageRequest, Request};

impl Service {
    /// One request.
    pub async fn get_request(&self, which: Selector) -> Result<Request> {
        todo!()
    }

    /// Every request, the newest first.
    pub async fn list_requests(&self, page: PageRequest) -> Result<Page<Request>> {
        todo!()
    }

    /// Accepts an incoming request: they become a contact.
    pub async fn accept_request(
        &self,
        which: Selector,
        alias: String,
        key: IdempotencyKey,
    ) -> Result<Request> {
        todo!()
    }

    /// Declines an incoming request, or withdraws an outgoing one. Tells them nothing.
    pub async fn decline_request(&self, which: Selector, key: IdempotencyKey) -> Result<Request> {
        todo!()
    }
}
