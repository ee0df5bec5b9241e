//! A parcel that waited at a mailbox: each envelope is taken once, whichever way it comes.

use super::{
    Neighbours,
    apply::{After, Desk},
    batch::{MAX_REFUSED, Outcome, Windows, burn, is_of_one_route, window},
    open::{Opened, Reader},
};
use crate::{
    base::chain,
    crypto::{CryptoError, EnvelopeKind, SealedEnvelope, open_parcel},
    engine::mailbox::{
        is_of, recv_batches,
        user::{Collected, Fate},
        write_recv_batches,
    },
    model::{ContactId, RouteId},
    protocol::Body,
    store::{
        StoreError, Txn, contacts, mailbox_tags,
        records::{MailboxRecvRecord, TagPlace},
        routes, spool,
    },
};

/// Takes one parcel in. Its fate is in the outcome, and counts once the outcome is on disk.
pub(super) fn take_collected(
    rooms: &Neighbours,
    windows: &mut Windows,
    collected: &Collected,
    unlocked: bool,
) -> Result<Outcome, StoreError> {
    let route = collected.place.contact;
    let mut outcome = Outcome::default();
    let done = if unlocked {
        take(rooms, windows, collected, &mut outcome)
    } else {
        Ok(Fate::Later)
    };
    let fate = match done {
        Ok(fate) => fate,
        Err(error) => {
            // The window may be ahead of the disk.
            windows.remove(&route);
            if !is_of_one_route(&error) {
                return Err(error);
            }
            tracing::error!(error = %chain(&error), "a parcel from a mailbox cannot be kept");
            outcome = Outcome::default();
            Fate::Later
        }
    };
    let parcel = (collected.mailbox, collected.hash, fate);
    outcome.collected.push(parcel);
    Ok(outcome)
}

/// What one envelope comes to.
enum Read {
    Opened(Box<Opened>),
    Refused,
    /// It was here before; with whether its author waits to hear of it.
    Known(bool),
}

fn take(
    rooms: &Neighbours,
    windows: &mut Windows,
    collected: &Collected,
    outcome: &mut Outcome,
) -> Result<Fate, StoreError> {
    let place = collected.place;
    let (route, contact) = (place.contact, ContactId(place.contact.0));
    let view = rooms.bus.store().read();
    // Whatever came before it is shown before it.
    if spool::size(&view, &route)?.parcels > 0 {
        return Ok(Fate::Later);
    }
    let row = contacts::get(&view, &contact)?;
    let record = mailbox_tags::recv(&view, &contact)?;
    let (Some(row), Some(mut record)) = (row, record) else {
        return Ok(Fate::Done);
    };
    if !is_of(&record.conversation, &row) {
        return Ok(Fate::Done);
    }
    let paths = record.paths.iter_mut();
    let Some(path) = paths.into_iter().find(|path| path.path == place.path) else {
        return Ok(Fate::Done);
    };
    let Some(mut batches) = recv_batches(path) else {
        return Ok(Fate::Later);
    };
    let Some(key) = batches.key(place.batch) else {
        return Ok(Fate::Done);
    };
    let envelopes = match open_parcel(&key, place.path, place.j, &collected.parcel) {
        Ok(envelopes) => envelopes,
        Err(CryptoError::NewerVersion { .. } | CryptoError::UnknownEnvelope { .. }) => {
            return Ok(Fate::Left);
        }
        // Whoever carried it has changed it; perhaps it comes whole another time.
        Err(error) => {
            tracing::warn!(error = %chain(&error), "a parcel from a mailbox is not authentic");
            return Ok(Fate::Left);
        }
    };
    // A number that was taken tells them again, no more: its envelopes are known.
    let _ = batches.burn(place.batch, place.j);
    write_recv_batches(path, &batches);
    let reader = match Reader::new(rooms, route) {
        Ok(reader) => reader,
        Err(error) if error.is_foreign() => return Ok(Fate::Done),
        Err(error) => {
            tracing::warn!(error = %chain(&error), "what a mailbox has cannot be opened yet");
            return Ok(Fate::Later);
        }
    };
    let refused = routes::get(&view, &route)?.map_or(0, |row| row.refused.len());
    let Some(opened) = open_all(rooms, windows, &reader, route, &envelopes, refused)? else {
        return Ok(Fate::Later);
    };
    write(rooms, windows, route, record, opened, outcome)
}

type Places = Vec<(TagPlace, Read)>;
/// What was read, and the place before which nothing more comes, if that was said.
type Word = (Places, Option<(u32, u64)>);

/// Reads every envelope before anything is used up; `None` if one has to come again.
fn open_all(
    rooms: &Neighbours,
    windows: &mut Windows,
    reader: &Reader,
    route: RouteId,
    envelopes: &[SealedEnvelope],
    mut refused: usize,
) -> Result<Option<Word>, StoreError> {
    let Some(window) = window(rooms, windows, route)? else {
        return Ok(None);
    };
    let is_word = |one: &&SealedEnvelope| one.kind == EnvelopeKind::Window;
    let floor = envelopes.iter().filter(is_word);
    let floor = floor.map(|one| (one.epoch, one.index)).max();
    let mut tags = window.tags.clone();
    if let Some((epoch, next)) = floor
        && tags.advance(epoch, next).is_err()
    {
        tracing::warn!("a contact's word at a mailbox goes too far");
    }
    let mut places = Vec::with_capacity(envelopes.len());
    for one in envelopes.iter().filter(|one| !is_word(one)) {
        let (epoch, index) = (one.epoch, one.index);
        if tags.is_beyond(epoch, index) {
            return Ok(None);
        }
        let read = if !tags.burn_named(epoch, index) {
            Read::Known(wants_receipt(reader, one))
        } else {
            match reader.open_envelope(one) {
                Ok(opened) => Read::Opened(Box::new(opened)),
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "an envelope was not opened");
                    // One more could not be told, and would pass for delivered.
                    if error.is_ours() || refused >= MAX_REFUSED {
                        return Ok(None);
                    }
                    refused += 1;
                    Read::Refused
                }
            }
        };
        places.push((TagPlace { epoch, index }, read));
    }
    Ok(Some((places, floor)))
}

/// Whether the author of a copy may still wait for word of it. Nobody waits for word of a
/// receipt, or two sides with two mailboxes each would answer each other's copies for ever;
/// and what does not open and is no message may have been one. A message is answered also
/// where its keys are gone by now.
fn wants_receipt(reader: &Reader, copy: &SealedEnvelope) -> bool {
    match reader.open_envelope(copy) {
        Ok(opened) => !matches!(opened.payload.body, Body::Receipt(_)),
        Err(_) => copy.kind == EnvelopeKind::Sealed,
    }
}

/// Tags burnt, messages stored, in one transaction.
fn write(
    rooms: &Neighbours,
    windows: &mut Windows,
    route: RouteId,
    mut record: MailboxRecvRecord,
    (places, floor): (Places, Option<(u32, u64)>),
    outcome: &mut Outcome,
) -> Result<Fate, StoreError> {
    let contact = ContactId(route.0);
    let Some(window) = window(rooms, windows, route)? else {
        return Ok(Fate::Later);
    };
    if let Some((epoch, next)) = floor {
        window.advance(epoch, next);
    }
    let mut txn = rooms.bus.store().begin();
    if routes::get(&txn, &route)?.is_none() {
        // Blocked or gone since the parcel was opened.
        return Ok(Fate::Done);
    }
    let (mut after, mut refused) = (After::default(), Vec::new());
    for (place, read) in places {
        let fresh = window.burn_named(place.epoch, place.index);
        match read {
            Read::Opened(opened) if fresh => Desk {
                rooms,
                txn: &mut txn,
                contact,
                after: &mut after,
            }
            .apply(&opened)?,
            Read::Refused if fresh => refused.push(place),
            Read::Known(false) => {}
            // They do not know that it is here.
            _ => after.receipt = true,
        }
    }
    after.receipt |= !refused.is_empty();
    let settled = |place: &TagPlace| floor.is_some_and(|f| (place.epoch, place.index) < f);
    forget_refused(&mut txn, route, settled)?;
    burn(&mut txn, route, window, refused)?;
    record.receipt_owed |= after.receipt;
    if after.receipt {
        outcome.receipts.insert(route);
    }
    merge_record(&mut txn, contact, record)?;
    outcome.after = after;
    outcome.ticket = Some(rooms.bus.store().queue(txn)?);
    Ok(Fate::Done)
}

/// Their author has heard of them: there is room for others.
fn forget_refused(
    txn: &mut Txn,
    route: RouteId,
    settled: impl Fn(&TagPlace) -> bool,
) -> Result<(), StoreError> {
    let Some(mut row) = routes::get(txn, &route)? else {
        return Ok(());
    };
    if row.refused.iter().any(&settled) {
        row.refused.retain(|place| !settled(place));
        routes::put(txn, &row)?;
    }
    Ok(())
}

/// Writes which numbers were taken and that a receipt is owed; batches may have been added to
/// the record since it was read.
fn merge_record(
    txn: &mut Txn,
    contact: ContactId,
    read: MailboxRecvRecord,
) -> Result<(), StoreError> {
    let Some(mut record) = mailbox_tags::recv(txn, &contact)? else {
        return Ok(());
    };
    record.receipt_owed |= read.receipt_owed;
    for path in &mut record.paths {
        let Some(before) = read.paths.iter().find(|before| before.path == path.path) else {
            continue;
        };
        for batch in &mut path.batches {
            if let Some(before) = before.batches.iter().find(|b| b.batch == batch.batch) {
                batch.used.clone_from(&before.used);
            }
        }
        // One that is used up is gone from what was read.
        let gone =
            |batch: u32| batch <= before.latest && before.batches.iter().all(|b| b.batch != batch);
        path.batches.retain(|batch| !gone(batch.batch));
    }
    mailbox_tags::put_recv(txn, &contact, &record)
}
