//! Mailboxes that somebody keeps for us.

use super::{Read, Record, StoreError, Txn, listed, records::OwnMailboxRecord};
use crate::model::MailboxId;

/// The mailbox `id`.
///
/// # Errors
/// As [`Read::get`].
pub fn get(from: &impl Read, id: &MailboxId) -> Result<Option<OwnMailboxRecord>, StoreError> {
    from.get(&id.0)
}

/// Writes the mailbox under the id that it names.
///
/// # Errors
/// [`StoreError::Malformed`] without a whole id, else as [`Txn::put`].
pub fn put(txn: &mut Txn, record: &OwnMailboxRecord) -> Result<(), StoreError> {
    let table = OwnMailboxRecord::TABLE;
    let id = MailboxId::from_slice(&record.id).ok_or(StoreError::Malformed { table })?;
    listed::put(txn, &id.0, record)
}

/// All of them, oldest first.
///
/// # Errors
/// As [`Read::get`].
pub fn list(from: &impl Read) -> Result<Vec<OwnMailboxRecord>, StoreError> {
    listed::list(from)
}

/// Removes the mailbox `id`; returns whether there was one.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove(txn: &mut Txn, id: &MailboxId) -> Result<bool, StoreError> {
    listed::remove::<OwnMailboxRecord>(txn, &id.0)
}
