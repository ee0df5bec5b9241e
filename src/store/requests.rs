//! Contact requests, incoming and outgoing.

use super::{Read, StoreError, Txn, listed, records::RequestRecord};
use crate::model::RequestId;

/// The request `id`.
///
/// # Errors
/// As [`Read::get`].
pub fn get(from: &impl Read, id: &RequestId) -> Result<Option<RequestRecord>, StoreError> {
    from.get(&id.0)
}

/// Writes the request under the id that it names.
///
/// # Errors
/// [`StoreError::Malformed`] without a whole id, else as [`Txn::put`].
pub fn put(txn: &mut Txn, record: &RequestRecord) -> Result<(), StoreError> {
    let id = RequestId::from_slice(&record.id).ok_or(StoreError::Malformed {
        table: <RequestRecord as super::Record>::TABLE,
    })?;
    listed::put(txn, &id.0, record)
}

/// All of them, oldest first.
///
/// # Errors
/// As [`Read::get`].
pub fn list(from: &impl Read) -> Result<Vec<RequestRecord>, StoreError> {
    listed::list(from)
}

/// Removes the request `id`; returns whether there was one.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove(txn: &mut Txn, id: &RequestId) -> Result<bool, StoreError> {
    listed::remove::<RequestRecord>(txn, &id.0)
}
