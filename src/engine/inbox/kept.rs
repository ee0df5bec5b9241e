//! What was kept while locked, opened oldest first.

use super::{
    Neighbours,
    apply::Desk,
    batch::{BATCH, MAX_REFUSED, Outcome},
    open::{Opened, Reader, RefusedError},
};
use crate::{
    base::chain,
    crypto::Secret,
    model::{ContactId, RouteId},
    store::{
        StoreError,
        records::{SpoolRow, TagPlace},
        routes, spool,
    },
};

/// Opens up to a batch of one contact's kept parcels. Whatever cannot be opened for a reason
/// of ours stays, and so does all that came after it.
pub(super) fn open_kept(rooms: &Neighbours, route: RouteId) -> Result<Outcome, StoreError> {
    let mut outcome = Outcome::default();
    let read = rooms.bus.store().read();
    let kept = spool::scan(&read, &route, 0, BATCH)?;
    let Some(row) = routes::get(&read, &route)?.filter(|_| !kept.is_empty()) else {
        return Ok(outcome);
    };
    let reader = match Reader::new(rooms, route) {
        Ok(reader) => reader,
        Err(error) => {
            tracing::warn!(error = %chain(&error), "what was kept cannot be opened yet");
            return Ok(outcome);
        }
    };
    let opened = open_all(
        &reader,
        &kept,
        MAX_REFUSED.saturating_sub(row.refused.len()),
    );
    if opened.is_empty() {
        return Ok(outcome);
    }
    let mut txn = rooms.bus.store().begin();
    let mut refused = Vec::new();
    for (number, content) in opened {
        match content {
            Ok(payloads) => {
                for one in payloads {
                    Desk {
                        rooms,
                        txn: &mut txn,
                        contact: ContactId(route.0),
                        after: &mut outcome.after,
                    }
                    .apply(&one)?;
                }
            }
            Err(place) => refused.push(place),
        }
        spool::remove(&mut txn, &route, number)?;
    }
    if let Some(mut row) = routes::get(&txn, &route)?.filter(|_| !refused.is_empty()) {
        row.refused.append(&mut refused);
        routes::put(&mut txn, &row)?;
    }
    outcome.receipts.insert(route);
    outcome.ticket = Some(rooms.bus.store().queue(txn)?);
    Ok(outcome)
}

type Content = Result<Vec<Opened>, TagPlace>;

/// Opens in order, as far as possible. At most `refusals` may fail for a reason of theirs:
/// one more could not be told, and would pass for delivered.
fn open_all(reader: &Reader, kept: &[(u64, SpoolRow)], refusals: usize) -> Vec<(u64, Content)> {
    let mut left = refusals;
    let mut opened = Vec::with_capacity(kept.len());
    for (number, row) in kept {
        let content = match open(reader, row) {
            Ok(payloads) => Ok(payloads),
            Err(error) if error.is_ours() || left == 0 => {
                tracing::warn!(error = %chain(&error), "a kept parcel has to wait");
                break;
            }
            Err(error) => {
                tracing::warn!(error = %chain(&error), "a kept parcel was refused");
                left -= 1;
                Err(TagPlace {
                    epoch: row.epoch,
                    index: row.index,
                })
            }
        };
        opened.push((*number, content));
    }
    opened
}

fn open(reader: &Reader, row: &SpoolRow) -> Result<Vec<Opened>, RefusedError> {
    let key = Secret::from_slice(&row.key).ok_or(RefusedError::Damaged)?;
    reader.open(&key, row.index, &row.parcel)
}
