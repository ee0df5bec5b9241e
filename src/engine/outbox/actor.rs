//! The loop that moves rows onto links and dials when there is none.

use super::{
    Command, MAX_LOG,
    board::{Board, LaneView},
    carrier::Carrier,
    lane::{Lane, Transient},
    pump::{Prepared, prepare},
};
use crate::{
    base::{Clock, Stop, chain},
    crypto::{Random, SystemRandom},
    engine::event_bus::EventBus,
    model::{
        ConversationId, DeliveryState, EventKind, FailureReason, MessageId, PathKind, RouteId,
        Timestamp,
    },
    store::{StoreError, outbox, records::AttemptRecord},
};
use futures::{StreamExt, stream::FuturesUnordered};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinHandle};

/// E.1: four dials a second over all contacts, and how many may come at once after a quiet time.
const DIAL_COST_MS: i64 = 250;
const DIAL_BURST: i64 = 16;
/// A wall clock that leaves the steady clock behind by more slept in between.
const SLEPT_MS: i64 = 10_000;
/// How often the clocks are compared while something waits for a link.
const LOOK_MS: u64 = 60_000;

/// What may be sent to a route, found out where waiting for the disk stops nobody.
type Asked = (RouteId, Result<Prepared, StoreError>);

pub(super) struct Actor<C> {
    pub(super) bus: EventBus,
    pub(super) carrier: C,
    pub(super) clock: Clock,
    pub(super) board: Arc<Board>,
    inbox: mpsc::Receiver<Command>,
    asked: FuturesUnordered<JoinHandle<Asked>>,
    pub(super) lanes: HashMap<RouteId, Lane>,
    dials_paid_ms: i64,
    wall_offset_ms: i64,
}

impl<C: Carrier> Actor<C> {
    pub(super) fn new(
        bus: EventBus,
        carrier: C,
        clock: Clock,
        board: Arc<Board>,
        inbox: mpsc::Receiver<Command>,
    ) -> Self {
        let wall_offset_ms = offset(&clock);
        Self {
            bus,
            carrier,
            clock,
            board,
            inbox,
            asked: FuturesUnordered::new(),
            lanes: HashMap::new(),
            dials_paid_ms: i64::MIN / 2,
            wall_offset_ms,
        }
    }

    pub(super) async fn run(mut self, stop: Stop) {
        loop {
            let next = self.next_wake();
            tokio::select! {
                biased;
                () = stop.draining() => return,
                command = self.inbox.recv() => match command {
                    Some(command) => self.handle(command),
                    None => return,
                },
                Some(answer) = self.asked.next(), if !self.asked.is_empty() => match answer {
                    Ok((route, answer)) => self.handle_answer(route, answer),
                    Err(_) => tracing::error!("reading the outbox panicked"),
                },
                () = sleep_until(&self.clock, next) => {}
            }
            self.after_sleep();
            self.handle_due().await;
        }
    }

    fn handle(&mut self, command: Command) {
        let now = self.clock.steady_ms();
        let route = command.route();
        match command {
            Command::Wake {
                route,
                tail,
                offered,
            } => {
                let lane = self.lane(route);
                lane.sendable.raise(tail, offered);
                lane.freshen(now);
                self.note_waiting(route);
                self.pump(route);
            }
            Command::Transient {
                route,
                after,
                place,
                parcel,
            } => {
                let transient = Transient {
                    after,
                    place,
                    parcel,
                };
                self.lane(route).push_transient(transient);
                self.pump(route);
            }
            Command::LinkUp(route) => {
                self.lane(route).link_up(now);
                self.board.link_changed(route, true);
                self.pump(route);
            }
            Command::LinkDown(route, reason) => self.handle_link_down(route, reason, now),
            Command::Writable(route) => {
                self.lane(route).full = false;
                self.pump(route);
            }
            Command::DialFailed(route, reason) => {
                let lane = self.lane(route);
                let path = lane.tried();
                match reason {
                    FailureReason::NotThem => lane.turned_away(now, random()),
                    _ => lane.failed(now, random()),
                }
                self.note_waiting(route);
                self.log(route, path, reason);
            }
            Command::Custody(route, tags) => {
                let lane = self.lane(route);
                tags.iter().for_each(|tag| lane.on_custody(tag, now));
                self.pump(route);
            }
            Command::Dial(route, path) => self.lane(route).look(path, now),
            Command::Forget(route) => {
                self.board.forget(route);
                // With a link up the route is not gone but new: its keys, and so its places.
                if !self.lane(route).start_over() {
                    self.lanes.remove(&route);
                    return;
                }
                self.board.link_changed(route, true);
            }
        }
        self.show(route);
    }

    /// Finds out what may be sent, where that is not known. What is queued and not on disk must
    /// not be: a crash would take it back, and its place with it, after the peer has used the
    /// place up.
    fn ask_store(&mut self, route: RouteId) {
        let now = self.clock.steady_ms();
        if self.lane(route).ask_store(now) {
            let store = self.bus.store().clone();
            let work = move || (route, prepare(&store, route));
            self.asked.push(tokio::task::spawn_blocking(work));
        }
    }

    fn handle_answer(&mut self, route: RouteId, answer: Result<Prepared, StoreError>) {
        let now = self.clock.steady_ms();
        if let Ok(prepared) = &answer {
            self.board.learn_handed(route, prepared.handed);
        }
        if let Err(error) = &answer {
            tracing::error!(error = %chain(error), "cannot find out what may be sent");
        }
        let Some(lane) = self.lanes.get_mut(&route) else {
            return;
        };
        lane.sendable
            .answer(answer.ok().map(|prepared| prepared.offered), now);
        self.pump(route);
        self.show(route);
    }

    fn handle_link_down(&mut self, route: RouteId, reason: FailureReason, now: u64) {
        self.board.link_changed(route, false);
        let path = self.lane(route).tried();
        let lost = self.lane(route).link_down(now, random());
        self.note_waiting(route);
        if lost {
            self.log(route, path, reason);
        }
    }

    /// Notes whether somebody would be glad of a link.
    fn note_waiting(&mut self, route: RouteId) {
        let head = outbox::head(&self.bus.store().read(), &route);
        let (live, silent) = head.map_or((0, 0), |head| (head.live, head.silent));
        let lane = self.lane(route);
        lane.waiting = live > 0;
        let messages = live > silent && !lane.link;
        self.board.note_waiting(route, messages);
    }

    /// Dials those whose time has come and tells overdue receipts.
    async fn handle_due(&mut self) {
        let now = self.clock.steady_ms();
        let routes: Vec<RouteId> = self.lanes.keys().copied().collect();
        for route in routes {
            self.ask_store(route);
            self.rewind(route, now);
            let lane = self.lane(route);
            let overdue = lane.overdue(now);
            if lane.is_due(now) {
                self.dial(route, now).await;
            }
            if !overdue.is_empty() {
                self.mark_stored(route, overdue);
            }
            self.show(route);
        }
    }

    async fn dial(&mut self, route: RouteId, now: u64) {
        // A token bucket in time: each dial pays a quarter of a second from an account that
        // holds at most four. It starts full, so it may begin before the clock's zero.
        let now_ms = i64::try_from(now).unwrap_or(i64::MAX);
        let paid = self.dials_paid_ms.max(now_ms - DIAL_BURST * DIAL_COST_MS) + DIAL_COST_MS;
        let lane = self.lanes.entry(route).or_default();
        // Whoever was found is there: nothing is wasted.
        if paid > now_ms && lane.path == PathKind::Direct {
            lane.next_try_ms = u64::try_from(paid).ok();
            return;
        }
        lane.dialing = true;
        lane.next_try_ms = None;
        lane.last_try_ms = Some(now);
        self.dials_paid_ms = paid;
        self.carrier.dial(route).await;
    }

    /// Notes that the contact keeps these rows, unopened. Nobody waits for the disk.
    fn mark_stored(&self, route: RouteId, rows: Vec<u64>) {
        let bus = self.bus.clone();
        self.bus.detach(async move {
            let (writer, work) = (bus.clone(), move || write_stored(&bus, route, &rows));
            match tokio::task::spawn_blocking(work).await {
                Ok(Ok(())) => writer.announce(),
                Ok(Err(error)) => {
                    tracing::warn!(error = %chain(&error), "cannot note that a message is kept");
                }
                Err(_) => tracing::error!("noting that a message is kept panicked"),
            }
        });
    }

    /// Remembers a try that failed, if anything waits for it. Nobody waits for the disk.
    fn log(&self, route: RouteId, path: PathKind, reason: FailureReason) {
        let (bus, at) = (self.bus.clone(), self.clock.wall_ms());
        let write = move || -> Result<(), StoreError> {
            let mut txn = bus.store().begin();
            if outbox::head(&txn, &route)?.live == 0 {
                return Ok(());
            }
            let attempt = AttemptRecord {
                at,
                path: path.number(),
                failure: reason.number(),
            };
            outbox::log(&mut txn, &route, attempt, MAX_LOG)?;
            bus.store().queue(txn)?.wait()
        };
        self.bus.detach(async move {
            if let Ok(Err(error)) = tokio::task::spawn_blocking(write).await {
                tracing::warn!(error = %chain(&error), "cannot note a failed try");
            }
        });
    }

    /// After suspend nothing that was learnt about reachability holds.
    fn after_sleep(&mut self) {
        let offset = offset(&self.clock);
        if (offset - self.wall_offset_ms).abs() > SLEPT_MS {
            let now = self.clock.steady_ms();
            self.lanes.values_mut().for_each(|lane| lane.reset(now));
            self.board.note_sleep();
        }
        self.wall_offset_ms = offset;
    }

    fn next_wake(&self) -> Option<u64> {
        let due = self.lanes.values().filter_map(Lane::next_ms).min();
        // Timers stand still while the machine sleeps: without a look now and then nobody would
        // notice afterwards that it did.
        let waiting = self.lanes.values().any(|lane| lane.waiting && !lane.link);
        let look = waiting.then(|| self.clock.steady_ms() + LOOK_MS);
        due.into_iter().chain(look).min()
    }

    fn lane(&mut self, route: RouteId) -> &mut Lane {
        self.lanes.entry(route).or_default()
    }

    fn show(&self, route: RouteId) {
        let Some(lane) = self.lanes.get(&route) else {
            return;
        };
        let now = self.clock.steady_ms();
        let next_try_at = lane.next_try_ms.map(|at| {
            Timestamp(self.clock.wall_ms()).after(Duration::from_millis(at.saturating_sub(now)))
        });
        let view = LaneView {
            link: lane.link,
            sent_below: lane.passage.cursor,
            next_try_at,
        };
        self.board.show(route, view);
    }
}

fn write_stored(bus: &EventBus, route: RouteId, rows: &[u64]) -> Result<(), StoreError> {
    let mut txn = bus.store().begin();
    for number in rows {
        // Those delivered meanwhile are gone.
        let Some(row) = outbox::get(&txn, &route, *number)? else {
            continue;
        };
        if row.state != DeliveryState::Queued.number() {
            continue;
        }
        let state = DeliveryState::Stored;
        outbox::update(&mut txn, &route, *number, |row| row.state = state.number())?;
        if let (Some(conversation), Some(message)) = (
            ConversationId::from_slice(&row.conversation),
            MessageId::from_slice(&row.message),
        ) {
            let kind = EventKind::MessageState {
                conversation,
                message,
                state,
            };
            bus.append(&mut txn, kind)?;
        }
    }
    bus.store().queue(txn)?.wait()
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

fn offset(clock: &Clock) -> i64 {
    clock
        .wall_ms()
        .saturating_sub(i64::try_from(clock.steady_ms()).unwrap_or(i64::MAX))
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    SystemRandom.fill(&mut bytes);
    u64::from_be_bytes(bytes)
}
