//! People: invites, requests, the handshake that makes contacts, and trust in them.
//!
//! # Decisions
//! - A handshake has a route of its own under the invite's link key, and a contact one under
//!   the pairwise secret. Both sides keep the handshake's route until the first link under the
//!   pairwise secret is up: that link proves that the other side has finished too, so no lost
//!   acknowledgement can strand one of them.
//! - The handshake's parcels are sealed once and sent as they are until acknowledged.
//! - Declining and blocking send nothing, ever.

mod block;
mod convert;
mod error;
mod establish;
mod handshake;
mod invitee;
mod inviter;
mod invites;
mod recv_tags;
mod requests;
mod routes;
mod trust;

pub use convert::{contact as contact_from_record, request as request_from_record};
pub use error::ContactError;
pub(crate) use establish::addresses_hash;
pub use invites::NewInvite;
pub(crate) use recv_tags::{put_recv_tags, recv_tags};
pub use requests::NewContact;
pub use routes::RouteKind;

use crate::{
    engine::{event_bus::EventBus, identities::Identities, vault::Vault},
    model::{Contact, ContactId, Invite, Presence, Request, RouteId},
    net::Net,
    store::{Store, Txn, contacts, invites as invite_rows, requests as request_rows},
};
use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::mpsc;

/// What rises from this room to the switchboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A contact's route exists now, or its keys are new: dial it.
    RouteAdded(RouteId),
    /// A contact's keys are gone: forget what was kept for it.
    RouteGone(RouteId),
    /// A handshake has something to hand over: dial its route.
    HandshakeWaits(RouteId),
}

/// The handle.
#[derive(Clone)]
pub struct Contacts(Arc<Inner>);

struct Inner {
    bus: EventBus,
    vault: Vault,
    identities: Identities,
    net: Net,
    advertise: Vec<SocketAddr>,
    kinds: Mutex<HashMap<RouteId, RouteKind>>,
    connected: Mutex<HashSet<RouteId>>,
    rising: mpsc::Sender<Event>,
}

impl Contacts {
    /// The contacts over `bus`'s store. Invites name `advertise`, or else what `net` listens on.
    #[must_use]
    pub fn new(
        bus: EventBus,
        vault: Vault,
        identities: Identities,
        net: Net,
        advertise: Vec<SocketAddr>,
    ) -> (Self, mpsc::Receiver<Event>) {
        let (rising, events) = mpsc::channel(64);
        let inner = Inner {
            bus,
            vault,
            identities,
            net,
            advertise,
            kinds: Mutex::default(),
            connected: Mutex::default(),
            rising,
        };
        (Self(Arc::new(inner)), events)
    }

    /// Every contact, in the order in which they came.
    ///
    /// # Errors
    /// Locked, or what the store says.
    pub fn list(&self) -> Result<Vec<Contact>, ContactError> {
        let rows = contacts::list(&self.store().read()).map_err(ContactError::Store)?;
        rows.iter()
            .map(|row| {
                let mut contact = convert::contact(row).ok_or(ContactError::Damaged)?;
                contact.presence = self.presence(contact.id);
                Ok(contact)
            })
            .collect()
    }

    /// Every request, the oldest first.
    ///
    /// # Errors
    /// Locked, or what the store says.
    pub fn list_requests(&self) -> Result<Vec<Request>, ContactError> {
        let rows = request_rows::list(&self.store().read()).map_err(ContactError::Store)?;
        let now = self.0.bus.now();
        rows.iter()
            .map(|row| convert::request(row, now).ok_or(ContactError::Damaged))
            .collect()
    }

    /// Every invite, the oldest first.
    ///
    /// # Errors
    /// Locked, or what the store says.
    pub fn list_invites(&self) -> Result<Vec<Invite>, ContactError> {
        let rows = invite_rows::list(&self.store().read()).map_err(ContactError::Store)?;
        let now = self.0.bus.now();
        rows.iter()
            .map(|row| convert::invite(row, now).ok_or(ContactError::Damaged))
            .collect()
    }

    /// Whether a link to `contact` is up.
    #[must_use]
    pub fn presence(&self, contact: ContactId) -> Presence {
        if self.connected().contains(&RouteId(contact.0)) {
            Presence::Connected
        } else {
            Presence::Unknown
        }
    }

    /// Addresses of ours as told to others: the configured ones, or those listened on.
    #[must_use]
    pub fn my_addresses(&self) -> Vec<SocketAddr> {
        if self.0.advertise.is_empty() {
            self.0.net.listen_addresses()
        } else {
            self.0.advertise.clone()
        }
    }

    /// How many contacts' links are up.
    #[must_use]
    pub fn links(&self) -> u32 {
        u32::try_from(self.connected().len()).unwrap_or(u32::MAX)
    }

    /// What the network room listens on.
    #[must_use]
    pub fn listen_addresses(&self) -> Vec<SocketAddr> {
        self.0.net.listen_addresses()
    }

    fn store(&self) -> &Store {
        self.0.bus.store()
    }

    fn begin(&self) -> Txn {
        self.store().begin()
    }

    async fn commit(&self, txn: Txn) -> Result<(), ContactError> {
        self.0.bus.commit(txn).await.map_err(ContactError::Store)
    }

    fn connected(&self) -> MutexGuard<'_, HashSet<RouteId>> {
        self.0
            .connected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn rise(&self, event: Event) {
        // The switchboard is gone only when the daemon stops.
        let _ = self.0.rising.send(event).await;
    }
}
