//! Contact requests.

use super::{IdempotencyKey, Result, Selector, Service, error, guard};
use crate::model::{Page, PageRequest, Request};

impl Service {
    /// One request.
    pub async fn get_request(&self, which: Selector) -> Result<Request> {
        let all = self
            .open_rooms()?
            .contacts
            .list_requests()
            .map_err(error::contact)?;
        guard::select(
            "request",
            all,
            &which,
            |one| one.id.to_string(),
            |one| vec![one.name.clone()],
        )
    }

    /// Every request, the newest first.
    pub async fn list_requests(&self, page: PageRequest) -> Result<Page<Request>> {
        let mut all = self
            .open_rooms()?
            .contacts
            .list_requests()
            .map_err(error::contact)?;
        all.reverse();
        guard::page(all, &page)
    }

    /// Accepts an incoming request: they become a contact.
    pub async fn accept_request(
        &self,
        which: Selector,
        alias: String,
        key: IdempotencyKey,
    ) -> Result<Request> {
        let rooms = self.open_rooms()?;
        let request = [which.0.clone(), alias.clone()];
        let request = request.each_ref().map(String::as_bytes);
        let act = async {
            let id = self.get_request(which).await?.id;
            let accepted = rooms.contacts.accept(id, alias).await;
            accepted.map_err(error::contact).map(|_| id.to_string())
        };
        let id = guard::done_once(rooms, "accept_request", &key, &request, act).await?;
        self.get_request(Selector(id)).await
    }

    /// Declines an incoming request, or withdraws an outgoing one. Tells them nothing.
    pub async fn decline_request(&self, which: Selector, key: IdempotencyKey) -> Result<Request> {
        let rooms = self.open_rooms()?;
        let request = which.0.clone();
        let act = async {
            let id = self.get_request(which).await?.id;
            let declined = rooms.contacts.decline(id).await;
            declined.map_err(error::contact).map(|_| id.to_string())
        };
        let request = [request.as_bytes()];
        let id = guard::done_once(rooms, "decline_request", &key, &request, act).await?;
        self.get_request(Selector(id)).await
    }
}
