//! What a finished handshake leaves behind: contact, session, conversation, route.

use super::{ContactError, Contacts, Event, convert, manifests, routes::parse_addresses, session};
use crate::{
    crypto::{Random, SystemRandom, hash},
    model::{ContactId, EventKind, FailureReason, Fingerprint, IdentityId, RouteId},
    net::LinkKey,
    protocol::{Established, Peer},
    store::{
        Txn, contacts,
        records::{ContactRecord, RivalRecord, RouteRecord},
        routes, sessions,
    },
};
use std::net::SocketAddr;

/// What was written of a finished handshake.
pub(super) struct Made {
    pub(super) contact: ContactId,
    /// The contact's route.
    pub(super) route: RouteRecord,
    /// The link key of the handshake's own session, whether or not it is the present one.
    pub(super) link: Vec<u8>,
    /// What the switchboard is to hear.
    pub(super) event: Event,
}

impl Contacts {
    /// Writes everything that makes `made.peer` a contact of `identity` into `txn`. Somebody
    /// who was a contact before keeps the handle. If their session still stands, it is known
    /// to work or has the smaller conversation, it stays the present one; the room's decisions
    /// say why.
    pub(super) fn establish(
        &self,
        txn: &mut Txn,
        identity: IdentityId,
        made: &Established,
        alias: &str,
        told: &[SocketAddr],
    ) -> Result<Made, ContactError> {
        let peer = &made.peer;
        let fingerprint = peer.ic.fingerprint();
        let now = self.0.bus.now();
        if self.is_blocked(txn, &fingerprint)? {
            return Err(ContactError::WrongState("they are blocked"));
        }
        let known = find(txn, identity, &fingerprint)?;
        let is_known = known.is_some();
        if let Some(known) = &known {
            manifests::goes_on(known, peer)?;
        }
        let mut record = known.unwrap_or_else(|| {
            let mut id = [0; 16];
            SystemRandom.fill(&mut id);
            ContactRecord {
                id: id.to_vec(),
                created_at: now.0,
                verification: 1,
                ..ContactRecord::default()
            }
        });
        let contact = ContactId::from_slice(&record.id).ok_or(ContactError::Damaged)?;
        let present = session::present(txn, &record)?;
        record.identity = identity.0.to_vec();
        record.fingerprint = fingerprint.0.to_vec();
        record.state = convert::ACTIVE;
        if !alias.is_empty() {
            alias.clone_into(&mut record.alias);
        }
        take_over(&mut record, peer);
        // Of two handshakes under way nobody knows which the other side finishes last.
        (record.told_addresses, record.told_device_cert) = (Vec::new(), Vec::new());
        if present.is_none() {
            let keys = self
                .0
                .identities
                .keys(identity)
                .map_err(ContactError::Identity)?;
            record.told_addresses = addresses_hash(told).to_vec();
            record.told_device_cert = hash(&[&keys.device_cert().to_bytes()]).to_vec();
        }
        let fresh = session::fresh(made, now.0);
        let link = session::link_key(&fresh)?;
        let (route, event) = self.place(txn, &mut record, present, fresh, &peer.addresses)?;
        let kind = if is_known {
            EventKind::ContactChanged { contact }
        } else {
            EventKind::ContactAdded { contact }
        };
        self.0.bus.append(txn, kind).map_err(ContactError::Store)?;
        Ok(Made {
            contact,
            route,
            link,
            event,
        })
    }

    /// Makes `fresh` the present session of `record`, or the one beside it.
    fn place(
        &self,
        txn: &mut Txn,
        record: &mut ContactRecord,
        present: Option<RivalRecord>,
        fresh: RivalRecord,
        addresses: &[SocketAddr],
    ) -> Result<(RouteRecord, Event), ContactError> {
        let id = ContactId::from_slice(&record.id).ok_or(ContactError::Damaged)?;
        let route_id = RouteId(id.0);
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let Some(present) = present else {
            // Without a session nothing that waits can ever be opened.
            routes::remove(txn, &route_id).map_err(ContactError::Store)?;
            sessions::remove(txn, &id).map_err(ContactError::Store)?;
            let route = session::enter(txn, record, fresh, addresses, None)?;
            return Ok((route, Event::RouteAdded(route_id)));
        };
        let key = session::link_key(&present)?;
        let proven = present
            .session
            .as_ref()
            .is_some_and(|session| session.proven)
            || self.is_linked_under(route_id, &key);
        if proven || present.conversation <= fresh.conversation {
            contacts::put(txn, record).map_err(ContactError::Store)?;
            sessions::put_rival(txn, &id, &fresh).map_err(ContactError::Store)?;
            let mut route = routes::get(txn, &route_id)
                .map_err(ContactError::Store)?
                .ok_or(ContactError::Damaged)?;
            if !addresses.is_empty() {
                route.addresses = addresses;
            }
            session::know(&mut route, &[&present, &fresh])?;
            routes::put(txn, &route).map_err(ContactError::Store)?;
            return Ok((route, Event::KeyAdded(route_id)));
        }
        let former = self.leave(txn, present, id, FailureReason::CannotOpen)?;
        session::set_aside(txn, id, &former)?;
        let route = session::enter(txn, record, fresh, addresses, Some(&former))?;
        Ok((route, Event::RouteAdded(route_id)))
    }

    fn is_linked_under(&self, route: RouteId, key: &[u8]) -> bool {
        let up = self.connected().get(&route).copied();
        up.is_some_and(|LinkKey(up)| up == key)
    }
}

/// What is known of the one whom `fingerprint` names to `identity`.
pub(super) fn find(
    txn: &Txn,
    identity: IdentityId,
    fingerprint: &Fingerprint,
) -> Result<Option<ContactRecord>, ContactError> {
    let rows = contacts::list(txn).map_err(ContactError::Store)?;
    let mut rows = rows.into_iter();
    Ok(rows.find(|row| row.identity == identity.0 && row.fingerprint == fingerprint.0))
}

/// Notes what `peer` presents about the identity as a whole, and the newest certificate of a
/// device that is known already.
fn take_over(record: &mut ContactRecord, peer: &Peer) {
    record.name.clone_from(&peer.name);
    record.identity_cert = peer.ic.to_bytes();
    record.manifest.clone_from(&peer.manifest);
    record.manifest_head = peer.manifest_head.to_vec();
    record.caps = peer.caps;
    if record.device_fingerprint == peer.device.fingerprint().0 {
        record.device_cert = peer.device.to_bytes();
    }
}

/// What [`ContactRecord::told_addresses`] holds for `addresses`.
#[must_use]
pub(crate) fn addresses_hash(addresses: &[SocketAddr]) -> [u8; 32] {
    let mut texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    texts.sort();
    debug_assert_eq!(
        parse_addresses(&texts).len(),
        texts.len(),
        "what was printed is parsed"
    );
    hash(&[texts.join(" ").as_bytes()])
}
