//! What one batch of parcels does, away from the async threads: look up, open, write.

use super::{
    Neighbours,
    apply::{After, Desk},
    open::Opened,
    sort::sort_out,
    window::Window,
};
use crate::{
    base::chain,
    crypto::Secret,
    engine::{
        contacts::{put_recv_tags, recv_tags},
        mailbox::user::Fate,
    },
    model::{ContactId, MailboxId, RouteId},
    protocol::TagSlot,
    store::{
        Record, StoreError, Ticket, Tier, Txn,
        records::{RouteRecord, SpoolRow, TagPlace},
        routes, spool,
    },
    wire::TagHash,
};
use std::collections::{HashMap, HashSet, hash_map::Entry};

/// Parcels opened and applied together.
pub(super) const BATCH: usize = 32;
/// Refused places that are remembered of one contact: as many as a receipt can tell.
pub(super) const MAX_REFUSED: usize = 64;

pub(super) type Windows = HashMap<RouteId, Window>;

/// What a batch came to.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) ticket: Option<Ticket>,
    pub(super) custody: HashMap<RouteId, Vec<[u8; 16]>>,
    pub(super) receipts: HashSet<RouteId>,
    /// How many of a contact's latest parcels came under no tag of theirs.
    pub(super) strangers: HashMap<RouteId, u32>,
    /// Of whom something is kept now.
    pub(super) kept: HashSet<RouteId>,
    /// The latest place of which a parcel came, known or not.
    pub(super) heard: HashMap<RouteId, (u32, u64)>,
    /// Whose parcels were left where they are for a reason of ours: they must come again.
    pub(super) dropped: HashSet<RouteId>,
    /// What became of parcels from mailboxes.
    pub(super) collected: Vec<(MailboxId, TagHash, Fate)>,
    pub(super) after: After,
}

/// One parcel that is to have an effect.
pub(super) struct Fresh {
    pub(super) route: RouteId,
    pub(super) tag: [u8; 16],
    pub(super) slot: TagSlot,
    pub(super) content: Content,
}

pub(super) enum Content {
    Opened(Vec<Opened>),
    Refused,
    Kept { parcel: Vec<u8>, key: Secret<32> },
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

/// Opens what can be opened, keeps the rest, and queues the effects of all in one transaction.
pub(super) fn take_in(
    rooms: &Neighbours,
    windows: &mut Windows,
    parcels: &[(RouteId, Vec<u8>)],
    unlocked: bool,
) -> Result<Outcome, StoreError> {
    match sort_out(rooms, windows, parcels, unlocked)
        .and_then(|(fresh, known)| write(rooms, windows, fresh, known))
    {
        // The vault was locked in the middle of it. Nothing is written: keep them as they came.
        Err(StoreError::Locked(Tier::Vault)) if unlocked => {
            windows.clear();
            let (fresh, known) = sort_out(rooms, windows, parcels, false)?;
            write(rooms, windows, fresh, known)
        }
        done => done,
    }
}

/// Writes a batch's effects. One contact's bad record costs that contact's parcels only.
fn write(
    rooms: &Neighbours,
    windows: &mut Windows,
    mut fresh: Vec<Fresh>,
    mut known: Outcome,
) -> Result<Outcome, StoreError> {
    while !fresh.is_empty() {
        let mut txn = rooms.bus.store().begin();
        match write_all(rooms, windows, &mut txn, &fresh) {
            Ok(mut outcome) => {
                outcome.ticket = Some(rooms.bus.store().queue(txn)?);
                outcome.join(known);
                return Ok(outcome);
            }
            Err((route, error)) if is_of_one_route(&error) => {
                tracing::error!(error = %chain(&error), "one contact's parcels cannot be kept");
                // The window is ahead of the disk: what it burnt was not taken.
                windows.remove(&route);
                fresh.retain(|one| one.route != route);
                known.dropped.insert(route);
            }
            Err((_, error)) => return Err(error),
        }
    }
    Ok(known)
}

/// Tags burnt, messages stored, counters moved. On an error the transaction is spoilt.
fn write_all(
    rooms: &Neighbours,
    windows: &Windows,
    txn: &mut Txn,
    fresh: &[Fresh],
) -> Result<Outcome, (RouteId, StoreError)> {
    let mut outcome = Outcome::default();
    let mut touched: HashMap<RouteId, Vec<TagPlace>> = HashMap::new();
    for one in fresh {
        let refused = match touched.entry(one.route) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                // Blocked or gone since the parcel was opened: then nothing of it may show.
                if let Err(error) = is_there(txn, one.route) {
                    return Err((one.route, error));
                }
                entry.insert(Vec::new())
            }
        };
        write_one(rooms, txn, one, refused, &mut outcome).map_err(|error| (one.route, error))?;
        outcome.custody.entry(one.route).or_default().push(one.tag);
    }
    for (route, refused) in touched {
        let Some(window) = windows.get(&route) else {
            continue;
        };
        burn(txn, route, window, refused).map_err(|error| (route, error))?;
    }
    Ok(outcome)
}

fn is_there(txn: &Txn, route: RouteId) -> Result<(), StoreError> {
    let table = RouteRecord::TABLE;
    let row = routes::get(txn, &route)?;
    row.map_or(Err(StoreError::Missing { table }), |_| Ok(()))
}

fn write_one(
    rooms: &Neighbours,
    txn: &mut Txn,
    fresh: &Fresh,
    refused: &mut Vec<TagPlace>,
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    let Fresh { route, slot, .. } = *fresh;
    match &fresh.content {
        Content::Opened(opened) => {
            let mut after = After::default();
            for one in opened {
                Desk {
                    rooms,
                    txn: &mut *txn,
                    contact: ContactId(route.0),
                    after: &mut after,
                }
                .apply(one)?;
            }
            if after.receipt {
                outcome.receipts.insert(route);
            }
            outcome.after.join(after);
        }
        Content::Refused => {
            refused.push(TagPlace {
                epoch: slot.epoch,
                index: slot.j,
            });
            outcome.receipts.insert(route);
        }
        Content::Kept { parcel, key } => {
            let row = SpoolRow {
                parcel: parcel.clone(),
                at: rooms.bus.now().0,
                epoch: slot.epoch,
                index: slot.j,
                key: key.as_bytes().to_vec(),
            };
            spool::push(txn, &route, &row)?;
            outcome.kept.insert(route);
        }
    }
    Ok(())
}

pub(super) fn burn(
    txn: &mut Txn,
    route: RouteId,
    window: &Window,
    mut refused: Vec<TagPlace>,
) -> Result<(), StoreError> {
    let Some(mut row) = routes::get(txn, &route)? else {
        return Ok(());
    };
    put_recv_tags(&mut row, &window.tags);
    row.refused.append(&mut refused);
    routes::put(txn, &row)
}

/// Whether the rest of the store is well.
pub(super) const fn is_of_one_route(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Damaged { .. }
            | StoreError::Missing { .. }
            | StoreError::Exists { .. }
            | StoreError::Malformed { .. }
    )
}

impl Outcome {
    /// Leaves a parcel of `route` where it is, if only that route is concerned.
    pub(super) fn drop_or_fail(
        &mut self,
        route: RouteId,
        error: StoreError,
    ) -> Result<(), StoreError> {
        if !is_of_one_route(&error) {
            return Err(error);
        }
        tracing::error!(error = %chain(&error), "a contact's parcel cannot be taken in");
        self.dropped.insert(route);
        Ok(())
    }

    fn join(&mut self, other: Self) {
        for (route, tags) in other.custody {
            self.custody.entry(route).or_default().extend(tags);
        }
        self.receipts.extend(other.receipts);
        self.strangers.extend(other.strangers);
        self.kept.extend(other.kept);
        self.heard.extend(other.heard);
        self.dropped.extend(other.dropped);
        self.collected.extend(other.collected);
        self.after.join(other.after);
    }
}
