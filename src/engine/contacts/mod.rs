//! People: invites, requests, the handshake that makes contacts, and trust in them.
//!
//! # Decisions
//! - A handshake has a route of its own under the invite's link key, and a contact one under
//!   the pairwise secret. Both sides keep the handshake's route until the first link under the
//!   pairwise secret is up: that link proves that the other side has finished too, so no lost
//!   acknowledgement can strand one of them. The inviter's goes when the Confirm is taken, too:
//!   with two handshakes there may never be a link under both secrets.
//! - Two people who use each other's invites finish two handshakes, in any order on either
//!   side. Each keeps both sessions: the present one and its rival, whose link key is accepted
//!   too. While nothing has shown which of them the other side has, the one with the smaller
//!   conversation id is present, on both sides alike. A session that a link was proven with
//!   stays present, so a working contact does not hang on a Confirm that may never arrive. A
//!   link under the rival's key makes the rival present on both sides, and custody of a parcel
//!   sealed under the present one ends the rival: the other side uses what it could recognise.
//!   Hence whoever lost everything and comes anew is reached as soon as they dial.
//! - The handshake's parcels are sealed once and sent as they are until acknowledged.
//! - Keys go with what they were for: at acceptance, refusal and withdrawal at once, at the end
//!   of a term by the hourly sweep. What is shown of an invite or a request stays.
//! - Once a request is accepted the invite's one-time key is gone, and with it the means to tell
//!   a second user of the link from noise; until then a second Hello must open to be one.
//! - A link without addresses is as good as any: the inviter is looked for under its keys.
//! - Declining and blocking send nothing, ever.

mod block;
mod convert;
mod error;
mod establish;
mod handshake;
mod invitee;
mod inviter;
mod invites;
mod manifests;
mod meetings;
mod recv_tags;
mod requests;
mod rising;
mod routes;
mod session;
mod sweep;
mod trust;

pub use convert::{contact as contact_from_record, request as request_from_record};
pub use error::ContactError;
pub(crate) use establish::addresses_hash;
pub use invites::NewInvite;
pub use meetings::{Meeting, MeetingSecret};
pub(crate) use recv_tags::{put_recv_tags, recv_tags};
pub use requests::NewContact;
pub use rising::Rising;
pub use routes::RouteKind;
pub use session::LinkMeaning;

use crate::{
    base::{self, Speaker},
    engine::{event_bus::EventBus, identities::Identities, vault::Vault},
    model::{
        Contact, ContactId, FailureReason, Invite, Presence, Request, RequestState, RouteId,
        VaultState,
    },
    net::{LinkKey, Net},
    store::{
        Store, Txn, contacts, invites as invite_rows, records::ContactRecord,
        requests as request_rows,
    },
};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What rises from this room to the switchboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A contact's route exists now, or its session is another: start over, and dial it.
    RouteAdded(RouteId),
    /// A contact may use another session soon; the present one goes on: dial it.
    KeyAdded(RouteId),
    /// A contact's keys are gone: forget what was kept for it.
    RouteGone(RouteId),
    /// A handshake has something to hand over: dial its route.
    HandshakeWaits(RouteId),
}

impl Event {
    const fn route(&self) -> RouteId {
        match self {
            Self::RouteAdded(route)
            | Self::KeyAdded(route)
            | Self::RouteGone(route)
            | Self::HandshakeWaits(route) => *route,
        }
    }
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
    meetings: meetings::Meetings,
    /// The key that each contact's link was proven with.
    connected: Mutex<HashMap<RouteId, LinkKey>>,
    /// Contacts with two sessions, and the link key of the present one.
    unsettled: Mutex<HashMap<RouteId, LinkKey>>,
    /// How the latest try to bring a request to somebody ended.
    failures: Mutex<HashMap<RouteId, FailureReason>>,
    rising: Speaker<Event>,
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
    ) -> (Self, Rising) {
        let (rising, events) = base::rising();
        let inner = Inner {
            bus,
            vault,
            identities,
            net,
            advertise,
            kinds: Mutex::default(),
            meetings: meetings::Meetings::default(),
            connected: Mutex::default(),
            unsettled: Mutex::default(),
            failures: Mutex::default(),
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
        rows.iter().map(|row| self.complete(row)).collect()
    }

    /// The contact `id`, if there is one.
    ///
    /// # Errors
    /// Locked, or what the store says.
    pub fn find(&self, id: ContactId) -> Result<Option<Contact>, ContactError> {
        let row = contacts::get(&self.store().read(), &id).map_err(ContactError::Store)?;
        row.map(|row| self.complete(&row)).transpose()
    }

    fn complete(&self, row: &ContactRecord) -> Result<Contact, ContactError> {
        let mut contact = convert::contact(row).ok_or(ContactError::Damaged)?;
        contact.presence = self.presence(contact.id);
        Ok(contact)
    }

    /// Every request, the oldest first.
    ///
    /// # Errors
    /// Locked, or what the store says.
    pub fn list_requests(&self) -> Result<Vec<Request>, ContactError> {
        let rows = request_rows::list(&self.store().read()).map_err(ContactError::Store)?;
        let now = self.0.bus.now();
        rows.iter()
            .map(|row| {
                let mut request = convert::request(row, now).ok_or(ContactError::Damaged)?;
                if request.state == RequestState::Pending {
                    request.failure = self.failures().get(&RouteId(request.id.0)).copied();
                }
                Ok(request)
            })
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
        if self.connected().contains_key(&RouteId(contact.0)) {
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

    fn is_unlocked(&self) -> bool {
        self.0.vault.state() == VaultState::Unlocked
    }

    fn connected(&self) -> MutexGuard<'_, HashMap<RouteId, LinkKey>> {
        let connected = &self.0.connected;
        connected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unsettled(&self) -> MutexGuard<'_, HashMap<RouteId, LinkKey>> {
        let unsettled = &self.0.unsettled;
        unsettled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rise(&self, event: Event) {
        rising::say(&self.0.rising, event);
    }
}

#[cfg(test)]
mod tests;
