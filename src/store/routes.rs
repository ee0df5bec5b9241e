//! What the network and the outbox need of a contact, without a name.
//!
//! The fields `spool_head`, `spool_tail` and `spool_bytes` belong to [`super::spool`]: writing
//! a route keeps them as they stand.

use super::{Read, Record, StoreError, Txn, listed, records::RouteRecord};
use crate::model::RouteId;

/// The route `id`.
///
/// # Errors
/// As [`Read::get`].
pub fn get(from: &impl Read, id: &RouteId) -> Result<Option<RouteRecord>, StoreError> {
    from.get(&id.0)
}

/// Writes the route under the id that it names.
///
/// # Errors
/// [`StoreError::Malformed`] without a whole id, else as [`Txn::put`].
pub fn put(txn: &mut Txn, record: &RouteRecord) -> Result<(), StoreError> {
    let table = RouteRecord::TABLE;
    let id = RouteId::from_slice(&record.id).ok_or(StoreError::Malformed { table })?;
    let current = get(txn, &id)?.unwrap_or_default();
    let record = RouteRecord {
        spool_head: current.spool_head,
        spool_tail: current.spool_tail,
        spool_bytes: current.spool_bytes,
        ..record.clone()
    };
    listed::put(txn, &id.0, &record)
}

/// All routes, oldest first.
///
/// # Errors
/// As [`Read::get`].
pub fn list(from: &impl Read) -> Result<Vec<RouteRecord>, StoreError> {
    listed::list(from)
}

/// Removes the route `id` with its outbox, its spool and what waits for mailboxes; returns whether there was one.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove(txn: &mut Txn, id: &RouteId) -> Result<bool, StoreError> {
    super::spool::clear(txn, id)?;
    super::outbox::clear(txn, id)?;
    super::deposits::clear(txn, id)?;
    listed::remove::<RouteRecord>(txn, &id.0)
}
