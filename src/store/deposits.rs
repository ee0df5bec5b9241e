//! Sealed parcels that are to be left at a contact's mailboxes.

use super::{
    Read, StoreError, Txn,
    records::{DepositHost, DepositRow, DepositsRecord},
    rows::key,
};
use crate::model::RouteId;

/// What there is for the mailboxes of `route`, at a glance.
///
/// # Errors
/// As [`Read::get`].
pub fn head(from: &impl Read, route: &RouteId) -> Result<DepositsRecord, StoreError> {
    Ok(from.get(&route.0)?.unwrap_or_default())
}

/// Adds a parcel; returns its number, which no other of `route` ever has.
///
/// # Errors
/// As [`Txn::put`].
pub fn push(txn: &mut Txn, route: &RouteId, row: &DepositRow) -> Result<u64, StoreError> {
    let head = txn.edit::<DepositsRecord>(&route.0)?;
    let number = head.tail;
    head.tail += 1;
    txn.put(&key(&route.0, number), row)?;
    Ok(number)
}

/// Notes where a mailbox is and how one deposits there.
///
/// # Errors
/// As [`Txn::put`].
pub fn put_host(txn: &mut Txn, route: &RouteId, host: DepositHost) -> Result<(), StoreError> {
    let hosts = &mut txn.edit::<DepositsRecord>(&route.0)?.hosts;
    hosts.retain(|known| known.path != host.path);
    hosts.push(host);
    Ok(())
}

/// Forgets a mailbox and all that was to be left there.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove_host(txn: &mut Txn, route: &RouteId, path: u32) -> Result<(), StoreError> {
    for (number, row) in scan(txn, route, 0, usize::MAX)? {
        if row.path == path {
            remove(txn, route, number)?;
        }
    }
    let hosts = &mut txn.edit::<DepositsRecord>(&route.0)?.hosts;
    hosts.retain(|known| known.path != path);
    Ok(())
}

/// Up to `max` parcels, oldest first, from `from` on.
///
/// # Errors
/// As [`Read::get`].
pub fn scan(
    view: &impl Read,
    route: &RouteId,
    from: u64,
    max: usize,
) -> Result<Vec<(u64, DepositRow)>, StoreError> {
    let head = head(view, route)?;
    let mut rows = Vec::new();
    for number in from.max(head.head)..head.tail {
        if rows.len() == max {
            break;
        }
        if let Some(row) = view.get(&key(&route.0, number))? {
            rows.push((number, row));
        }
    }
    Ok(rows)
}

/// The parcel with this number.
///
/// # Errors
/// As [`Read::get`].
pub fn get(
    from: &impl Read,
    route: &RouteId,
    number: u64,
) -> Result<Option<DepositRow>, StoreError> {
    from.get(&key(&route.0, number))
}

/// Writes the parcel with this number, if it is still there.
///
/// # Errors
/// [`StoreError::Missing`] if it is gone, else as [`Read::get`].
pub fn update(
    txn: &mut Txn,
    route: &RouteId,
    number: u64,
    change: impl FnOnce(&mut DepositRow),
) -> Result<(), StoreError> {
    change(txn.edit_existing(&key(&route.0, number))?);
    Ok(())
}

/// Removes a parcel. The head moves over gone ones.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove(txn: &mut Txn, route: &RouteId, number: u64) -> Result<(), StoreError> {
    txn.delete::<DepositRow>(&key(&route.0, number))?;
    let DepositsRecord { mut head, tail, .. } = self::head(txn, route)?;
    while head < tail && !txn.contains::<DepositRow>(&key(&route.0, head))? {
        head += 1;
    }
    txn.edit::<DepositsRecord>(&route.0)?.head = head;
    Ok(())
}

/// Removes all of it.
pub(super) fn clear(txn: &mut Txn, route: &RouteId) -> Result<(), StoreError> {
    let DepositsRecord { head, tail, .. } = self::head(txn, route)?;
    for number in head..tail {
        txn.delete::<DepositRow>(&key(&route.0, number))?;
    }
    txn.delete::<DepositsRecord>(&route.0)
}
