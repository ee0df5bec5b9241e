//! The people we write to.

use super::{Read, StoreError, Txn, listed, records::ContactRecord};
use crate::model::ContactId;

/// The contact `id`.
///
/// # Errors
/// As [`Read::get`].
pub fn get(from: &impl Read, id: &ContactId) -> Result<Option<ContactRecord>, StoreError> {
    from.get(&id.0)
}

/// Writes the contact under the id that it names.
///
/// # Errors
/// [`StoreError::Malformed`] without a whole id, else as [`Txn::put`].
pub fn put(txn: &mut Txn, record: &ContactRecord) -> Result<(), StoreError> {
    let id = ContactId::from_slice(&record.id).ok_or(StoreError::Malformed {
        table: <ContactRecord as super::Record>::TABLE,
    })?;
    listed::put(txn, &id.0, record)
}

/// All of them, oldest first.
///
/// # Errors
/// As [`Read::get`].
pub fn list(from: &impl Read) -> Result<Vec<ContactRecord>, StoreError> {
    listed::list(from)
}

/// Removes the contact `id`; returns whether there was one.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove(txn: &mut Txn, id: &ContactId) -> Result<bool, StoreError> {
    listed::remove::<ContactRecord>(txn, &id.0)
}
