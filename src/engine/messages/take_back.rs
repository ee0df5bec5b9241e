//! Messages that end without arriving: cancelled, expired, given up.

use super::{
    MessageError,
    compose::{Desk, ROW_MAILBOX, ROW_UPDATE, ROW_VOID},
    composer::Tools,
};
use crate::{
    engine::mailbox,
    model::{
        ContactId, ConversationId, DeliveryState, EventKind, FailureReason, MessageId, RouteId,
    },
    protocol::Body,
    store::{Txn, contacts, messages, outbox, records::OutboxRow},
};

/// Most numbers in one `Void`.
const MAX_VOIDED: usize = 256;

/// Rows kept back until what becomes of them is on disk.
pub(super) type Held = Vec<(RouteId, u64)>;

/// Takes one message back and fills the hole it leaves.
pub(super) fn cancel(
    tools: &Tools,
    txn: &mut Txn,
    message: MessageId,
    held: &mut Held,
) -> Result<RouteId, MessageError> {
    let place = messages::find(txn, &message)
        .map_err(MessageError::Store)?
        .ok_or(MessageError::NotFound)?;
    let route = RouteId::from_slice(&place.contact).ok_or(MessageError::TooLate(
        "a received message cannot be taken back",
    ))?;
    let row = outbox::get(txn, &route, place.outbox_row).map_err(MessageError::Store)?;
    let Some(row) = row.filter(|row| row.message == message.0) else {
        return Err(MessageError::TooLate("the message is finished"));
    };
    if row.state != DeliveryState::Queued.number() {
        return Err(MessageError::TooLate("the message is already under way"));
    }
    let number = place.outbox_row;
    let free = tools.outbox.withhold(txn, route, number);
    if !free.map_err(MessageError::Store)? {
        return Err(MessageError::TooLate(
            "the message may have arrived already",
        ));
    }
    held.push((route, number));
    let mut desk = Desk::open(tools, txn, ContactId(route.0))?;
    let seq = seq_of(txn, &row, &message)?;
    let void = desk.seal(Body::Void { seqs: vec![seq] }, 0, None)?;
    end(
        tools,
        txn,
        route,
        number,
        &row,
        DeliveryState::Cancelled,
        FailureReason::Cancelled,
    )?;
    desk.push_void(txn, void, vec![seq])?;
    Ok(route)
}

/// Ends what was older than its time at `before`. Returns whether anything was.
pub(super) fn expire(
    tools: &Tools,
    txn: &mut Txn,
    contact: ContactId,
    before: i64,
    held: &mut Held,
) -> Result<bool, MessageError> {
    let route = RouteId(contact.0);
    let mut rows = all_rows(txn, route)?;
    rows.retain(|(_, row)| row.kind != ROW_VOID && row.expires_at <= before);
    if rows.is_empty() {
        return Ok(false);
    }
    for (number, _) in &rows {
        let free = tools.outbox.withhold(txn, route, *number);
        if free.map_err(MessageError::Store)? {
            held.push((route, *number));
        }
    }
    let (state, reason) = (DeliveryState::Expired, FailureReason::Expired);
    end_rows(tools, txn, contact, &rows, state, reason)?;
    Ok(true)
}

/// Ends these rows, and tells the reader which numbers will never come.
pub(super) fn end_rows(
    tools: &Tools,
    txn: &mut Txn,
    contact: ContactId,
    rows: &[(u64, OutboxRow)],
    state: DeliveryState,
    reason: FailureReason,
) -> Result<(), MessageError> {
    let route = RouteId(contact.0);
    let mut seqs = Vec::new();
    for (_, row) in rows {
        if let Some(message) = MessageId::from_slice(&row.message) {
            seqs.push(seq_of(txn, row, &message)?);
        }
    }
    // Sealed before anything is ended: without it the reader would wait for them for ever.
    let mut desk = match Desk::open(tools, txn, contact) {
        Err(MessageError::NoSession) => None,
        desk => Some(desk?),
    };
    let mut voids = Vec::new();
    if let Some(desk) = &mut desk {
        for seqs in seqs.chunks(MAX_VOIDED) {
            let seqs = seqs.to_vec();
            voids.push((desk.seal(Body::Void { seqs: seqs.clone() }, 0, None)?, seqs));
        }
    }
    for (number, row) in rows {
        end(tools, txn, route, *number, row, state, reason)?;
    }
    let Some(mut desk) = desk else { return Ok(()) };
    for (void, seqs) in voids {
        desk.push_void(txn, void, seqs)?;
    }
    if rows.iter().any(|(_, row)| row.kind == ROW_MAILBOX) {
        // They do not know these tags, so the next round makes new ones.
        mailbox::renew(txn, contact, desk.now).map_err(MessageError::Store)?;
    }
    if rows.iter().any(|(_, row)| row.kind == ROW_UPDATE) {
        // They were not told after all, so the next round tells them what is true then.
        desk.contact.told_device_cert.clear();
        desk.contact.told_addresses.clear();
        contacts::put(txn, &desk.contact).map_err(MessageError::Store)?;
    }
    Ok(())
}

/// Tells `contact` which numbers will never come.
pub(super) fn void(
    tools: &Tools,
    txn: &mut Txn,
    contact: ContactId,
    seqs: &[u64],
) -> Result<(), MessageError> {
    let mut desk = Desk::open(tools, txn, contact)?;
    let mut voids = Vec::new();
    for seqs in seqs.chunks(MAX_VOIDED) {
        let seqs = seqs.to_vec();
        let void = desk.seal(Body::Void { seqs: seqs.clone() }, 0, None)?;
        voids.push((void, seqs));
    }
    for (void, seqs) in voids {
        desk.push_void(txn, void, seqs)?;
    }
    Ok(())
}

/// Ends everything on its way to `contact`; tells them nothing.
pub(super) fn give_up(
    tools: &Tools,
    txn: &mut Txn,
    contact: ContactId,
) -> Result<(), MessageError> {
    let route = RouteId(contact.0);
    for (number, row) in all_rows(txn, route)? {
        end(
            tools,
            txn,
            route,
            number,
            &row,
            DeliveryState::Failed,
            FailureReason::Blocked,
        )?;
    }
    Ok(())
}

pub(super) fn all_rows(txn: &Txn, route: RouteId) -> Result<Vec<(u64, OutboxRow)>, MessageError> {
    let head = outbox::head(txn, &route).map_err(MessageError::Store)?.head;
    outbox::scan(txn, &route, head, u64::MAX, usize::MAX).map_err(MessageError::Store)
}

fn seq_of(txn: &Txn, row: &OutboxRow, message: &MessageId) -> Result<u64, MessageError> {
    let place = messages::find(txn, message)
        .map_err(MessageError::Store)?
        .ok_or(MessageError::Damaged)?;
    let conversation =
        ConversationId::from_slice(&row.conversation).ok_or(MessageError::Damaged)?;
    let stored = messages::get(txn, &conversation, place.index).map_err(MessageError::Store)?;
    stored
        .map(|message| message.author_seq)
        .ok_or(MessageError::Damaged)
}

/// Removes a row and writes the message's last state.
fn end(
    tools: &Tools,
    txn: &mut Txn,
    route: RouteId,
    number: u64,
    row: &OutboxRow,
    state: DeliveryState,
    reason: FailureReason,
) -> Result<(), MessageError> {
    let log = outbox::head(txn, &route).map_err(MessageError::Store)?.log;
    outbox::remove(txn, &route, number).map_err(MessageError::Store)?;
    let (Some(message), Some(conversation)) = (
        MessageId::from_slice(&row.message),
        ConversationId::from_slice(&row.conversation),
    ) else {
        return Ok(());
    };
    let place = messages::find(txn, &message)
        .map_err(MessageError::Store)?
        .ok_or(MessageError::Damaged)?;
    messages::update(txn, &conversation, place.index, |stored| {
        stored.state = state.number();
        stored.reason = reason.number();
        stored.origin = None;
        stored.attempts = log
            .into_iter()
            .filter(|attempt| attempt.at >= row.queued_at)
            .collect();
    })
    .map_err(MessageError::Store)?;
    let kind = EventKind::MessageState {
        conversation,
        message,
        state,
    };
    tools.bus.append(txn, kind).map_err(MessageError::Store)
}
