//! Our own identities, without their secret keys.

use super::{Read, StoreError, Txn, listed, records::IdentityRecord};
use crate::model::IdentityId;

/// The identity `id`.
///
/// # Errors
/// As [`Read::get`].
pub fn get(from: &impl Read, id: &IdentityId) -> Result<Option<IdentityRecord>, StoreError> {
    from.get(&id.0)
}

/// Writes the identity under the id that it names.
///
/// # Errors
/// [`StoreError::Malformed`] without a whole id, else as [`Txn::put`].
pub fn put(txn: &mut Txn, record: &IdentityRecord) -> Result<(), StoreError> {
    let id = IdentityId::from_slice(&record.id).ok_or(StoreError::Malformed {
        table: <IdentityRecord as super::Record>::TABLE,
    })?;
    listed::put(txn, &id.0, record)
}

/// All of them, oldest first.
///
/// # Errors
/// As [`Read::get`].
pub fn list(from: &impl Read) -> Result<Vec<IdentityRecord>, StoreError> {
    listed::list(from)
}

/// Removes the identity `id`; returns whether there was one.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove(txn: &mut Txn, id: &IdentityId) -> Result<bool, StoreError> {
    listed::remove::<IdentityRecord>(txn, &id.0)
}
