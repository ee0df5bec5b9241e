//! What the store keeps of parcels for mailboxes, and what changes with a host's answer.

use crate::{
    engine::{event_bus::EventBus, outbox::MAX_LOG},
    model::{ConversationId, DeliveryState, EventKind, MessageId, PathKind, RouteId},
    store::{
        StoreError, deposits, outbox,
        records::{AttemptRecord, DepositRow},
    },
};

/// After so many refusals a parcel is given up, and its rows wait for other tags.
const MOST_REFUSALS: u32 = 3;
/// Parcels read at a time.
const SCAN: usize = 8;

pub(super) fn attempt(bus: &EventBus, failure: u32) -> AttemptRecord {
    AttemptRecord {
        at: bus.now().0,
        path: PathKind::Mailbox.number(),
        failure,
    }
}

/// The next parcel for `path` that is still worth something. Those whose rows have all been
/// receipted meanwhile are removed.
pub(super) fn find_next(
    bus: &EventBus,
    contact: RouteId,
    path: u32,
    mut from: u64,
) -> Result<Option<(u64, DepositRow)>, StoreError> {
    loop {
        let read = bus.store().read();
        let rows = deposits::scan(&read, &contact, from, SCAN)?;
        let Some((last, _)) = rows.last() else {
            return Ok(None);
        };
        from = last.saturating_add(1);
        for (number, row) in rows.into_iter().filter(|(_, row)| row.path == path) {
            let mut waits = row.rows.is_empty();
            for outboxed in &row.rows {
                waits |= outbox::exists(&read, &contact, *outboxed)?;
            }
            if waits {
                return Ok(Some((number, row)));
            }
            let mut txn = bus.store().begin();
            deposits::remove(&mut txn, &contact, number)?;
            bus.store().queue(txn)?.wait()?;
        }
    }
}

/// The mailbox has the parcel: its messages are stored there.
pub(super) fn on_kept(bus: &EventBus, contact: RouteId, number: u64) -> Result<(), StoreError> {
    let mut txn = bus.store().begin();
    let Some(row) = deposits::get(&txn, &contact, number)? else {
        return Ok(());
    };
    deposits::remove(&mut txn, &contact, number)?;
    let state = DeliveryState::Stored;
    for number in &row.rows {
        // Those delivered meanwhile are gone.
        let Some(row) = outbox::get(&txn, &contact, *number)? else {
            continue;
        };
        if row.state != DeliveryState::Queued.number() {
            continue;
        }
        outbox::update(&mut txn, &contact, *number, |row| {
            row.state = state.number()
        })?;
        if let (Some(conversation), Some(message)) = (
            ConversationId::from_slice(&row.conversation),
            MessageId::from_slice(&row.message),
        ) {
            let kind = EventKind::MessageState {
                conversation,
                message,
                state,
            };
            bus.append(&mut txn, kind)?;
        }
    }
    outbox::log(&mut txn, &contact, attempt(bus, 0), MAX_LOG)?;
    bus.store().queue(txn)?.wait()
}

pub(super) fn on_refused(bus: &EventBus, contact: RouteId, number: u64) -> Result<(), StoreError> {
    let mut txn = bus.store().begin();
    let Some(row) = deposits::get(&txn, &contact, number)? else {
        return Ok(());
    };
    if row.refusals.saturating_add(1) >= MOST_REFUSALS {
        deposits::remove(&mut txn, &contact, number)?;
    } else {
        deposits::update(&mut txn, &contact, number, |row| row.refusals += 1)?;
    }
    bus.store().queue(txn)?.wait()
}
