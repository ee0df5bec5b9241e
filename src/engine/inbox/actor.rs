//! The loop: a batch of parcels in, one flush, then custody and receipts out.

use super::{
    Command, Neighbours,
    apply::{After, Desk},
    open::{Opened, Reader},
    window::Window,
};
use crate::{
    base::{Clock, Stop, chain},
    engine::contacts::{put_recv_tags, recv_tags},
    model::{ContactId, RouteId, VaultState},
    protocol::{AckPolicy, TagSlot},
    store::{
        StoreError, Ticket,
        records::{SpoolRow, TagPlace},
        routes, spool,
    },
    wire::Frame,
};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};
use tokio::sync::mpsc;

/// Parcels opened and applied together.
const BATCH: usize = 32;
/// Parcels kept for one contact while locked; further ones are not acknowledged and come again.
const MAX_KEPT: u64 = 4_096;
/// Refused places that are remembered of one contact.
const MAX_REFUSED: usize = 64;
/// Unknown tags make us repeat what we have, but not more often.
const REPEAT_MS: u64 = 10_000;

type Windows = HashMap<RouteId, Window>;

pub(super) struct Actor {
    rooms: Neighbours,
    clock: Clock,
    inbox: mpsc::Receiver<Command>,
    /// Lent to the blocking thread for each batch.
    windows: Windows,
    acks: HashMap<RouteId, AckPolicy>,
    repeated: HashMap<RouteId, u64>,
}

/// What a batch came to.
#[derive(Default)]
struct Outcome {
    ticket: Option<Result<Ticket, StoreError>>,
    custody: HashMap<RouteId, Vec<[u8; 16]>>,
    receipts: HashSet<RouteId>,
    strangers: HashSet<RouteId>,
    after: After,
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

impl Actor {
    pub(super) fn new(rooms: Neighbours, clock: Clock, inbox: mpsc::Receiver<Command>) -> Self {
        Self {
            rooms,
            clock,
            inbox,
            windows: Windows::new(),
            acks: HashMap::new(),
            repeated: HashMap::new(),
        }
    }

    pub(super) async fn run(mut self, stop: Stop) {
        let mut commands = Vec::with_capacity(BATCH);
        loop {
            let due = self.acks.values().filter_map(AckPolicy::due).min();
            tokio::select! {
                biased;
                () = stop.draining() => return,
                taken = self.inbox.recv_many(&mut commands, BATCH) => if taken == 0 { return },
                () = sleep_until(&self.clock, due) => {}
            }
            if !commands.is_empty() {
                self.handle(std::mem::take(&mut commands)).await;
            }
            self.send_receipts().await;
        }
    }

    async fn handle(&mut self, commands: Vec<Command>) {
        let mut parcels = Vec::with_capacity(commands.len());
        for command in commands {
            match command {
                Command::Parcel { route, parcel } => parcels.push((route, parcel)),
                Command::Window { route, epoch, next } => {
                    // The word refers to what was sent before it.
                    self.take_in(std::mem::take(&mut parcels)).await;
                    self.advance(route, epoch, next).await;
                }
                Command::LinkUp(route) => drop(self.ack(route)),
                Command::Unlocked => self.open_kept().await,
                Command::Forget(route) => {
                    self.windows.remove(&route);
                    self.acks.remove(&route);
                    self.repeated.remove(&route);
                }
            }
        }
        self.take_in(parcels).await;
    }

    async fn take_in(&mut self, parcels: Vec<(RouteId, Vec<u8>)>) {
        if parcels.is_empty() {
            return;
        }
        let unlocked = self.rooms.vault.state() == VaultState::Unlocked;
        self.run_batch(move |rooms, windows| {
            let fresh_or_known = sort_out(rooms, windows, parcels, unlocked);
            write(rooms, windows, fresh_or_known)
        })
        .await;
    }

    /// Opens what was kept while locked, oldest first.
    async fn open_kept(&mut self) {
        let kept: Vec<RouteId> = self
            .rooms
            .contacts
            .routes(crate::engine::contacts::RouteKind::Contact);
        for route in kept {
            loop {
                let done = self
                    .run_batch(move |rooms, _| open_spool(rooms, route))
                    .await;
                if done {
                    break;
                }
            }
            self.ack(route);
        }
    }

    /// Runs `work` on a blocking thread and tells its outcome once durable. True: nothing was done.
    async fn run_batch(
        &mut self,
        work: impl FnOnce(&Neighbours, &mut Windows) -> Result<Outcome, StoreError> + Send + 'static,
    ) -> bool {
        let (rooms, mut windows) = (self.rooms.clone(), std::mem::take(&mut self.windows));
        let done = tokio::task::spawn_blocking(move || {
            let outcome = work(&rooms, &mut windows);
            (outcome, windows)
        })
        .await;
        let Ok((outcome, windows)) = done else {
            tracing::error!("taking in a batch panicked; what was not acknowledged comes again");
            return true;
        };
        self.windows = windows;
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                self.on_failed(&error);
                return true;
            }
        };
        let nothing = outcome.ticket.is_none();
        if let Some(ticket) = outcome.ticket {
            let durable = match ticket {
                Ok(ticket) => ticket.durable().await,
                Err(error) => Err(error),
            };
            if let Err(error) = durable {
                self.on_failed(&error);
                return true;
            }
            self.rooms.bus.announce();
        }
        self.speak(
            outcome.custody,
            outcome.receipts,
            outcome.strangers,
            outcome.after,
        )
        .await;
        nothing
    }

    /// Nothing of the batch is on disk, so nothing is acknowledged and the windows, which are
    /// ahead of the disk, are read again.
    fn on_failed(&mut self, error: &StoreError) {
        tracing::error!(error = %chain(error), "cannot keep what came; it will come again");
        self.windows.clear();
    }

    async fn speak(
        &mut self,
        custody: HashMap<RouteId, Vec<[u8; 16]>>,
        receipts: HashSet<RouteId>,
        strangers: HashSet<RouteId>,
        after: After,
    ) {
        for (route, tags) in custody {
            // Without a link, or with a full one, they ask again. Waiting for room here could make
            // two busy peers wait for each other.
            let _ = self.rooms.net.try_send(route, Frame::Custody(tags));
        }
        for route in receipts {
            self.ack(route);
        }
        let now = self.clock.steady_ms();
        for route in strangers {
            let last = self.repeated.get(&route).copied();
            if last.is_none_or(|at| now >= at + REPEAT_MS) {
                self.repeated.insert(route, now);
                self.ack(route);
            }
        }
        for (route, addresses) in after.addresses {
            match self.rooms.contacts.set_addresses(route, &addresses).await {
                Ok(()) => {}
                Err(error) => tracing::warn!(error = %chain(&error), "cannot keep new addresses"),
            }
        }
        for (contact, places) in after.refused {
            self.rooms.messages.refused(contact, places).await;
        }
    }

    fn ack(&mut self, route: RouteId) -> u64 {
        self.acks
            .entry(route)
            .or_default()
            .on_stored(self.clock.steady_ms())
    }

    async fn send_receipts(&mut self) {
        let now = self.clock.steady_ms();
        for (route, policy) in &mut self.acks {
            if policy.take(now) {
                self.rooms.messages.send_receipt(ContactId(route.0)).await;
            }
        }
    }

    async fn advance(&mut self, route: RouteId, epoch: u32, next: u64) {
        self.run_batch(move |rooms, windows| {
            let mut outcome = Outcome::default();
            let Some(window) = window(rooms, windows, route)? else {
                return Ok(outcome);
            };
            if window.advance(epoch, next) {
                let mut txn = rooms.bus.store().begin();
                if let Some(mut row) = routes::get(&txn, &route)? {
                    put_recv_tags(&mut row, &window.tags);
                    routes::put(&mut txn, &row)?;
                    outcome.ticket = Some(rooms.bus.store().queue(txn));
                }
            }
            Ok(outcome)
        })
        .await;
    }
}

fn window<'a>(
    rooms: &Neighbours,
    windows: &'a mut Windows,
    route: RouteId,
) -> Result<Option<&'a mut Window>, StoreError> {
    use std::collections::hash_map::Entry;
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
struct Sorted {
    fresh: Vec<Fresh>,
    outcome: Outcome,
}

/// Finds each parcel's place and opens it, before any transaction begins.
fn sort_out(
    rooms: &Neighbours,
    windows: &mut Windows,
    parcels: Vec<(RouteId, Vec<u8>)>,
    unlocked: bool,
) -> Result<Sorted, StoreError> {
    let mut sorted = Sorted::default();
    let mut readers: HashMap<RouteId, Reader> = HashMap::new();
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
                std::collections::hash_map::Entry::Occupied(entry) => Ok(&*entry.into_mut()),
                std::collections::hash_map::Entry::Vacant(entry) => {
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
            let key = window.tags.key(slot.epoch);
            if key.is_none_or(|key| crate::crypto::open_parcel(&key, 0, slot.j, &parcel).is_err()) {
                continue;
            }
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
fn write(
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
                if spool::len(&txn, &route)? >= MAX_KEPT {
                    return Err(StoreError::Refused(
                        "too much is kept until the vault is unlocked",
                    ));
                }
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
fn open_spool(rooms: &Neighbours, route: RouteId) -> Result<Outcome, StoreError> {
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
            .and_then(|tag| tags.find(&crate::crypto::Tag(*tag)));
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

async fn sleep_until(clock: &Clock, at: Option<u64>) {
    match at {
        Some(at) => {
            clock
                .sleep(Duration::from_millis(at.saturating_sub(clock.steady_ms())))
                .await
        }
        None => std::future::pending().await,
    }
}
