//! One record a conversation: counters, heads, what waits for earlier messages.
//!
//! The field `message_count` belongs to [`super::messages`]: writing a conversation keeps it
//! as it stands.

use super::{Read, Record, StoreError, Txn, listed, records::ConversationRecord};
use crate::model::ConversationId;

/// The conversation `id`.
///
/// # Errors
/// As [`Read::get`].
pub fn get(
    from: &impl Read,
    id: &ConversationId,
) -> Result<Option<ConversationRecord>, StoreError> {
    from.get(&id.0)
}

/// Writes the conversation under the id that it names.
///
/// # Errors
/// [`StoreError::Malformed`] without a whole id, else as [`Txn::put`].
pub fn put(txn: &mut Txn, record: &ConversationRecord) -> Result<(), StoreError> {
    let table = ConversationRecord::TABLE;
    let id = ConversationId::from_slice(&record.id).ok_or(StoreError::Malformed { table })?;
    let message_count = get(txn, &id)?.map_or(0, |current| current.message_count);
    let record = ConversationRecord {
        message_count,
        ..record.clone()
    };
    listed::put(txn, &id.0, &record)
}

/// All conversations, oldest first.
///
/// # Errors
/// As [`Read::get`].
pub fn list(from: &impl Read) -> Result<Vec<ConversationRecord>, StoreError> {
    listed::list(from)
}

/// Removes the conversation `id` with all its messages; returns whether there was one.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove(txn: &mut Txn, id: &ConversationId) -> Result<bool, StoreError> {
    super::messages::clear(txn, id)?;
    listed::remove::<ConversationRecord>(txn, &id.0)
}
