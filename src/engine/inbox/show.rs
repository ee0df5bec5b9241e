//! Texts into their conversation: once, in their author's order, held back where one is missing.

use super::{
    Neighbours,
    apply::{After, Desk},
    batch::{Outcome, Windows, window},
};
use crate::{
    base::chain,
    model::{
        ContactId, ConversationId, DeliveryState, EventKind, Hlc, MessageId, RouteId, Timestamp,
    },
    protocol::{Accept, Order, Payload},
    store::{
        Record, StoreError, conversations, messages,
        records::{ConversationRecord, HeldMessage, SeqRun, StoredMessage},
    },
};
use std::time::Duration;

/// An author whose clock runs ahead by more moves only their own messages.
const MAX_AHEAD: Duration = Duration::from_secs(600);
/// What may wait in one conversation's record, which is written anew with each text. Beyond
/// that nothing waits: an author who leaves a gap on purpose must not make it grow.
const MAX_HELD_BYTES: usize = 1024 * 1024;

impl Desk<'_> {
    /// Stores a message with this `content`, and shows it unless an earlier one is missing.
    pub(super) fn message(
        &mut self,
        payload: &Payload,
        id: MessageId,
        content: StoredMessage,
    ) -> Result<(), StoreError> {
        let conversation = payload.conversation;
        if messages::find(self.txn, &id)?.is_some() {
            return Ok(());
        }
        // Taking it as received without anywhere to show it would lose it.
        let mut record =
            conversations::get(self.txn, &conversation)?.ok_or(StoreError::Missing {
                table: ConversationRecord::TABLE,
            })?;
        let mut order = order_of(&record);
        let mut ready = match order.accept(payload.seq) {
            Accept::Duplicate => return Ok(()),
            Accept::Hold => Vec::new(),
            Accept::Deliver(ready) => ready,
        };
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
            state: DeliveryState::Delivered.number(),
            ..content
        };
        record.held.push(HeldMessage {
            seq: payload.seq,
            message: Some(message),
        });
        if held_bytes(&record) > MAX_HELD_BYTES {
            ready.extend(order.release());
        }
        self.show(conversation, record, &order, &ready, now)
    }

    /// Notes numbers that their author took back.
    pub(super) fn void(
        &mut self,
        conversation: ConversationId,
        seqs: &[u64],
    ) -> Result<(), StoreError> {
        let Some(record) = conversations::get(self.txn, &conversation)? else {
            return Ok(());
        };
        let mut order = order_of(&record);
        let ready: Vec<u64> = seqs.iter().flat_map(|seq| order.void(*seq)).collect();
        let now = self.rooms.bus.now();
        self.show(conversation, record, &order, &ready, now)
    }

    /// Shows all that waits.
    fn release(&mut self, conversation: ConversationId) -> Result<(), StoreError> {
        let Some(record) = conversations::get(self.txn, &conversation)? else {
            return Ok(());
        };
        let mut order = order_of(&record);
        let ready = order.release();
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
        put_order(&mut record, order);
        self.after
            .holding
            .insert(RouteId(self.contact.0), order.is_holding());
        let mut shown = Vec::with_capacity(ready.len());
        for seq in ready {
            if let Some(at) = record.held.iter().position(|held| held.seq == *seq) {
                shown.extend(record.held.swap_remove(at).message);
            }
        }
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
}

/// Shows all that waits of one contact, also where a new handshake ended the conversation.
pub(super) fn release(rooms: &Neighbours, route: RouteId) -> Result<Outcome, StoreError> {
    let mut outcome = Outcome::default();
    let mut txn = rooms.bus.store().begin();
    let mut after = After::default();
    let waits =
        |row: &ConversationRecord| row.contact == route.0.as_slice() && !row.held.is_empty();
    for row in conversations::list(&txn)?.iter().filter(|row| waits(row)) {
        let Some(conversation) = ConversationId::from_slice(&row.id) else {
            continue;
        };
        Desk {
            rooms,
            txn: &mut txn,
            contact: ContactId(route.0),
            after: &mut after,
        }
        .release(conversation)?;
    }
    outcome.after = after;
    outcome.ticket = Some(rooms.bus.store().queue(txn)?);
    Ok(outcome)
}

/// Whose texts wait since before this start or this unlocking.
pub(super) fn find_holding(
    rooms: &Neighbours,
    windows: &mut Windows,
) -> Result<Outcome, StoreError> {
    let mut outcome = Outcome::default();
    for record in conversations::list(&rooms.bus.store().read())? {
        if let Some(route) = RouteId::from_slice(&record.contact)
            && !record.held.is_empty()
        {
            // What is missing was sent before the latest that was taken.
            if let Err(error) = window(rooms, windows, route) {
                tracing::warn!(error = %chain(&error), "a contact's tags cannot be read");
            }
            outcome.after.holding.insert(route, true);
        }
    }
    Ok(outcome)
}

fn held_bytes(record: &ConversationRecord) -> usize {
    let messages = record.held.iter().filter_map(|held| held.message.as_ref());
    messages
        .map(|message| message.text.len() + message.body.len())
        .sum()
}

fn order_of(record: &ConversationRecord) -> Order {
    let next = record.peer_seq + 1;
    let runs = record.taken.iter().map(|run| (run.start, run.end));
    Order {
        next,
        released: record.released.max(next),
        taken: runs.collect(),
        held: record.held.iter().map(|held| held.seq).collect(),
    }
}

fn put_order(record: &mut ConversationRecord, order: &Order) {
    record.peer_seq = order.next.saturating_sub(1);
    record.released = order.released;
    let run = |(start, end): (&u64, &u64)| SeqRun {
        start: *start,
        end: *end,
    };
    record.taken = order.taken.iter().map(run).collect();
}
