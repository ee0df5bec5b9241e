//! Messages that are on their way.

use super::{IdempotencyKey, Result, Selector, Service, ServiceError, error, guard};
use crate::{
    engine::contacts::RouteKind,
    model::{ErrorCode, Message, OutboxEntry, Page, PageRequest, RouteId, VaultState},
};

impl Service {
    /// Everything on its way, to one contact or (empty selector) to all. Works while locked.
    pub async fn list_outbox(
        &self,
        contact: Selector,
        page: PageRequest,
    ) -> Result<Page<OutboxEntry>> {
        let rooms = self.rooms()?;
        let routes = self.outbox_routes(contact).await?;
        let start = guard::position(&page.token)?;
        let (mut skip, mut rows) = (start, Vec::new());
        for route in routes {
            let wanted = page.rows() + 1 - rows.len();
            let found = rooms
                .outbox
                .list(route, &mut skip, wanted)
                .map_err(error::store!())?;
            rows.extend(found);
            if rows.len() > page.rows() {
                break;
            }
        }
        let more = rows.len() > page.rows();
        rows.truncate(page.rows());
        let next = if more {
            (start + rows.len()).to_string()
        } else {
            String::new()
        };
        Ok(Page { rows, next })
    }

    /// Tries now what waits: for one contact, or (empty selector) for all. Returns how many.
    pub async fn retry_outbox(&self, contact: Selector, key: IdempotencyKey) -> Result<u64> {
        let rooms = self.rooms()?;
        // A repetition tries once more, which is what was asked for.
        guard::once(rooms, "retry_outbox", &key, &[])?;
        let mut waiting = 0;
        for route in self.outbox_routes(contact).await? {
            waiting += rooms.outbox.count(route).map_err(error::store!())?;
            rooms.outbox.dial(route).await;
        }
        rooms.discovery.look_around().await;
        Ok(waiting)
    }

    /// Takes a message back, as long as nobody has it.
    pub async fn cancel_message(&self, which: Selector, key: IdempotencyKey) -> Result<Message> {
        let rooms = self.open_rooms()?;
        let act = async {
            let id = self.message_id(&which)?;
            let cancelled = rooms.messages.cancel(id).await;
            cancelled.map_err(error::message).map(|()| id.to_string())
        };
        let request = [which.0.as_bytes()];
        let id = guard::done_once(rooms, "cancel_message", &key, &request, act).await?;
        self.get_message(Selector(id)).await
    }

    /// One contact's route, or every contact's, in a fixed order.
    async fn outbox_routes(&self, contact: Selector) -> Result<Vec<RouteId>> {
        let rooms = self.rooms()?;
        if matches!(
            rooms.vault.state(),
            VaultState::Missing | VaultState::Sealed
        ) {
            let what = "the vault was not unlocked since the start: `msgctl vault unlock`";
            return Err(ServiceError::new(ErrorCode::Locked, "vault", what));
        }
        if contact.0.is_empty() {
            let mut routes = rooms.contacts.routes(RouteKind::Contact);
            routes.sort();
            return Ok(routes);
        }
        Ok(vec![RouteId(self.get_contact(contact).await?.id.0)])
    }
}
