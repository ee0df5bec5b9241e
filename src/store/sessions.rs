//! The secrets shared with each contact.

use super::{
    Read, StoreError, Txn,
    records::{RivalRecord, SessionRecord},
};
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

/// The session beside the present one, if another handshake has left one.
///
/// # Errors
/// As [`Read::get`].
pub fn rival(from: &impl Read, contact: &ContactId) -> Result<Option<RivalRecord>, StoreError> {
    from.get(&contact.0)
}

/// Writes the session beside the present one, in the place of any other.
///
/// # Errors
/// As [`Txn::put`].
pub fn put_rival(
    txn: &mut Txn,
    contact: &ContactId,
    record: &RivalRecord,
) -> Result<(), StoreError> {
    txn.put(&contact.0, record)
}

/// Removes the session beside the present one.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove_rival(txn: &mut Txn, contact: &ContactId) -> Result<(), StoreError> {
    txn.delete::<RivalRecord>(&contact.0)
}

/// Removes every session with `contact`, and the tags of mailboxes that go with them.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove(txn: &mut Txn, contact: &ContactId) -> Result<(), StoreError> {
    remove_rival(txn, contact)?;
    super::mailbox_tags::remove(txn, contact)?;
    txn.delete::<SessionRecord>(&contact.0)
}
