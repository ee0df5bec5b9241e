//! What an opened payload changes, all in the batch's one transaction.

use super::{Neighbours, open::Opened};
use crate::{
    crypto::{DeviceCert, IdentityCert},
    model::{ContactId, ConversationId, DeliveryState, EventKind, MessageId, RouteId},
    protocol::{AddressRecord, Body, DeviceUpdate, Receipt, SignedManifest, verify_chain},
    store::{StoreError, Txn, contacts, messages, outbox, records::StoredMessage, routes},
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
    /// Whether something came that wants a receipt.
    pub(super) receipt: bool,
}

impl After {
    pub(super) fn join(&mut self, mut other: Self) {
        self.moved.extend(other.moved);
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
            Body::Receipt(receipt) => return self.receipt(receipt),
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
            // Nobody reads it, so nobody misses it.
            Body::Unknown { .. } => {}
        }
        self.after.receipt = true;
        Ok(())
    }

    /// Settles every row that the contact's device signed for.
    fn receipt(&mut self, receipt: &Receipt) -> Result<(), StoreError> {
        let route = RouteId(self.contact.0);
        let head = outbox::head(self.txn, &route)?;
        let last = receipt
            .epochs
            .iter()
            .map(|e| (e.epoch, e.ranges.last().map_or(e.below, |r| r.1)))
            .chain(
                receipt
                    .cannot_open
                    .iter()
                    .map(|(epoch, j)| (*epoch, j.saturating_add(1))),
            )
            .max();
        let (mut from, mut refused) = (head.head, Vec::new());
        let mut more = true;
        while more {
            let rows = outbox::scan(self.txn, &route, from, 64)?;
            more = rows.len() == 64;
            for (number, row) in rows {
                from = number + 1;
                let place = (row.tag_epoch, row.tag_index);
                // Rows are in the order of their places: nothing further on is covered.
                if last.is_none_or(|last| place >= last) {
                    more = false;
                    break;
                }
                if receipt.refuses(place.0, place.1) {
                    refused.push(place);
                } else if receipt.covers(place.0, place.1) {
                    outbox::remove(self.txn, &route, number)?;
                    self.delivered(&row.conversation, &row.message, row.queued_at, &head.log)?;
                }
            }
        }
        if !refused.is_empty() {
            self.after.refused.push((self.contact, refused));
        }
        Ok(())
    }

    fn delivered(
        &mut self,
        conversation: &[u8],
        message: &[u8],
        queued_at: i64,
        log: &[crate::store::records::AttemptRecord],
    ) -> Result<(), StoreError> {
        let (Some(conversation), Some(id)) = (
            ConversationId::from_slice(conversation),
            MessageId::from_slice(message),
        ) else {
            return Ok(());
        };
        let Some(place) = messages::find(self.txn, &id)? else {
            return Ok(());
        };
        let (now, state) = (self.rooms.bus.now(), DeliveryState::Delivered);
        messages::update(self.txn, &conversation, place.index, |stored| {
            stored.state = state.number();
            stored.delivered_at = now.0;
            stored.attempts = log
                .iter()
                .filter(|attempt| attempt.at >= queued_at)
                .copied()
                .collect();
        })?;
        let kind = EventKind::MessageState {
            conversation,
            message: id,
            state,
        };
        self.rooms.bus.append(self.txn, kind)
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
        let vouched = || -> Option<(Vec<u8>, [u8; 32])> {
            let identity = IdentityCert::parse(&contact.identity_cert).ok()?;
            let known = SignedManifest::from_bytes(&contact.manifest).ok()?;
            let known = verify_chain(&identity, None, &known).ok()?;
            let signed = SignedManifest::from_bytes(&update.manifest).ok()?;
            let state = verify_chain(&identity, Some(&known), &signed).ok()?;
            let device = DeviceCert::parse(&update.dc).ok()?;
            let same = device.fingerprint().0.as_slice() == contact.device_fingerprint;
            (same && state.device(&device.fingerprint()).is_some())
                .then(|| (device.to_bytes(), state.head.hash))
        };
        match vouched() {
            Some((certificate, head)) => {
                contact.device_cert = certificate;
                contact.manifest.clone_from(&update.manifest);
                contact.manifest_head = head.to_vec();
                contacts::put(self.txn, &contact)
            }
            None => {
                tracing::warn!("a contact's device update does not check out and was ignored");
                Ok(())
            }
        }
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
