//! Sealed parcels that wait for their recipient.

use super::{
    Read, Record, StoreError, Txn,
    records::{AttemptRecord, OutboxHead, OutboxRow},
    rows::key,
};
use crate::model::RouteId;

/// The outbox of `route` at a glance: rows are `head` to `tail`, `live` of them still there.
///
/// # Errors
/// As [`Read::get`].
pub fn head(from: &impl Read, route: &RouteId) -> Result<OutboxHead, StoreError> {
    Ok(from.get(&route.0)?.unwrap_or_default())
}

/// Adds a parcel; returns its row number, which no other row of `route` ever has.
///
/// # Errors
/// As [`Txn::put`].
pub fn push(txn: &mut Txn, route: &RouteId, record: &OutboxRow) -> Result<u64, StoreError> {
    let head = txn.edit::<OutboxHead>(&route.0)?;
    let row = head.tail;
    head.tail += 1;
    head.live += 1;
    head.silent += u64::from(record.message.is_empty());
    txn.put(&key(&route.0, row), record)?;
    Ok(row)
}

/// Allows every row there is to be handed to a link. Must be on disk before any is.
///
/// # Errors
/// As [`Txn::put`].
pub fn offer(txn: &mut Txn, route: &RouteId) -> Result<(), StoreError> {
    let head = txn.edit::<OutboxHead>(&route.0)?;
    head.offered = head.tail;
    Ok(())
}

/// Allows every row below `below` to be in the other side's hands.
///
/// # Errors
/// As [`Txn::put`].
pub fn offer_below(txn: &mut Txn, route: &RouteId, below: u64) -> Result<(), StoreError> {
    let head = txn.edit::<OutboxHead>(&route.0)?;
    head.offered = head.offered.max(below.min(head.tail));
    Ok(())
}

/// The parcel in `row`.
///
/// # Errors
/// As [`Read::get`].
pub fn get(from: &impl Read, route: &RouteId, row: u64) -> Result<Option<OutboxRow>, StoreError> {
    from.get(&key(&route.0, row))
}

/// Whether the parcel in `row` still waits.
///
/// # Errors
/// As [`Read::contains`].
pub fn exists(from: &impl Read, route: &RouteId, row: u64) -> Result<bool, StoreError> {
    from.contains::<OutboxRow>(&key(&route.0, row))
}

/// Changes the parcel in `row`.
///
/// # Errors
/// [`StoreError::Missing`] if it is gone, else as [`Read::get`].
pub fn update(
    txn: &mut Txn,
    route: &RouteId,
    row: u64,
    change: impl FnOnce(&mut OutboxRow),
) -> Result<(), StoreError> {
    change(txn.edit_existing(&key(&route.0, row))?);
    Ok(())
}

/// Remembers a try to reach `route`; at most `max` are kept, the latest.
///
/// # Errors
/// As [`Txn::put`].
pub fn log(
    txn: &mut Txn,
    route: &RouteId,
    attempt: AttemptRecord,
    max: usize,
) -> Result<(), StoreError> {
    let log = &mut txn.edit::<OutboxHead>(&route.0)?.log;
    log.push(attempt);
    let extra = log.len().saturating_sub(max);
    log.drain(..extra);
    Ok(())
}

/// Removes the parcel in `row`; returns whether it was there. The head moves over gone rows.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove(txn: &mut Txn, route: &RouteId, row: u64) -> Result<bool, StoreError> {
    let Some(gone) = txn.get::<OutboxRow>(&key(&route.0, row))? else {
        return Ok(false);
    };
    remove_read(txn, route, row, &gone).map(|()| true)
}

/// Removes the parcel in `row`, which the same transaction has just read as `gone`.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove_read(
    txn: &mut Txn,
    route: &RouteId,
    row: u64,
    gone: &OutboxRow,
) -> Result<(), StoreError> {
    txn.delete::<OutboxRow>(&key(&route.0, row))?;
    let OutboxHead { mut head, tail, .. } = self::head(txn, route)?;
    while head < tail && !txn.contains::<OutboxRow>(&key(&route.0, head))? {
        head += 1;
    }
    let record = txn.edit::<OutboxHead>(&route.0)?;
    record.head = head;
    let silent = u64::from(gone.message.is_empty());
    record.silent = record.silent.saturating_sub(silent);
    record.live = record.live.checked_sub(1).ok_or(StoreError::Damaged {
        table: OutboxHead::TABLE,
    })?;
    Ok(())
}

/// Up to `max` parcels, oldest first, from row `from` on and below row `below`.
///
/// # Errors
/// As [`Read::get`].
pub fn scan(
    view: &impl Read,
    route: &RouteId,
    from: u64,
    below: u64,
    max: usize,
) -> Result<Vec<(u64, OutboxRow)>, StoreError> {
    let head = head(view, route)?;
    let mut rows = Vec::new();
    for row in from.max(head.head)..head.tail.min(below) {
        if rows.len() == max {
            break;
        }
        if let Some(record) = get(view, route, row)? {
            rows.push((row, record));
        }
    }
    Ok(rows)
}

/// Removes all parcels; numbers given out stay used.
pub(super) fn clear(txn: &mut Txn, route: &RouteId) -> Result<(), StoreError> {
    let OutboxHead { head, tail, .. } = self::head(txn, route)?;
    for row in head..tail {
        txn.delete::<OutboxRow>(&key(&route.0, row))?;
    }
    if tail == 0 {
        return txn.delete::<OutboxHead>(&route.0);
    }
    let empty = OutboxHead {
        head: tail,
        tail,
        offered: tail,
        ..OutboxHead::default()
    };
    txn.put(&route.0, &empty)
}
