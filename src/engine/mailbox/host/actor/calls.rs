//! What the host's user asks: offer, list, revoke.

use super::{
    super::{
        HostedMailbox, MailboxHostError, MailboxHostStatus, NewMailbox, offer,
        room::{Side, route_id},
        shelf::{MAX_HASHES, Shelf},
    },
    Actor, HOUSEKEEPING_MS,
};
use crate::{
    engine::event_bus::Once,
    model::{MailboxId, Timestamp},
    protocol::MailboxCode,
    store::{Tier, mailbox},
};

impl Actor {
    pub(super) async fn offer(
        &mut self,
        new: NewMailbox,
        once: Once,
    ) -> Result<(HostedMailbox, MailboxCode), MailboxHostError> {
        let store = self.store();
        let fresh = offer::fresh(&new, self.bus.now())?;
        let count = self.room.count();
        let made = {
            let txn = store.begin();
            offer::write(txn, &store, &fresh, &new, &once, count)?
        };
        let id = match made {
            offer::Made::Now(id, ticket) => {
                ticket.durable().await.map_err(MailboxHostError::Store)?;
                self.let_in(&fresh);
                let read = store.read();
                let shelf = Shelf::load(&read, fresh);
                let shelf = shelf.map_err(MailboxHostError::Store)?;
                if self.room.shelves.is_empty() {
                    self.next_round = self.room.clock.steady_ms() + HOUSEKEEPING_MS;
                }
                self.room.shelves.insert(id, shelf);
                id
            }
            offer::Made::Before(id) => id,
        };
        let shelf = self
            .room
            .shelves
            .get(&id)
            .ok_or(MailboxHostError::NotFound)?;
        let code = offer::code(&shelf.record, &new.addresses)?;
        Ok((self.describe(id)?, code))
    }

    pub(super) async fn revoke(&mut self, id: MailboxId) -> Result<(), MailboxHostError> {
        if !self.room.shelves.contains_key(&id) {
            return Err(MailboxHostError::NotFound);
        }
        let mut txn = self.store().begin();
        let removed = mailbox::remove(&mut txn, &id).and_then(|_| {
            // While locked the name stays; it goes with the next unlocking.
            match self.bus.store().is_attached(Tier::Vault) {
                true => mailbox::remove_name(&mut txn, &id),
                false => Ok(()),
            }
        });
        removed.map_err(MailboxHostError::Store)?;
        self.commit(txn).await.map_err(MailboxHostError::Store)?;
        self.room.forget(id);
        self.shared.remove_keys(id);
        for side in [Side::Owner, Side::Depositor] {
            self.net.remove_route(route_id(id, side)).await;
        }
        Ok(())
    }

    pub(super) fn list(&self) -> Result<Vec<HostedMailbox>, MailboxHostError> {
        let names = mailbox::names(&self.bus.store().read()).map_err(MailboxHostError::Store)?;
        let ids = names.iter().filter_map(|name| MailboxId::from_slice(name));
        let served = ids.filter(|id| self.room.shelves.contains_key(id));
        served.map(|id| self.describe(id)).collect()
    }

    /// Refused like [`list`](Self::list): a room that was not read yet is not empty.
    pub(super) fn status(&self) -> Result<MailboxHostStatus, MailboxHostError> {
        mailbox::names(&self.bus.store().read()).map_err(MailboxHostError::Store)?;
        Ok(self.room.status())
    }

    fn describe(&self, id: MailboxId) -> Result<HostedMailbox, MailboxHostError> {
        let store = self.bus.store();
        let shelf = self
            .room
            .shelves
            .get(&id)
            .ok_or(MailboxHostError::NotFound)?;
        let name = match store.is_attached(Tier::Vault) {
            true => mailbox::name(&store.read(), &id).map_err(MailboxHostError::Store)?,
            false => String::new(),
        };
        let (links, owner_linked) = self.room.linked(id);
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let seen_at = shelf.record.seen_at;
        Ok(HostedMailbox {
            id,
            name,
            created_at: Timestamp(shelf.record.created_at),
            seen_at: (seen_at != 0).then_some(Timestamp(seen_at)),
            hashes: number(shelf.hashes()),
            max_hashes: number(MAX_HASHES),
            parcels: number(shelf.parcels()),
            bytes: shelf.bytes(),
            max_bytes: shelf.record.max_bytes,
            links: number(links),
            owner_linked,
        })
    }
}
