//! What one batch of parcels does, away from the async threads: look up, open, write.

use super::{
    Neighbours,
    apply::{After, Desk},
    open::{Opened, Reader},
    window::Window,
};
use crate::{
    base::chain,
    crypto::{Tag, open_parcel},
    engine::contacts::{put_recv_tags, recv_tags},
    model::{ContactId, RouteId},
    protocol::TagSlot,
    store::{
        StoreError, Ticket,
        records::{SpoolRow, TagPlace},
        routes, spool,
    },
};
use std::collections::{HashMap, HashSet, hash_map::Entry};

/// Parcels opened and applied together.
pub(super) const BATCH: usize = 32;
/// Parcels kept for one contact while locked; further ones are not acknowledged and come again.
/// They are left out one by one: a batch has those of other contacts too.
const MAX_KEPT: u64 = if cfg!(test) { 32 } else { 4_096 };
/// Refused places that are remembered of one contact.
const MAX_REFUSED: usize = 64;

pub(super) type Windows = HashMap<RouteId, Window>;

/// What a batch came to.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) ticket: Option<Result<Ticket, StoreError>>,
    pub(super) custody: HashMap<RouteId, Vec<[u8; 16]>>,
    pub(super) receipts: HashSet<RouteId>,
    pub(super) strangers: HashSet<RouteId>,
    pub(super) after: After,
}

/// One parcel that is to have an effect.
struct Fresh {
    route: RouteId,
    tag: [u8; 16],
    slot: TagSlot,
    content: Content,
}

enum Content {
    Opened(Vec<Opened>),
    Refused,
    Kept(Vec<u8>),
}

/// The window of `route`, read from the store if it is not at hand.
pub(super) fn window<'a>(
    rooms: &Neighbours,
    windows: &'a mut Windows,
    route: RouteId,
) -> Result<Option<&'a mut Window>, StoreError> {
    match windows.entry(route) {
        Entry::Occupied(entry) => Ok(Some(entry.into_mut())),
        Entry::Vacant(entry) => {
            let row = routes::get(&rooms.bus.store().read(), &route)?;
            Ok(row
                .as_ref()
                .and_then(recv_tags)
                .map(|tags| entry.insert(Window::new(tags))))
        }
    }
}

/// What is known again, what is fresh, and what is nobody's.
#[derive(Default)]
pub(super) struct Sorted {
    fresh: Vec<Fresh>,
    outcome: Outcome,
}

/// Finds each parcel's place and opens it, before any transaction begins.
pub(super) fn sort_out(
    rooms: &Neighbours,
    windows: &mut Windows,
    parcels: Vec<(RouteId, Vec<u8>)>,
    unlocked: bool,
) -> Result<Sorted, StoreError> {
    let mut sorted = Sorted::default();
    let mut readers: HashMap<RouteId, Reader> = HashMap::new();
    let mut kept: HashMap<RouteId, u64> = HashMap::new();
    for (route, parcel) in parcels {
        let Some(tag) = parcel.first_chunk::<16>().copied() else {
            continue;
        };
        let Some(window) = window(rooms, windows, route)? else {
            continue;
        };
        let Some(slot) = window.find(tag) else {
            sorted.outcome.strangers.insert(route);
            continue;
        };
        if slot.burnt {
            sorted.outcome.custody.entry(route).or_default().push(tag);
            sorted.outcome.receipts.insert(route);
            continue;
        }
        let content = if unlocked {
            let reader = match readers.entry(route) {
                Entry::Occupied(entry) => Ok(&*entry.into_mut()),
                Entry::Vacant(entry) => {
                    Reader::new(rooms, route).map(|reader| &*entry.insert(reader))
                }
            };
            match reader.and_then(|reader| reader.open(&window.tags, slot, &parcel)) {
                Ok(opened) => Content::Opened(opened),
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "a parcel was refused");
                    if error.is_ours() || error.is_foreign() {
                        continue;
                    }
                    Content::Refused
                }
            }
        } else {
            let kept = match kept.entry(route) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => {
                    entry.insert(spool::len(&rooms.bus.store().read(), &route)?)
                }
            };
            let key = window.tags.key(slot.epoch);
            if *kept >= MAX_KEPT
                || key.is_none_or(|key| open_parcel(&key, 0, slot.j, &parcel).is_err())
            {
                continue;
            }
            *kept += 1;
            Content::Kept(parcel)
        };
        if window.burn(&tag, slot) {
            sorted.fresh.push(Fresh {
                route,
                tag,
                slot,
                content,
            });
        }
    }
    Ok(sorted)
}

/// Writes a batch's effects: tags burnt, messages stored, counters moved, in one transaction.
pub(super) fn write(
    rooms: &Neighbours,
    windows: &Windows,
    sorted: Result<Sorted, StoreError>,
) -> Result<Outcome, StoreError> {
    let Sorted { fresh, mut outcome } = sorted?;
    if fresh.is_empty() {
        return Ok(outcome);
    }
    let mut txn = rooms.bus.store().begin();
    let mut touched: HashMap<RouteId, Vec<TagPlace>> = HashMap::new();
    for Fresh {
        route,
        tag,
        slot,
        content,
    } in fresh
    {
        let refused = touched.entry(route).or_default();
        match content {
            Content::Opened(opened) => {
                let mut after = After::default();
                let contact = ContactId(route.0);
                for one in opened {
                    Desk {
                        rooms,
                        txn: &mut txn,
                        contact,
                        after: &mut after,
                    }
                    .apply(one)?;
                }
                if after.receipt {
                    outcome.receipts.insert(route);
                }
                outcome.after.addresses.append(&mut after.addresses);
                outcome.after.refused.append(&mut after.refused);
            }
            Content::Refused => {
                refused.push(TagPlace {
                    epoch: slot.epoch,
                    index: slot.j,
                });
                outcome.receipts.insert(route);
            }
            Content::Kept(parcel) => {
                spool::push(
                    &mut txn,
                    &route,
                    &SpoolRow {
                        parcel,
                        at: rooms.bus.now().0,
                    },
                )?;
            }
        }
        outcome.custody.entry(route).or_default().push(tag);
    }
    for (route, mut refused) in touched {
        let (Some(mut row), Some(window)) = (routes::get(&txn, &route)?, windows.get(&route))
        else {
            continue;
        };
        put_recv_tags(&mut row, &window.tags);
        row.refused.append(&mut refused);
        let extra = row.refused.len().saturating_sub(MAX_REFUSED);
        row.refused.drain(..extra);
        routes::put(&mut txn, &row)?;
    }
    outcome.ticket = Some(rooms.bus.store().queue(txn));
    Ok(outcome)
}

/// Opens up to a batch of one contact's kept parcels.
pub(super) fn open_spool(rooms: &Neighbours, route: RouteId) -> Result<Outcome, StoreError> {
    let mut outcome = Outcome::default();
    let read = rooms.bus.store().read();
    let kept = spool::scan(&read, &route, 0, BATCH)?;
    let Some(row) = routes::get(&read, &route)?.filter(|_| !kept.is_empty()) else {
        return Ok(outcome);
    };
    let Some(tags) = recv_tags(&row) else {
        return Ok(outcome);
    };
    let reader = Reader::new(rooms, route);
    let mut opened = Vec::with_capacity(kept.len());
    for (number, kept) in &kept {
        let slot = kept
            .parcel
            .first_chunk::<16>()
            .and_then(|tag| tags.find(&Tag(*tag)));
        let content = match (&reader, slot) {
            (Ok(reader), Some(slot)) => reader
                .open(&tags, slot, &kept.parcel)
                .map_err(|error| chain(&error)),
            (Err(error), _) => Err(chain(error)),
            (_, None) => Err("its tag is out of the window".to_owned()),
        };
        opened.push((*number, slot, content));
    }
    let mut txn = rooms.bus.store().begin();
    let mut refused = Vec::new();
    for (number, slot, content) in opened {
        match content {
            Ok(payloads) => {
                for one in payloads {
                    Desk {
                        rooms,
                        txn: &mut txn,
                        contact: ContactId(route.0),
                        after: &mut outcome.after,
                    }
                    .apply(one)?;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a kept parcel was refused");
                refused.extend(slot.map(|slot| TagPlace {
                    epoch: slot.epoch,
                    index: slot.j,
                }));
            }
        }
        spool::remove(&mut txn, &route, number)?;
    }
    if let Some(mut row) = routes::get(&txn, &route)?.filter(|_| !refused.is_empty()) {
        row.refused.append(&mut refused);
        routes::put(&mut txn, &row)?;
    }
    outcome.receipts.insert(route);
    outcome.ticket = Some(rooms.bus.store().queue(txn));
    Ok(outcome)
}
