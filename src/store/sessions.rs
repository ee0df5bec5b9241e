//! The secrets shared with each contact.

use super::{Read, StoreError, Txn, records::SessionRecord};
use crate::model::ContactId;

/// The session with `contact`.
///
/// # Errors
/// As [`Read::get`].
pub fn get(from: &impl Read, contact: &ContactId) -> Result<Option<SessionRecord>, StoreError> {
    from.get(&contact.0)
}

/// Writes the session with `contact`.
///
/// # Errors
/// As [`Txn::put`].
pub fn put(txn: &mut Txn, contact: &ContactId, record: &SessionRecord) -> Result<(), StoreError> {
    txn.put(&contact.0, record)
}

/// Removes the session with `contact`.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove(txn: &mut Txn, contact: &ContactId) -> Result<(), StoreError> {
    txn.delete::<SessionRecord>(&contact.0)
}
