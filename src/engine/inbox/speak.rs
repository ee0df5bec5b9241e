//! What is said once a batch is on disk.

use super::{actor::Actor, apply::After};
use crate::{
    base::chain,
    model::{ContactId, RouteId},
    wire::Frame,
};
use std::collections::{HashMap, HashSet};

impl Actor {
    pub(super) async fn speak(
        &mut self,
        custody: HashMap<RouteId, Vec<[u8; 16]>>,
        receipts: HashSet<RouteId>,
        after: After,
    ) {
        for (route, tags) in custody {
            // Without a link, or with a full one, they ask again. Waiting for room here could make
            // two busy peers wait for each other.
            let _ = self.rooms.net.try_send(route, Frame::Custody(tags));
        }
        for route in receipts {
            self.ack(route);
        }
        for route in after.moved {
            if let Err(error) = self.rooms.contacts.refresh_route(route) {
                tracing::warn!(error = %chain(&error), "new addresses are not used yet");
            }
        }
        for route in after.tags {
            self.rooms.mailboxes.bell().on_rows(route).await;
        }
        for (contact, places) in after.refused {
            self.rooms.messages.refused(contact, places).await;
        }
    }

    pub(super) fn ack(&mut self, route: RouteId) -> u64 {
        self.acks
            .entry(route)
            .or_default()
            .on_stored(self.clock.steady_ms())
    }

    pub(super) async fn send_receipts(&mut self) {
        let now = self.clock.steady_ms();
        for (route, policy) in &mut self.acks {
            // A new link begins with a receipt.
            if !policy.take(now) {
                continue;
            }
            if self.links.contains(route) {
                self.rooms.messages.send_receipt(ContactId(route.0)).await;
            } else {
                // If it came by a mailbox, the receipt may go by one.
                self.rooms.mailboxes.on_receipt_owed(*route).await;
            }
        }
    }
}
