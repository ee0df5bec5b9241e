//! What an opened payload changes, all in the batch's one transaction.

use super::{Neighbours, open::Opened};
use crate::{
    crypto::{DeviceCert, IdentityCert},
    engine::mailbox,
    model::{ContactId, EventKind, RouteId},
    protocol::{
        AddressRecord, Body, DeviceUpdate, MailboxOffer, Receipt, SignedManifest, follow_chain,
        verify_chain,
    },
    store::{StoreError, Txn, contacts, records::StoredMessage, routes},
};
use std::collections::{HashMap, HashSet};

/// What must happen after the batch is durable.
#[derive(Debug, Default)]
pub(super) struct After {
    /// Who can be found elsewhere now.
    pub(super) moved: HashSet<RouteId>,
    pub(super) refused: Vec<(ContactId, Vec<(u32, u64)>)>,
    /// Whether texts of these contacts wait for earlier ones, where that may have changed.
    pub(super) holding: HashMap<RouteId, bool>,
    /// Who has told us of tags at a mailbox.
    pub(super) tags: HashSet<RouteId>,
    /// Whether something came that wants a receipt.
    pub(super) receipt: bool,
}

impl After {
    pub(super) fn join(&mut self, mut other: Self) {
        self.moved.extend(other.moved);
        self.tags.extend(other.tags);
        self.refused.append(&mut other.refused);
        self.holding.extend(other.holding);
        self.receipt |= other.receipt;
    }
}

pub(super) struct Desk<'a> {
    pub(super) rooms: &'a Neighbours,
    pub(super) txn: &'a mut Txn,
    pub(super) contact: ContactId,
    pub(super) after: &'a mut After,
}

impl Desk<'_> {
    /// On an error the transaction must be given up: part of the effect may be in it.
    pub(super) fn apply(&mut self, opened: &Opened) -> Result<(), StoreError> {
        let Opened { payload, id } = opened;
        match &payload.body {
            Body::Receipt(receipt) => {
                self.head_seen(&payload.manifest_head_seen)?;
                return self.receipt(receipt);
            }
            Body::Text(text) => {
                let content = StoredMessage {
                    text: text.clone(),
                    ..StoredMessage::default()
                };
                self.message(payload, *id, content)?;
            }
            // A later version's kind: kept as it is, and shown when this daemon is newer.
            Body::Unknown { kind, bytes } if payload.seq > 0 => {
                let content = StoredMessage {
                    kind: *kind,
                    body: bytes.clone(),
                    ..StoredMessage::default()
                };
                self.message(payload, *id, content)?;
            }
            Body::Void { seqs } => self.void(payload.conversation, seqs)?,
            Body::Address(record) => self.address(record)?,
            Body::Device(update) => self.device(update)?,
            Body::Profile { name } => self.profile(name)?,
            Body::Mailbox(offer) => self.mailbox(offer)?,
            // Nobody reads it, so nobody misses it.
            Body::Unknown { .. } => {}
        }
        self.after.receipt = true;
        Ok(())
    }

    /// Settles every row that the contact's device signed for.
    fn receipt(&mut self, receipt: &Receipt) -> Result<(), StoreError> {
        let messages = &self.rooms.messages;
        let again = messages.settle(self.txn, self.contact, receipt)?;
        if !again.is_empty() {
            self.after.refused.push((self.contact, again));
        }
        Ok(())
    }

    /// Takes newer addresses. Parcels overtake each other, so the author numbers them.
    fn address(&mut self, record: &AddressRecord) -> Result<(), StoreError> {
        let route = RouteId(self.contact.0);
        let Some(mut row) = routes::get(self.txn, &route)? else {
            return Ok(());
        };
        if record.counter <= row.address_counter {
            return Ok(());
        }
        row.address_counter = record.counter;
        row.addresses = record.addresses.iter().map(ToString::to_string).collect();
        self.after.moved.insert(route);
        routes::put(self.txn, &row)
    }

    /// Takes a newer certificate of the contact's device, if the identity vouches for it.
    fn device(&mut self, update: &DeviceUpdate) -> Result<(), StoreError> {
        let Some(mut contact) = contacts::get(self.txn, &self.contact)? else {
            return Ok(());
        };
        let vouched = || -> Option<(Vec<u8>, [u8; 32], u64)> {
            let identity = IdentityCert::parse(&contact.identity_cert).ok()?;
            let known = SignedManifest::from_bytes(&contact.manifest).ok()?;
            let known = verify_chain(&identity, None, &known).ok()?;
            let chain = update.manifests.iter();
            let chain = chain.map(|bytes| SignedManifest::from_bytes(bytes));
            let chain: Vec<_> = chain.collect::<Result<_, _>>().ok()?;
            let state = follow_chain(&identity, &known, &chain).ok()?;
            let device = DeviceCert::parse(&update.dc).ok()?;
            let same = device.fingerprint().0.as_slice() == contact.device_fingerprint;
            let entry = state.device(&device.fingerprint()).filter(|_| same)?;
            Some((device.to_bytes(), state.head.hash, entry.caps))
        };
        match vouched() {
            Some((certificate, head, caps)) => {
                let now = self.rooms.bus.now();
                let usable = |bytes: &[u8]| {
                    DeviceCert::parse(bytes).is_ok_and(|device| device.has_subkey_for(now))
                };
                if !usable(&contact.device_cert) && usable(&certificate) {
                    // They can be written to again.
                    let contact = self.contact;
                    let kind = EventKind::ContactChanged { contact };
                    self.rooms.bus.append(self.txn, kind)?;
                }
                contact.device_cert = certificate;
                contact.caps = caps;
                if let Some(latest) = update.manifests.last()
                    && contact.manifest_head != head
                {
                    contact.manifest.clone_from(latest);
                    contact.manifest_head = head.to_vec();
                }
                contacts::put(self.txn, &contact)
            }
            None => {
                tracing::warn!("a contact's device update does not check out and was ignored");
                Ok(())
            }
        }
    }

    /// Remembers which manifest of ours the contact knows: the next update begins there.
    fn head_seen(&mut self, head: &[u8; 32]) -> Result<(), StoreError> {
        let Some(mut contact) = contacts::get(self.txn, &self.contact)? else {
            return Ok(());
        };
        if contact.own_head_seen == head {
            return Ok(());
        }
        contact.own_head_seen = head.to_vec();
        contacts::put(self.txn, &contact)
    }

    /// Notes where parcels for the contact may wait.
    fn mailbox(&mut self, offer: &MailboxOffer) -> Result<(), StoreError> {
        let Some(contact) = contacts::get(self.txn, &self.contact)? else {
            return Ok(());
        };
        if mailbox::learn(self.txn, &contact, offer)? {
            self.after.tags.insert(RouteId(self.contact.0));
        }
        Ok(())
    }

    fn profile(&mut self, name: &str) -> Result<(), StoreError> {
        let Some(mut contact) = contacts::get(self.txn, &self.contact)? else {
            return Ok(());
        };
        if contact.name == name {
            return Ok(());
        }
        name.clone_into(&mut contact.name);
        contacts::put(self.txn, &contact)?;
        self.rooms.bus.append(
            self.txn,
            EventKind::ContactChanged {
                contact: self.contact,
            },
        )
    }
}
