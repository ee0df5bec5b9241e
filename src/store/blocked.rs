//! Who may not write to us, by a keyed hash of their identity: the list tells no names.

use super::{Read, StoreError, Txn, listed, records::BlockedRecord};

/// Whether `hash` is blocked, and since when.
///
/// # Errors
/// As [`Read::get`].
pub fn get(from: &impl Read, hash: &[u8; 32]) -> Result<Option<BlockedRecord>, StoreError> {
    from.get(hash)
}

/// Blocks `hash`.
///
/// # Errors
/// As [`Txn::put`].
pub fn put(txn: &mut Txn, hash: &[u8; 32], record: &BlockedRecord) -> Result<(), StoreError> {
    listed::put(txn, hash, record)
}

/// Lifts the block on `hash`; returns whether there was one.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove(txn: &mut Txn, hash: &[u8; 32]) -> Result<bool, StoreError> {
    listed::remove::<BlockedRecord>(txn, hash)
}
