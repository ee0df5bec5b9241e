//! Parcels that came while the vault was locked, as they came.

use super::{
    Read, StoreError, Txn,
    records::{RouteRecord, SpoolRow},
    rows::key,
};
use crate::model::RouteId;

/// Keeps a parcel; returns its number.
///
/// # Errors
/// [`StoreError::Missing`] without such a route, else as [`Txn::put`].
pub fn push(txn: &mut Txn, route: &RouteId, row: &SpoolRow) -> Result<u64, StoreError> {
    let record = txn.edit_existing::<RouteRecord>(&route.0)?;
    let number = record.spool_tail;
    record.spool_tail += 1;
    record.spool_bytes += bytes(row);
    txn.put(&key(&route.0, number), row)?;
    Ok(number)
}

/// Up to `max` parcels, oldest first, from number `from` on.
///
/// # Errors
/// As [`Read::get`].
pub fn scan(
    view: &impl Read,
    route: &RouteId,
    from: u64,
    max: usize,
) -> Result<Vec<(u64, SpoolRow)>, StoreError> {
    let mut rows = Vec::new();
    let Some(record) = view.get::<RouteRecord>(&route.0)? else {
        return Ok(rows);
    };
    for number in from.max(record.spool_head)..record.spool_tail {
        if rows.len() == max {
            break;
        }
        if let Some(row) = view.get(&key(&route.0, number))? {
            rows.push((number, row));
        }
    }
    Ok(rows)
}

/// How much is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpoolSize {
    /// How many numbers the spool spans; each is at most one parcel.
    pub parcels: u64,
    /// The parcels' bytes.
    pub bytes: u64,
}

/// How much is kept for `route`.
///
/// # Errors
/// As [`Read::get`].
pub fn size(view: &impl Read, route: &RouteId) -> Result<SpoolSize, StoreError> {
    let record = view.get::<RouteRecord>(&route.0)?;
    Ok(record.map_or_else(SpoolSize::default, |record| SpoolSize {
        parcels: record.spool_tail.saturating_sub(record.spool_head),
        bytes: record.spool_bytes,
    }))
}

/// Removes the parcel `number`.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove(txn: &mut Txn, route: &RouteId, number: u64) -> Result<(), StoreError> {
    let Some(row) = txn.get::<SpoolRow>(&key(&route.0, number))? else {
        return Ok(());
    };
    txn.delete::<SpoolRow>(&key(&route.0, number))?;
    let Some(record) = txn.get::<RouteRecord>(&route.0)? else {
        return Ok(());
    };
    let mut head = record.spool_head;
    while head < record.spool_tail && !txn.contains::<SpoolRow>(&key(&route.0, head))? {
        head += 1;
    }
    let record = txn.edit_existing::<RouteRecord>(&route.0)?;
    record.spool_head = head;
    record.spool_bytes = record.spool_bytes.saturating_sub(bytes(&row));
    Ok(())
}

/// Removes all parcels.
pub(super) fn clear(txn: &mut Txn, route: &RouteId) -> Result<(), StoreError> {
    let Some(record) = txn.get::<RouteRecord>(&route.0)? else {
        return Ok(());
    };
    for number in record.spool_head..record.spool_tail {
        txn.delete::<SpoolRow>(&key(&route.0, number))?;
    }
    let tail = record.spool_tail;
    let record = txn.edit_existing::<RouteRecord>(&route.0)?;
    (record.spool_head, record.spool_bytes) = (tail, 0);
    Ok(())
}

fn bytes(row: &SpoolRow) -> u64 {
    u64::try_from(row.parcel.len()).unwrap_or(u64::MAX)
}
