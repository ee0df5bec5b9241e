//! Tags of mailboxes, both those that a contact uses and those that we use.

use super::{
    Read, StoreError, Txn,
    records::{MailboxRecvRecord, MailboxSendRecord},
};
use crate::model::ContactId;

/// Under which tags `contact` may leave us parcels.
///
/// # Errors
/// As [`Read::get`].
pub fn recv(
    from: &impl Read,
    contact: &ContactId,
) -> Result<Option<MailboxRecvRecord>, StoreError> {
    from.get(&contact.0)
}

/// Writes under which tags `contact` may leave us parcels.
///
/// # Errors
/// As [`Txn::put`].
pub fn put_recv(
    txn: &mut Txn,
    contact: &ContactId,
    record: &MailboxRecvRecord,
) -> Result<(), StoreError> {
    txn.put(&contact.0, record)
}

/// Under which tags we may leave `contact` parcels.
///
/// # Errors
/// As [`Read::get`].
pub fn send(
    from: &impl Read,
    contact: &ContactId,
) -> Result<Option<MailboxSendRecord>, StoreError> {
    from.get(&contact.0)
}

/// Writes under which tags we may leave `contact` parcels.
///
/// # Errors
/// As [`Txn::put`].
pub fn put_send(
    txn: &mut Txn,
    contact: &ContactId,
    record: &MailboxSendRecord,
) -> Result<(), StoreError> {
    txn.put(&contact.0, record)
}

/// Forgets both.
pub(super) fn remove(txn: &mut Txn, contact: &ContactId) -> Result<(), StoreError> {
    txn.delete::<MailboxRecvRecord>(&contact.0)?;
    txn.delete::<MailboxSendRecord>(&contact.0)
}
