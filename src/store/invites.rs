//! Invites that we made.

use super::{Read, StoreError, Txn, listed, records::InviteRecord};
use crate::model::InviteId;

/// The invite `id`.
///
/// # Errors
/// As [`Read::get`].
pub fn get(from: &impl Read, id: &InviteId) -> Result<Option<InviteRecord>, StoreError> {
    from.get(&id.0)
}

/// Writes the invite under the id that it names.
///
/// # Errors
/// [`StoreError::Malformed`] without a whole id, else as [`Txn::put`].
pub fn put(txn: &mut Txn, record: &InviteRecord) -> Result<(), StoreError> {
    let id = InviteId::from_slice(&record.id).ok_or(StoreError::Malformed {
        table: <InviteRecord as super::Record>::TABLE,
    })?;
    listed::put(txn, &id.0, record)
}

/// All of them, oldest first.
///
/// # Errors
/// As [`Read::get`].
pub fn list(from: &impl Read) -> Result<Vec<InviteRecord>, StoreError> {
    listed::list(from)
}

/// Removes the invite `id`; returns whether there was one.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove(txn: &mut Txn, id: &InviteId) -> Result<bool, StoreError> {
    listed::remove::<InviteRecord>(txn, &id.0)
}
