//! The messages of each conversation, in the order in which they are shown.
//!
//! 64 of them stand in one record, so that a long history is few records. Texts over 2 KiB,
//! and what only a later version can read, stand apart, so that a short message does not rewrite them.

use super::{
    Read, Record, StoreError, Txn,
    records::{ConversationRecord, MessagePlace, MessageSegment, MessageText, StoredMessage},
    rows::{SEGMENT, key, split},
};
use crate::model::{ConversationId, MessageId};

/// Longer texts stand apart.
const LONG_TEXT: usize = 2 * 1024;

/// Adds a message at the end of `conversation` and remembers where it is; returns its index.
///
/// # Errors
/// [`StoreError::Missing`] without such a conversation, [`StoreError::Exists`] if a message
/// of that id is stored anywhere, [`StoreError::Malformed`] without a whole id.
pub fn append(
    txn: &mut Txn,
    conversation: &ConversationId,
    message: StoredMessage,
) -> Result<u64, StoreError> {
    let table = MessageSegment::TABLE;
    let id = MessageId::from_slice(&message.id).ok_or(StoreError::Malformed { table })?;
    if txn.contains::<MessagePlace>(&id.0)? {
        return Err(StoreError::Exists { table });
    }
    let record = txn.edit_existing::<ConversationRecord>(&conversation.0)?;
    let index = record.message_count;
    record.message_count += 1;
    let place = MessagePlace {
        conversation: conversation.0.to_vec(),
        index,
        contact: record.contact.clone(),
        outbox_row: 0,
    };
    txn.put(&id.0, &place)?;
    let message = shorten(txn, message)?;
    let (segment, slot) = split(index);
    let messages = &mut txn
        .edit::<MessageSegment>(&key(&conversation.0, segment))?
        .messages;
    if messages.len() != slot {
        return Err(StoreError::Damaged { table });
    }
    messages.push(message);
    Ok(index)
}

/// The message at `index`, with its text.
///
/// # Errors
/// As [`Read::get`].
pub fn get(
    from: &impl Read,
    conversation: &ConversationId,
    index: u64,
) -> Result<Option<StoredMessage>, StoreError> {
    let (segment, slot) = split(index);
    from.get::<MessageSegment>(&key(&conversation.0, segment))?
        .and_then(|segment| segment.messages.into_iter().nth(slot))
        .map(|message| lengthen(from, message))
        .transpose()
}

/// Where the message `id` is, if it was ever stored.
///
/// # Errors
/// As [`Read::get`].
pub fn find(from: &impl Read, id: &MessageId) -> Result<Option<MessagePlace>, StoreError> {
    from.get(&id.0)
}

/// Notes in which outbox row the message `id` waits.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such message.
pub fn set_outbox_row(txn: &mut Txn, id: &MessageId, row: u64) -> Result<(), StoreError> {
    txn.edit_existing::<MessagePlace>(&id.0)?.outbox_row = row;
    Ok(())
}

/// Changes the message at `index`. Its id must stay.
///
/// # Errors
/// [`StoreError::Missing`] if there is none.
pub fn update(
    txn: &mut Txn,
    conversation: &ConversationId,
    index: u64,
    change: impl FnOnce(&mut StoredMessage),
) -> Result<(), StoreError> {
    let table = MessageSegment::TABLE;
    let (segment, slot) = split(index);
    let place = key(&conversation.0, segment);
    let messages = &txn.edit_existing::<MessageSegment>(&place)?.messages;
    let stored = messages.get(slot).cloned();
    let mut message = lengthen(txn, stored.ok_or(StoreError::Missing { table })?)?;
    let before = (message.text.clone(), message.body.clone());
    let was_apart = is_long(&message);
    change(&mut message);
    if was_apart && (&message.text, &message.body) == (&before.0, &before.1) {
        // The long text need not be sealed again.
        message.text.clear();
        message.body.clear();
        message.text_apart = true;
    } else {
        if was_apart {
            txn.delete::<MessageText>(&message.id)?;
        }
        message = shorten(txn, message)?;
    }
    let stored = txn
        .edit_existing::<MessageSegment>(&place)?
        .messages
        .get_mut(slot)
        .ok_or(StoreError::Missing { table })?;
    *stored = message;
    Ok(())
}

/// Up to `n` messages below index `before` (or from the end), newest first. Fewer, but one at
/// least, where more would hold over `bytes` of text.
///
/// # Errors
/// As [`Read::get`].
pub fn page(
    from: &impl Read,
    conversation: &ConversationId,
    before: Option<u64>,
    n: usize,
    bytes: usize,
) -> Result<Vec<(u64, StoredMessage)>, StoreError> {
    let count = from
        .get::<ConversationRecord>(&conversation.0)?
        .map_or(0, |record| record.message_count);
    let mut end = before.unwrap_or(count).min(count);
    let (mut page, mut held) = (Vec::new(), 0_usize);
    while end > 0 && page.len() < n {
        let (segment, slot) = split(end - 1);
        let messages = from
            .get::<MessageSegment>(&key(&conversation.0, segment))?
            .unwrap_or_default()
            .messages;
        let first = segment * SEGMENT;
        let newest_first = (first..end).zip(messages).take(slot + 1);
        for (index, message) in newest_first.collect::<Vec<_>>().into_iter().rev() {
            if page.len() == n {
                break;
            }
            let message = lengthen(from, message)?;
            held = held.saturating_add(message.text.len());
            if held > bytes && !page.is_empty() {
                return Ok(page);
            }
            page.push((index, message));
        }
        end = first;
    }
    Ok(page)
}

/// Removes all messages of `conversation`, and the memory of them.
pub(super) fn clear(txn: &mut Txn, conversation: &ConversationId) -> Result<(), StoreError> {
    let Some(record) = txn.get::<ConversationRecord>(&conversation.0)? else {
        return Ok(());
    };
    for segment in 0..record.message_count.div_ceil(SEGMENT) {
        let place = key(&conversation.0, segment);
        let messages = txn.get::<MessageSegment>(&place)?.unwrap_or_default();
        for message in messages.messages {
            txn.delete::<MessagePlace>(&message.id)?;
            if message.text_apart {
                txn.delete::<MessageText>(&message.id)?;
            }
        }
        txn.delete::<MessageSegment>(&place)?;
    }
    txn.edit_existing::<ConversationRecord>(&conversation.0)?
        .message_count = 0;
    Ok(())
}

fn is_long(message: &StoredMessage) -> bool {
    message.text.len() > LONG_TEXT || !message.body.is_empty()
}

/// Puts a long text apart.
fn shorten(txn: &mut Txn, mut message: StoredMessage) -> Result<StoredMessage, StoreError> {
    message.text_apart = is_long(&message);
    if message.text_apart {
        let apart = MessageText {
            text: std::mem::take(&mut message.text),
            body: std::mem::take(&mut message.body),
        };
        txn.put(&message.id, &apart)?;
    }
    Ok(message)
}

/// Fetches a text that stands apart.
fn lengthen(from: &impl Read, mut message: StoredMessage) -> Result<StoredMessage, StoreError> {
    if message.text_apart {
        let apart = from
            .get::<MessageText>(&message.id)?
            .ok_or(StoreError::Missing {
                table: MessageText::TABLE,
            })?;
        (message.text, message.body) = (apart.text, apart.body);
        message.text_apart = false;
    }
    Ok(message)
}
