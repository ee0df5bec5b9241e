//! The loop: a batch of parcels in, one flush, then custody and receipts out.

use super::{
    Command, Neighbours,
    apply::After,
    batch::{BATCH, Outcome, Windows, take_in, window},
    holdback::Holdback,
    kept::open_kept,
    show::{find_holding, release},
};
use crate::{
    base::{Clock, Stop, chain},
    engine::contacts::{RouteKind, put_recv_tags},
    model::{ContactId, RouteId, VaultState},
    protocol::AckPolicy,
    store::{StoreError, records::TagPlace, routes},
    wire::Frame,
};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};
use tokio::sync::mpsc;

/// Unknown tags make us repeat what we have, but not more often.
const REPEAT_MS: u64 = 10_000;

pub(super) struct Actor {
    rooms: Neighbours,
    clock: Clock,
    inbox: mpsc::Receiver<Command>,
    /// Lent to the blocking thread for each batch.
    windows: Windows,
    acks: HashMap<RouteId, AckPolicy>,
    repeated: HashMap<RouteId, u64>,
    holdback: Holdback,
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
            self.show_waiting().await;
            self.send_receipts().await;
        }
    }

    fn next_due(&self) -> Option<u64> {
        let acks = self.acks.values().filter_map(AckPolicy::due);
        acks.chain(self.holdback.due()).min()
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
                Command::LinkUp(route) | Command::LinkDown(route) => {
                    // Those came over the link before.
                    self.take_in(std::mem::take(&mut parcels)).await;
                    self.holdback.on_link(route);
                    if matches!(command, Command::LinkUp(_)) {
                        self.ack(route);
                    }
                }
                Command::Unlocked => {
                    self.run_batch(find_holding).await;
                    self.open_kept().await;
                }
                Command::Forget(route) => {
                    self.holdback.set(route, None, 0);
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
        self.run_batch(move |rooms, windows| take_in(rooms, windows, &parcels, unlocked))
            .await;
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
            self.run_batch(move |rooms, _| release(rooms, route)).await;
        }
    }

    /// Opens what was kept while locked, oldest first.
    async fn open_kept(&mut self) {
        let kept: Vec<RouteId> = self.rooms.contacts.routes(RouteKind::Contact);
        for route in kept {
            loop {
                let done = self
                    .run_batch(move |rooms, _| open_kept(rooms, route))
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
        let mut outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                self.on_failed(&error);
                return true;
            }
        };
        let nothing = outcome.ticket.is_none();
        if let Some(ticket) = outcome.ticket.take() {
            if let Err(error) = ticket.durable().await {
                self.on_failed(&error);
                return true;
            }
            self.rooms.bus.announce();
        }
        self.note_waiting(&outcome);
        self.speak(
            outcome.custody,
            outcome.receipts,
            outcome.strangers,
            outcome.after,
        )
        .await;
        nothing
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
        for route in after.moved {
            if let Err(error) = self.rooms.contacts.refresh_route(route) {
                tracing::warn!(error = %chain(&error), "new addresses are not used yet");
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
