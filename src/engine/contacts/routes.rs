//! Routes: what the network room must know to recognise and to find somebody.

use super::{ContactError, Contacts};
use crate::{
    model::{ContactId, EventKind, FailureReason, RequestId, RouteId, VaultState},
    net::{Access, LinkKey, Route},
    store::{Txn, records::RouteRecord, routes},
};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{MutexGuard, PoisonError},
};

/// What a route leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    /// A contact.
    Contact,
    /// Whoever holds an open invite of ours.
    Invite,
    /// The maker of an invite that we use.
    Outgoing,
    /// The user of an invite of ours whose request was accepted.
    Confirming,
}

impl RouteKind {
    pub(super) const fn number(self) -> u32 {
        match self {
            Self::Contact => 1,
            Self::Invite => 2,
            Self::Outgoing => 3,
            Self::Confirming => 4,
        }
    }

    fn of(number: u32) -> Option<Self> {
        [
            Self::Contact,
            Self::Invite,
            Self::Outgoing,
            Self::Confirming,
        ]
        .into_iter()
        .find(|kind| kind.number() == number)
    }
}

impl Contacts {
    /// What `route` leads to.
    #[must_use]
    pub fn route_kind(&self, route: RouteId) -> Option<RouteKind> {
        self.kinds().get(&route).copied()
    }

    /// Every route of `kind`.
    #[must_use]
    pub fn routes(&self, kind: RouteKind) -> Vec<RouteId> {
        self.kinds()
            .iter()
            .filter(|(_, k)| **k == kind)
            .map(|(id, _)| *id)
            .collect()
    }

    /// Hands every stored route to the network room; needs the transport tier only. Those
    /// whose handshake has run out of time are dropped, and those that are not on disk are
    /// taken back: whoever removed them did not get that far.
    ///
    /// # Errors
    /// What the store says.
    pub async fn load_routes(&self) -> Result<(), ContactError> {
        let now = self.0.bus.now().0;
        let rows = routes::list(&self.store().read()).map_err(ContactError::Store)?;
        let offered: Vec<RouteId> = self.kinds().keys().copied().collect();
        for id in offered {
            // Looked at one by one: a route is on disk before it is offered.
            let stored = routes::get(&self.store().read(), &id).map_err(ContactError::Store)?;
            if stored.is_none() {
                self.withdraw_route(id).await;
            }
        }
        for row in rows {
            let Some(id) = RouteId::from_slice(&row.id) else {
                continue;
            };
            if row.kind != RouteKind::Contact.number() && row.expires_at <= now {
                let mut txn = self.begin();
                routes::remove(&mut txn, &id).map_err(ContactError::Store)?;
                self.commit(txn).await?;
                continue;
            }
            self.offer_route(&row)?;
        }
        Ok(())
    }

    /// Tells the network room of a route that is on disk.
    pub(super) fn offer_route(&self, row: &RouteRecord) -> Result<(), ContactError> {
        let (Some(id), Some(kind)) = (RouteId::from_slice(&row.id), RouteKind::of(row.kind)) else {
            return Err(ContactError::Damaged);
        };
        let route = Route {
            id,
            keys: row
                .keys
                .iter()
                .filter_map(|key| key.as_slice().try_into().ok())
                .collect(),
            addresses: parse_addresses(&row.addresses),
            invite: kind != RouteKind::Contact,
            access: Access::Pair,
        };
        self.kinds().insert(id, kind);
        match route.keys.as_slice() {
            [present, _, ..] if kind == RouteKind::Contact => {
                self.unsettled().insert(id, LinkKey(*present));
            }
            _ => drop(self.unsettled().remove(&id)),
        }
        self.0.net.put_route(route);
        self.0.meetings.put(kind, row);
        Ok(())
    }

    /// Takes a route back; its record must be gone from the disk already.
    pub(super) async fn withdraw_route(&self, id: RouteId) {
        self.kinds().remove(&id);
        self.connected().remove(&id);
        self.unsettled().remove(&id);
        self.failures().remove(&id);
        self.0.meetings.remove(id);
        self.0.net.remove_route(id).await;
    }

    /// Notes how a try to bring a request to somebody ended; tells of it when it ends
    /// differently from the one before.
    ///
    /// # Errors
    /// What the store says.
    pub async fn note_failure(
        &self,
        route: RouteId,
        reason: FailureReason,
    ) -> Result<(), ContactError> {
        let news = self.failures().insert(route, reason) != Some(reason);
        if !news || self.0.vault.state() != VaultState::Unlocked {
            return Ok(());
        }
        let mut txn = self.begin();
        self.request_changed(&mut txn, RequestId(route.0))?;
        self.commit(txn).await
    }

    pub(super) fn failures(&self) -> MutexGuard<'_, HashMap<RouteId, FailureReason>> {
        self.0
            .failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a contact's link came up, and under which key, or that it went down.
    ///
    /// # Errors
    /// What the store says.
    pub async fn set_connected(
        &self,
        route: RouteId,
        key: Option<LinkKey>,
    ) -> Result<(), ContactError> {
        let connected = key.is_some();
        let was_connected = match key {
            Some(key) => self.connected().insert(route, key).is_some(),
            None => self.connected().remove(&route).is_some(),
        };
        if was_connected == connected {
            return Ok(());
        }
        let mut txn = self.begin();
        let kind = EventKind::PresenceChanged {
            contact: ContactId(route.0),
            connected,
        };
        self.0
            .bus
            .append(&mut txn, kind)
            .map_err(ContactError::Store)?;
        self.commit(txn).await
    }

    /// Ends the link on `route`; it may be dialled again.
    pub async fn hang_up(&self, route: RouteId) {
        self.0.net.disconnect(route).await;
    }

    /// Tells the network room of a route whose addresses on disk are new.
    ///
    /// # Errors
    /// What the store says.
    pub fn refresh_route(&self, route: RouteId) -> Result<(), ContactError> {
        let row = routes::get(&self.store().read(), &route).map_err(ContactError::Store)?;
        row.map_or(Ok(()), |row| self.offer_route(&row))
    }

    /// Removes a finished handshake's route from disk and network.
    pub(super) async fn drop_handshake_route(
        &self,
        mut txn: Txn,
        id: RouteId,
    ) -> Result<(), ContactError> {
        routes::remove(&mut txn, &id).map_err(ContactError::Store)?;
        self.commit(txn).await?;
        self.withdraw_route(id).await;
        Ok(())
    }

    fn kinds(&self) -> MutexGuard<'_, HashMap<RouteId, RouteKind>> {
        self.0.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn parse_addresses(texts: &[String]) -> Vec<SocketAddr> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}
