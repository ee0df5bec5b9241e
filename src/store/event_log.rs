//! What happened, numbered without a gap, for clients that come back.
//!
//! Numbers are given under the transaction's permit, so their order is the order in which
//! they become durable. Reading shows only what is on disk: nothing is announced before.

use super::{
    Read, Store, StoreError, Txn, listed,
    records::{ConsumerRecord, EventHead, EventRecord, EventSegment},
    rows::{SEGMENT, split},
};

/// The newest events that are surely kept.
pub const KEPT: u64 = 100_000;
/// The first number: 0 is what a client has seen before it saw anything.
const FIRST: u64 = 1;
/// The one record of its table.
const HEAD: &[u8] = b"";

/// Adds an event; its `seq` is set here and returned.
///
/// # Errors
/// As [`Txn::put`].
pub fn append(txn: &mut Txn, event: EventRecord) -> Result<u64, StoreError> {
    append_keeping(KEPT, txn, event)
}

/// The same with another number of events that are surely kept.
pub(super) fn append_keeping(
    kept: u64,
    txn: &mut Txn,
    mut event: EventRecord,
) -> Result<u64, StoreError> {
    let head = txn.edit::<EventHead>(HEAD)?;
    head.first = head.first.max(FIRST);
    let seq = head.next.max(FIRST);
    head.next = seq + 1;
    let mut dropped = None;
    if head.next - head.first >= kept + SEGMENT {
        let (segment, _) = split(head.first);
        head.first = (segment + 1) * SEGMENT;
        dropped = Some(segment);
    }
    if let Some(segment) = dropped {
        txn.delete::<EventSegment>(&segment.to_be_bytes())?;
    }
    event.seq = seq;
    let (segment, _) = split(seq);
    txn.edit::<EventSegment>(&segment.to_be_bytes())?
        .events
        .push(event);
    Ok(seq)
}

/// The oldest number still kept, and up to `max` events after number `since`, oldest first. If
/// `since + 1` is below the former, the events between are gone.
///
/// # Errors
/// As [`Read::get`].
pub fn read(store: &Store, since: u64, max: usize) -> Result<(u64, Vec<EventRecord>), StoreError> {
    let view = store.read_settled();
    let (first, next) = bounds(store)?;
    let mut events = Vec::new();
    let mut seq = since.saturating_add(1).max(first);
    while seq < next && events.len() < max {
        let (segment, _) = split(seq);
        let stored = view
            .get::<EventSegment>(&segment.to_be_bytes())?
            .unwrap_or_default()
            .events;
        let wanted = stored.into_iter().filter(|event| event.seq >= seq);
        events.extend(wanted.take(max - events.len()));
        seq = (segment + 1) * SEGMENT;
    }
    // What was dropped while this read went on looked empty.
    let (first, _) = bounds(store)?;
    events.retain(|event| event.seq >= first);
    Ok((first, events))
}

/// The oldest number still kept, and the next to be given.
///
/// # Errors
/// As [`Read::get`].
pub fn bounds(store: &Store) -> Result<(u64, u64), StoreError> {
    let head = store
        .read_settled()
        .get::<EventHead>(HEAD)?
        .unwrap_or_default();
    Ok((head.first.max(FIRST), head.next.max(FIRST)))
}

/// The consumer `name`.
///
/// # Errors
/// As [`Read::get`].
pub fn consumer(from: &impl Read, name: &str) -> Result<Option<ConsumerRecord>, StoreError> {
    from.get(name.as_bytes())
}

/// Writes the consumer under the name that it has.
///
/// # Errors
/// As [`Txn::put`].
pub fn put_consumer(txn: &mut Txn, record: &ConsumerRecord) -> Result<(), StoreError> {
    listed::put(txn, record.name.as_bytes(), record)
}

/// All consumers, oldest first.
///
/// # Errors
/// As [`Read::get`].
pub fn consumers(from: &impl Read) -> Result<Vec<ConsumerRecord>, StoreError> {
    listed::list(from)
}

/// Removes the consumer `name`; returns whether there was one.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove_consumer(txn: &mut Txn, name: &str) -> Result<bool, StoreError> {
    listed::remove::<ConsumerRecord>(txn, name.as_bytes())
}
