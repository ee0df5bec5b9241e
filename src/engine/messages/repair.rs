//! What the contact could not open is sealed anew: the same payload, so the same message, to
//! the keys that the contact has now.

use super::{
    MessageError,
    compose::{Desk, ROW_MESSAGE, ROW_UPDATE, ROW_VOID, Sealed},
    composer::Tools,
    take_back::{all_rows, end_rows},
};
use crate::{
    crypto::EnvelopeKind,
    model::{
        ContactId, ConversationId, DeliveryState, EventKind, FailureReason, Fingerprint, Hlc,
        MessageId, RouteId, Timestamp,
    },
    protocol::{Body, Payload, message_id},
    store::{
        Txn, messages, outbox,
        records::{MessageOrigin, OutboxRow, StoredMessage},
    },
};

/// How often a message is sealed anew before it has failed.
const MOST_REPAIRS: u32 = 3;
/// Their new keys may be on their way to us: seal to them, not to the old ones three times.
const APART_MS: i64 = 3_600_000;

/// What becomes of a refused row.
enum Fate {
    /// Sealed anew from this body or these payload bytes.
    Again(Again),
    /// Not before an hour has passed.
    Later,
    /// Ended; an update is queued anew with what is true then.
    End,
}

enum Again {
    Payload(Vec<u8>),
    Void(Vec<u64>),
}

/// Seals anew, or ends, what the contact could not open at `places`. Returns whether rows
/// changed.
pub(super) fn refused(
    tools: &Tools,
    txn: &mut Txn,
    contact: ContactId,
    places: &[(u32, u64)],
) -> Result<bool, MessageError> {
    repair(tools, txn, contact, |row| {
        places.contains(&(row.tag_epoch, row.tag_index))
    })
}

/// Looks again at what had to wait. Returns whether rows changed.
pub(super) fn retry(
    tools: &Tools,
    txn: &mut Txn,
    contact: ContactId,
) -> Result<bool, MessageError> {
    let refused = FailureReason::CannotOpen.number();
    repair(tools, txn, contact, |row| row.reason == refused)
}

fn repair(
    tools: &Tools,
    txn: &mut Txn,
    contact: ContactId,
    which: impl Fn(&OutboxRow) -> bool,
) -> Result<bool, MessageError> {
    let route = RouteId(contact.0);
    let mut rows = all_rows(txn, route)?;
    rows.retain(|(_, row)| which(row));
    if rows.is_empty() {
        return Ok(false);
    }
    let mut desk = match Desk::open(tools, txn, contact) {
        Err(MessageError::NoSession) => None,
        desk => Some(desk?),
    };
    let (mut changed, mut ended) = (false, Vec::new());
    for (number, row) in rows {
        let fate = match &desk {
            Some(desk) => fate(txn, desk, &row)?,
            None => Fate::End,
        };
        match (fate, &mut desk) {
            (Fate::Again(again), Some(desk)) => match seal_again(desk, again) {
                Ok(sealed) => {
                    replace(tools, txn, desk, (number, &row), sealed)?;
                    changed = true;
                }
                // A device update is what has to come first.
                Err(MessageError::KeysExpired(_)) => wait(txn, route, number, &row)?,
                Err(error) => return Err(error),
            },
            (Fate::Later, _) => wait(txn, route, number, &row)?,
            (Fate::End | Fate::Again(_), _) => ended.push((number, row)),
        }
    }
    if !ended.is_empty() {
        let (state, reason) = (DeliveryState::Failed, FailureReason::CannotOpen);
        end_rows(tools, txn, contact, &ended, state, reason)?;
        changed = true;
    }
    Ok(changed)
}

fn fate(txn: &Txn, desk: &Desk, row: &OutboxRow) -> Result<Fate, MessageError> {
    let waits =
        row.repairs > 0 && (row.repaired_at..row.repaired_at + APART_MS).contains(&desk.now.0);
    Ok(match row.kind {
        ROW_UPDATE => Fate::End,
        _ if waits => Fate::Later,
        // Without it the reader waits for ever, so it is never given up.
        ROW_VOID if !row.voids.is_empty() => Fate::Again(Again::Void(row.voids.clone())),
        ROW_MESSAGE if row.repairs < MOST_REPAIRS => match payload(txn, desk, row)? {
            Some(bytes) => Fate::Again(Again::Payload(bytes)),
            None => Fate::End,
        },
        _ => Fate::End,
    })
}

fn seal_again(desk: &mut Desk, again: Again) -> Result<Sealed, MessageError> {
    match again {
        Again::Payload(bytes) => desk.seal_payload(EnvelopeKind::Sealed, &bytes),
        Again::Void(seqs) => desk.seal(Body::Void { seqs }, 0, None),
    }
}

/// The message's payload as it was sealed first; `None` if it cannot be made again.
fn payload(txn: &Txn, desk: &Desk, row: &OutboxRow) -> Result<Option<Vec<u8>>, MessageError> {
    let Some(id) = MessageId::from_slice(&row.message) else {
        return Ok(None);
    };
    let Some(place) = messages::find(txn, &id).map_err(MessageError::Store)? else {
        return Ok(None);
    };
    let conversation =
        ConversationId::from_slice(&place.conversation).ok_or(MessageError::Damaged)?;
    let stored = messages::get(txn, &conversation, place.index).map_err(MessageError::Store)?;
    let author = desk.keys.device.fingerprint();
    Ok(stored
        .and_then(|stored| from_record(conversation, stored))
        .and_then(|payload| payload.encode().ok())
        // Other bytes would be another message.
        .filter(|bytes| message_id(bytes, &author) == id))
}

/// What a message's record must keep so that [`from_record`] finds its payload again.
pub(super) fn origin(payload: &Payload) -> MessageOrigin {
    MessageOrigin {
        parents: payload
            .parents
            .iter()
            .map(|parent| parent.to_vec())
            .collect(),
        manifest_head: payload.manifest_head_seen.to_vec(),
        salt: payload.salt.to_vec(),
        expires: payload.expires.map_or(0, |at| at.0),
    }
}

fn from_record(conversation: ConversationId, stored: StoredMessage) -> Option<Payload> {
    let origin = stored.origin?;
    let parents = origin.parents.iter();
    Some(Payload {
        conversation,
        author_device: Fingerprint::from_slice(&stored.author_device)?,
        seq: stored.author_seq,
        parents: parents
            .map(|parent| parent.as_slice().try_into().ok())
            .collect::<Option<_>>()?,
        hlc: Hlc(stored.hlc),
        manifest_head_seen: origin.manifest_head.as_slice().try_into().ok()?,
        expires: (origin.expires != 0).then_some(Timestamp(origin.expires)),
        salt: origin.salt.as_slice().try_into().ok()?,
        body: Body::Text(stored.text),
    })
}

/// Puts the new parcel at the end in place of the old one.
fn replace(
    tools: &Tools,
    txn: &mut Txn,
    desk: &Desk,
    (number, old): (u64, &OutboxRow),
    sealed: Sealed,
) -> Result<(), MessageError> {
    let route = RouteId(desk.id.0);
    let row = OutboxRow {
        parcel: sealed.parcel,
        tag_epoch: sealed.epoch,
        tag_index: sealed.index,
        state: DeliveryState::Queued.number(),
        reason: 0,
        repairs: old.repairs.saturating_add(1),
        repaired_at: desk.now.0,
        deposits: Vec::new(),
        ..old.clone()
    };
    desk.save_session(txn)?;
    outbox::remove(txn, &route, number).map_err(MessageError::Store)?;
    let number = outbox::push(txn, &route, &row).map_err(MessageError::Store)?;
    let (Some(message), Some(conversation)) = (
        MessageId::from_slice(&row.message),
        ConversationId::from_slice(&row.conversation),
    ) else {
        return Ok(());
    };
    messages::set_outbox_row(txn, &message, number).map_err(MessageError::Store)?;
    let place = messages::find(txn, &message)
        .map_err(MessageError::Store)?
        .ok_or(MessageError::Damaged)?;
    messages::update(txn, &conversation, place.index, |stored| {
        stored.tag_epoch = row.tag_epoch;
        stored.tag_index = row.tag_index;
    })
    .map_err(MessageError::Store)?;
    if old.state == row.state {
        return Ok(());
    }
    let kind = EventKind::MessageState {
        conversation,
        message,
        state: DeliveryState::Queued,
    };
    tools.bus.append(txn, kind).map_err(MessageError::Store)
}

/// Marks the row for [`retry`].
fn wait(txn: &mut Txn, route: RouteId, number: u64, row: &OutboxRow) -> Result<(), MessageError> {
    let refused = FailureReason::CannotOpen.number();
    if row.reason == refused {
        return Ok(());
    }
    outbox::update(txn, &route, number, |row| row.reason = refused).map_err(MessageError::Store)
}
