//! The loop: a batch of parcels in, one flush, then custody and receipts out.

use super::{
    Command, Neighbours,
    batch::{BATCH, Outcome, Windows, take_in, window},
    collected::take_collected,
    cuts::Cuts,
    holdback::Holdback,
    kept::open_kept,
    show::{find_holding, release},
    spools::Spools,
};
use crate::{
    base::{Clock, Stop, chain},
    engine::{
        contacts::{RouteKind, put_recv_tags},
        mailbox::user::{Collected, Fate},
    },
    model::{RouteId, VaultState},
    protocol::AckPolicy,
    store::{StoreError, records::TagPlace, routes, spool},
};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};
use tokio::sync::mpsc;

/// Unknown tags make us repeat what we have, but not more often.
const REPEAT_MS: u64 = 10_000;

pub(super) struct Actor {
    pub(super) rooms: Neighbours,
    pub(super) clock: Clock,
    inbox: mpsc::Receiver<Command>,
    /// Lent to the blocking thread for each batch.
    windows: Windows,
    pub(super) acks: HashMap<RouteId, AckPolicy>,
    repeated: HashMap<RouteId, u64>,
    holdback: Holdback,
    spools: Spools,
    cuts: Cuts,
    pub(super) links: HashSet<RouteId>,
}

/// How running a batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ran {
    /// What it did is on disk.
    Done,
    /// There was nothing to do, or nothing that could be done.
    Nothing,
    /// Nothing of it is on disk.
    Failed,
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
            holdback: Holdback::default(),
            spools: Spools::default(),
            cuts: Cuts::default(),
            links: HashSet::new(),
        }
    }

    pub(super) async fn run(mut self, stop: Stop) {
        let mut commands = Vec::with_capacity(BATCH);
        loop {
            let due = self.next_due();
            tokio::select! {
                biased;
                () = stop.draining() => return,
                taken = self.inbox.recv_many(&mut commands, BATCH) => if taken == 0 { return },
                () = sleep_until(&self.clock, due) => {}
            }
            if !commands.is_empty() {
                self.handle(std::mem::take(&mut commands)).await;
            }
            self.open_some().await;
            self.show_waiting().await;
            self.send_receipts().await;
            self.end_links();
        }
    }

    fn next_due(&self) -> Option<u64> {
        let acks = self.acks.values().filter_map(AckPolicy::due);
        acks.chain(self.holdback.due())
            .chain(self.spools.due())
            .chain(self.cuts.due())
            .min()
    }

    async fn handle(&mut self, commands: Vec<Command>) {
        let mut parcels = Vec::with_capacity(commands.len());
        for command in commands {
            match command {
                Command::Parcel { route, parcel } => parcels.push((route, parcel)),
                Command::Collected(collected) => {
                    self.take_in(std::mem::take(&mut parcels)).await;
                    self.take_collected(collected).await;
                }
                Command::Window { route, epoch, next } => {
                    // The word refers to what was sent before it.
                    self.take_in(std::mem::take(&mut parcels)).await;
                    self.advance(route, epoch, next).await;
                }
                Command::LinkUp(route) | Command::LinkDown(route) => {
                    // Those came over the link before.
                    self.take_in(std::mem::take(&mut parcels)).await;
                    self.holdback.on_link(route);
                    self.cuts.on_link(route);
                    if matches!(command, Command::LinkUp(_)) {
                        self.links.insert(route);
                        self.ack(route);
                    } else {
                        self.links.remove(&route);
                    }
                }
                Command::Unlocked => {
                    self.run_batch(Vec::new(), find_holding).await;
                    for route in self.rooms.contacts.routes(RouteKind::Contact) {
                        self.spools.add(route);
                    }
                }
                Command::Forget(route, done) => {
                    self.take_in(std::mem::take(&mut parcels)).await;
                    self.holdback.set(route, None, 0);
                    self.spools.remove(route);
                    self.cuts.forget(route);
                    self.windows.remove(&route);
                    self.acks.remove(&route);
                    self.repeated.remove(&route);
                    // Whoever asked may have gone meanwhile.
                    let _ = done.send(());
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
        let routes = parcels.iter().map(|(route, _)| *route).collect();
        self.run_batch(routes, move |rooms, windows| {
            take_in(rooms, windows, &parcels, unlocked)
        })
        .await;
    }

    async fn take_collected(&mut self, collected: Collected) {
        let (mailbox, hash) = (collected.mailbox, collected.hash);
        let unlocked = self.rooms.vault.state() == VaultState::Unlocked;
        let ran = self
            .run_batch(Vec::new(), move |rooms, windows| {
                take_collected(rooms, windows, &collected, unlocked)
            })
            .await;
        if ran == Ran::Failed {
            let mailboxes = &self.rooms.mailboxes;
            mailboxes.on_taken(mailbox, hash, Fate::Later).await;
        }
    }

    /// Shows what has waited long enough for earlier texts.
    async fn show_waiting(&mut self) {
        let now = self.clock.steady_ms();
        let routes = self.holdback.take(now);
        if routes.is_empty() {
            return;
        }
        if self.rooms.vault.state() != VaultState::Unlocked {
            // Unlocking looks for all of them again.
            return self.holdback.clear();
        }
        for route in routes {
            tracing::info!("a contact's texts are shown without earlier ones that did not come");
            let ran = self
                .run_batch(Vec::new(), move |rooms, _| release(rooms, route))
                .await;
            if ran == Ran::Failed {
                self.holdback.set(route, Some((0, 0)), now);
            }
        }
    }

    /// Opens a few parcels that were kept, the oldest first. One contact's at a time, so that
    /// others need not wait for all of them.
    async fn open_some(&mut self) {
        let now = self.clock.steady_ms();
        let Some(route) = self.spools.next(now) else {
            return;
        };
        if self.rooms.vault.state() != VaultState::Unlocked {
            // Unlocking looks for all of them again.
            return self.spools.clear();
        }
        let ran = self
            .run_batch(Vec::new(), move |rooms, _| open_kept(rooms, route))
            .await;
        let left = spool::size(&self.rooms.bus.store().read(), &route);
        if left.is_ok_and(|left| left.parcels == 0) {
            self.spools.remove(route);
            self.ack(route);
        } else if ran != Ran::Done {
            self.spools.postpone(route, now);
        }
    }

    /// Runs `work` on a blocking thread and tells its outcome once durable. If it fails, what
    /// came from `routes` must come again.
    async fn run_batch(
        &mut self,
        routes: Vec<RouteId>,
        work: impl FnOnce(&Neighbours, &mut Windows) -> Result<Outcome, StoreError> + Send + 'static,
    ) -> Ran {
        let (rooms, mut windows) = (self.rooms.clone(), std::mem::take(&mut self.windows));
        let done = tokio::task::spawn_blocking(move || {
            let outcome = work(&rooms, &mut windows);
            (outcome, windows)
        })
        .await;
        let Ok((outcome, windows)) = done else {
            tracing::error!("taking in a batch panicked; what was not acknowledged comes again");
            routes.into_iter().for_each(|route| self.cuts.want(route));
            return Ran::Failed;
        };
        self.windows = windows;
        let (mut outcome, ticket) = match outcome {
            Ok(mut outcome) => {
                let ticket = outcome.ticket.take();
                (outcome, ticket)
            }
            Err(error) => return self.on_failed(&error, routes),
        };
        let ran = if ticket.is_some() {
            Ran::Done
        } else {
            Ran::Nothing
        };
        if let Some(ticket) = ticket {
            if let Err(error) = ticket.durable().await {
                return self.on_failed(&error, routes);
            }
            self.rooms.bus.announce();
        }
        self.note_waiting(&outcome);
        self.note_trouble(&mut outcome);
        for (mailbox, hash, fate) in outcome.collected {
            self.rooms.mailboxes.on_taken(mailbox, hash, fate).await;
        }
        self.speak(outcome.custody, outcome.receipts, outcome.after)
            .await;
        ran
    }

    /// Nothing of the batch is on disk, so nothing is acknowledged and the windows, which are
    /// ahead of the disk, are read again.
    fn on_failed(&mut self, error: &StoreError, routes: Vec<RouteId>) -> Ran {
        tracing::error!(error = %chain(error), "cannot keep what came; it will come again");
        self.windows.clear();
        routes.into_iter().for_each(|route| self.cuts.want(route));
        Ran::Failed
    }

    fn note_trouble(&mut self, outcome: &mut Outcome) {
        let now = self.clock.steady_ms();
        for (route, count) in &outcome.strangers {
            let known = outcome.heard.contains_key(route);
            self.cuts.on_strangers(*route, *count, known);
            // Perhaps they do not know what we have.
            let last = self.repeated.get(route).copied();
            if last.is_none_or(|at| now >= at + REPEAT_MS) {
                self.repeated.insert(*route, now);
                outcome.receipts.insert(*route);
            }
        }
        for route in outcome
            .heard
            .keys()
            .filter(|route| !outcome.strangers.contains_key(route))
        {
            self.cuts.on_strangers(*route, 0, true);
        }
        outcome
            .dropped
            .iter()
            .for_each(|route| self.cuts.want(*route));
        outcome
            .kept
            .iter()
            .for_each(|route| self.spools.add(*route));
    }

    /// Ends the links over which something has to come again.
    fn end_links(&mut self) {
        let due = self.cuts.take(self.clock.steady_ms()).into_iter();
        for route in due.filter(|route| self.links.contains(route)) {
            tracing::warn!("a link is ended: what it brought was not taken in");
            let net = self.rooms.net.clone();
            // The network may just now be waiting for us.
            self.rooms
                .bus
                .detach(async move { net.disconnect(route).await });
        }
    }

    fn note_waiting(&mut self, outcome: &Outcome) {
        let now = self.clock.steady_ms();
        for (route, holding) in &outcome.after.holding {
            let heard = outcome.heard.get(route).copied();
            let latest = self.windows.get(route).map(|window| window.tags.latest());
            let place = heard.or(latest).unwrap_or_default();
            self.holdback.set(*route, holding.then_some(place), now);
        }
        for (route, place) in &outcome.heard {
            self.holdback.on_parcel(*route, *place, now);
        }
    }

    async fn advance(&mut self, route: RouteId, epoch: u32, next: u64) {
        self.run_batch(Vec::new(), move |rooms, windows| {
            let mut outcome = Outcome::default();
            let Some(window) = window(rooms, windows, route)? else {
                return Ok(outcome);
            };
            let moved = window.advance(epoch, next);
            let settled = |place: &TagPlace| (place.epoch, place.index) < (epoch, next);
            let row = routes::get(&rooms.bus.store().read(), &route)?;
            if moved || row.is_some_and(|row| row.refused.iter().any(settled)) {
                let mut txn = rooms.bus.store().begin();
                if let Some(mut row) = routes::get(&txn, &route)? {
                    put_recv_tags(&mut row, &window.tags);
                    // Their author has heard of them: there is room for others.
                    row.refused.retain(|place| !settled(place));
                    routes::put(&mut txn, &row)?;
                    outcome.ticket = Some(rooms.bus.store().queue(txn)?);
                }
            }
            Ok(outcome)
        })
        .await;
    }
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
