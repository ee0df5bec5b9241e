//! What an opened payload changes, all in the batch's one transaction.

use super::{Neighbours, open::Opened};
use crate::{
    crypto::{DeviceCert, IdentityCert},
    model::{
        ContactId, ConversationId, DeliveryState, EventKind, Hlc, MessageId, RouteId, Timestamp,
    },
    protocol::{Accept, Body, DeviceUpdate, Order, Payload, Receipt, SignedManifest, verify_chain},
    store::{
        StoreError, Txn, contacts, conversations, messages, outbox,
        records::{ConversationRecord, HeldMessage, StoredMessage},
    },
};
use std::{net::SocketAddr, time::Duration};

/// An author whose clock runs ahead by more moves only their own messages.
const MAX_AHEAD: Duration = Duration::from_secs(600);

/// Texts of one conversation that wait for an earlier one; with more all are shown, or a contact
/// who leaves one out would have us keep and rewrite whatever comes after it.
const MAX_HELD_BYTES: usize = 1024 * 1024;

/// What must happen after the batch is durable.
#[derive(Debug, Default)]
pub(super) struct After {
    pub(super) addresses: Vec<(RouteId, Vec<SocketAddr>)>,
    pub(super) refused: Vec<(ContactId, Vec<(u32, u64)>)>,
    /// Whether something came that wants a receipt.
    pub(super) receipt: bool,
}

pub(super) struct Desk<'a> {
    pub(super) rooms: &'a Neighbours,
    pub(super) txn: &'a mut Txn,
    pub(super) contact: ContactId,
    pub(super) after: &'a mut After,
}

impl Desk<'_> {
    pub(super) fn apply(&mut self, opened: Opened) -> Result<(), StoreError> {
        let Opened { payload, id } = opened;
        match payload.body {
            Body::Receipt(ref receipt) => return self.receipt(receipt),
            Body::Text(_) => self.text(payload, id)?,
            Body::Void { seqs } => self.void(payload.conversation, &seqs)?,
            Body::Address(record) => {
                self.after
                    .addresses
                    .push((RouteId(self.contact.0), record.addresses));
            }
            Body::Device(update) => self.device(&update)?,
            Body::Profile { name } => self.profile(name)?,
            // A later version's kind: it counts as received, and shows when this daemon is newer.
            Body::Unknown { .. } => {}
        }
        self.after.receipt = true;
        Ok(())
    }

    fn text(&mut self, payload: Payload, id: MessageId) -> Result<(), StoreError> {
        let Body::Text(text) = payload.body else {
            return Ok(());
        };
        let conversation = payload.conversation;
        if messages::find(self.txn, &id)?.is_some() {
            return Ok(());
        }
        let Some(mut record) = conversations::get(self.txn, &conversation)? else {
            return Ok(());
        };
        if record.held.iter().any(|held| held.seq == payload.seq) {
            return Ok(());
        }
        let now = self.rooms.bus.now();
        let latest = Hlc(0).tick(now.after(MAX_AHEAD));
        record.hlc = record.hlc.max(payload.hlc.min(latest).0);
        let message = StoredMessage {
            id: id.0.to_vec(),
            direction: 1,
            author_device: payload.author_device.0.to_vec(),
            author_seq: payload.seq,
            hlc: payload.hlc.0,
            stored_at: now.0,
            text,
            state: DeliveryState::Delivered.number(),
            ..StoredMessage::default()
        };
        let mut order = order_of(&record);
        let accepted = order.accept(payload.seq);
        record.held.push(HeldMessage {
            seq: payload.seq,
            message: Some(message),
        });
        let ready = match accepted {
            Accept::Duplicate => return Ok(()),
            Accept::Hold if held_bytes(&record) > MAX_HELD_BYTES => order.release(),
            Accept::Hold => Vec::new(),
            Accept::Deliver(ready) => ready,
        };
        self.show(conversation, record, &order, &ready, now)
    }

    fn void(&mut self, conversation: ConversationId, seqs: &[u64]) -> Result<(), StoreError> {
        let Some(record) = conversations::get(self.txn, &conversation)? else {
            return Ok(());
        };
        let mut order = order_of(&record);
        let ready: Vec<u64> = seqs.iter().flat_map(|seq| order.void(*seq)).collect();
        let now = self.rooms.bus.now();
        self.show(conversation, record, &order, &ready, now)
    }

    /// Appends what is `ready` and keeps the rest held.
    fn show(
        &mut self,
        conversation: ConversationId,
        mut record: ConversationRecord,
        order: &Order,
        ready: &[u64],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        record.peer_seq = order.next.saturating_sub(1);
        record.voided = order.void.iter().copied().collect();
        let mut shown = Vec::with_capacity(ready.len());
        for seq in ready {
            if let Some(held) = record.held.iter_mut().find(|held| held.seq == *seq) {
                shown.extend(held.message.take());
            }
        }
        // What was shown beyond a gap stays known, without its text, until the gap is closed.
        record
            .held
            .retain(|held| held.message.is_some() || held.seq >= order.next);
        // `append` counts in the stored record, so it must be there first.
        conversations::put(self.txn, &record)?;
        if shown.is_empty() {
            return Ok(());
        }
        for message in shown {
            let Some(id) = MessageId::from_slice(&message.id) else {
                continue;
            };
            let index = messages::append(self.txn, &conversation, message)?;
            record.message_count = index + 1;
            record.unread += 1;
            record.heads = vec![id.0.iter().take(16).copied().collect()];
            record.last_message = id.0.to_vec();
            record.last_at = now.0;
            let kind = EventKind::MessageReceived {
                conversation,
                message: id,
            };
            self.rooms.bus.append(self.txn, kind)?;
        }
        let kind = EventKind::UnreadChanged {
            conversation,
            unread: record.unread,
        };
        self.rooms.bus.append(self.txn, kind)?;
        conversations::put(self.txn, &record)
    }

    /// Settles every row that the contact's device signed for.
    fn receipt(&mut self, receipt: &Receipt) -> Result<(), StoreError> {
        let route = RouteId(self.contact.0);
        let head = outbox::head(self.txn, &route)?;
        let last = receipt
            .epochs
            .iter()
            .map(|e| (e.epoch, e.ranges.last().map_or(e.below, |r| r.1)))
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

    fn profile(&mut self, name: String) -> Result<(), StoreError> {
        let Some(mut contact) = contacts::get(self.txn, &self.contact)? else {
            return Ok(());
        };
        if contact.name == name {
            return Ok(());
        }
        contact.name = name;
        contacts::put(self.txn, &contact)?;
        self.rooms.bus.append(
            self.txn,
            EventKind::ContactChanged {
                contact: self.contact,
            },
        )
    }
}

fn order_of(record: &ConversationRecord) -> Order {
    let next = record.peer_seq + 1;
    let void: std::collections::BTreeSet<u64> = record.voided.iter().copied().collect();
    let shown = record.held.iter().filter(|held| held.message.is_none());
    let released = shown.map(|held| held.seq.saturating_add(1)).max();
    let taken = record
        .held
        .iter()
        .map(|held| held.seq)
        .chain(void.iter().copied())
        .collect();
    Order {
        next,
        released: released.map_or(next, |released| released.max(next)),
        taken,
        void,
    }
}

fn held_bytes(record: &ConversationRecord) -> usize {
    let held = record.held.iter().filter_map(|held| held.message.as_ref());
    held.map(|message| message.text.len()).sum()
}
