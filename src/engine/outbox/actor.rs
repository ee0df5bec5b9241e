//! The loop that moves rows onto links and dials when there is none.

use super::{
    Command, LaneView, MAX_LOG, Views,
    lane::{Lane, Transient},
};
use crate::{
    base::{Clock, Stop},
    crypto::{Random, SystemRandom},
    engine::event_bus::EventBus,
    model::{
        ConversationId, DeliveryState, EventKind, FailureReason, MessageId, RouteId, Timestamp,
    },
    net::{Net, SendError},
    store::{StoreError, outbox, records::AttemptRecord},
    wire::Frame,
};
use std::{collections::HashMap, sync::PoisonError, time::Duration};
use tokio::sync::mpsc;

/// E.1: four dials a second over all contacts, and how many may come at once after a quiet time.
const DIAL_COST_MS: i64 = 250;
const DIAL_BURST: i64 = 16;
/// Rows read at a time.
const SCAN: usize = 32;
/// A wall clock that leaves the steady clock behind by more slept in between.
const SLEPT_MS: i64 = 10_000;

pub(super) struct Actor {
    bus: EventBus,
    net: Net,
    clock: Clock,
    views: Views,
    inbox: mpsc::Receiver<Command>,
    lanes: HashMap<RouteId, Lane>,
    dials_paid_ms: i64,
    wall_offset_ms: i64,
}

impl Actor {
    pub(super) fn new(
        bus: EventBus,
        net: Net,
        clock: Clock,
        views: Views,
        inbox: mpsc::Receiver<Command>,
    ) -> Self {
        let wall_offset_ms = offset(&clock);
        Self {
            bus,
            net,
            clock,
            views,
            inbox,
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
                    Some(command) => self.handle(command).await,
                    None => return,
                },
                () = sleep_until(&self.clock, next) => {}
            }
            self.after_sleep();
            self.handle_due().await;
        }
    }

    async fn handle(&mut self, command: Command) {
        let now = self.clock.steady_ms();
        let route = command.route();
        match command {
            Command::Wake(route) => {
                self.lane(route).freshen(now);
                self.pump(route);
            }
            Command::Transient {
                route,
                after,
                parcel,
            } => {
                self.lane(route).push_transient(Transient { after, parcel });
                self.pump(route);
            }
            Command::LinkUp(route) => {
                let head =
                    outbox::head(&self.bus.store().read(), &route).map_or(0, |head| head.head);
                self.lane(route).link_up(head);
                self.pump(route);
            }
            Command::LinkDown(route, reason) => self.handle_link_down(route, reason, now).await,
            Command::Writable(route) => {
                self.lane(route).full = false;
                self.pump(route);
            }
            Command::DialFailed(route, reason) => {
                self.lane(route).failed(now, random());
                self.log(route, reason).await;
            }
            Command::Custody(route, tags) => {
                let lane = self.lane(route);
                tags.iter().for_each(|tag| lane.on_custody(tag, now));
            }
            Command::Dial(route) => self.lane(route).reset(now),
            Command::Forget(route) => {
                self.lanes.remove(&route);
                self.views
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&route);
                return;
            }
        }
        self.show(route);
    }

    async fn handle_link_down(&mut self, route: RouteId, reason: FailureReason, now: u64) {
        let lane = self.lane(route);
        if lane.link_down() {
            // Something was on its way: look for them at once.
            lane.reset(now);
            self.log(route, reason).await;
        } else {
            lane.failed(now, random());
        }
    }

    /// Dials those whose time has come and tells overdue receipts.
    async fn handle_due(&mut self) {
        let now = self.clock.steady_ms();
        let routes: Vec<RouteId> = self.lanes.keys().copied().collect();
        for route in routes {
            let lane = self.lane(route);
            let overdue = lane.overdue(now);
            if lane.is_due(now) {
                self.dial(route, now).await;
            }
            if !overdue.is_empty()
                && let Err(error) = self.mark_stored(route, &overdue).await
            {
                tracing::warn!(error = %crate::base::chain(&error), "cannot note that a message is kept");
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
        if paid > now_ms {
            lane.next_try_ms = u64::try_from(paid).ok();
            return;
        }
        lane.dialing = true;
        lane.next_try_ms = None;
        lane.last_try_ms = Some(now);
        self.dials_paid_ms = paid;
        self.net.dial(route).await;
    }

    /// Sends rows, and transients in their place among them, until the link is full.
    fn pump(&mut self, route: RouteId) {
        let lane = self.lanes.entry(route).or_default();
        if !lane.link || lane.full {
            return;
        }
        let read = self.bus.store().read();
        let now = self.clock.wall_ms();
        loop {
            let rows = match outbox::scan(&read, &route, lane.cursor, SCAN) {
                Ok(rows) => rows,
                Err(error) => {
                    tracing::error!(error = %crate::base::chain(&error), "cannot read the outbox");
                    return;
                }
            };
            let done = rows.is_empty();
            for (number, row) in rows {
                if !send_transients(&self.net, route, lane, number) {
                    return;
                }
                if row.expires_at > now {
                    if !lane.announced {
                        let window = Frame::Window {
                            epoch: row.tag_epoch,
                            next: row.tag_index,
                        };
                        if !hand_over(&self.net, route, lane, window) {
                            return;
                        }
                        lane.announced = true;
                    }
                    let tag = row.parcel.first_chunk::<16>().copied();
                    if !hand_over(&self.net, route, lane, Frame::Parcel(row.parcel)) {
                        return;
                    }
                    lane.sent.extend(tag.map(|tag| (tag, number)));
                }
                lane.cursor = number + 1;
            }
            if done {
                send_transients(&self.net, route, lane, u64::MAX);
                return;
            }
        }
    }

    async fn mark_stored(&self, route: RouteId, rows: &[u64]) -> Result<(), StoreError> {
        let mut txn = self.bus.store().begin();
        let mut changed = false;
        for number in rows {
            // Those delivered meanwhile are gone.
            let Some(row) = outbox::get(&txn, &route, *number)? else {
                continue;
            };
            if row.state != DeliveryState::Queued.number() {
                continue;
            }
            outbox::update(&mut txn, &route, *number, |row| {
                row.state = DeliveryState::Stored.number()
            })?;
            if let (Some(conversation), Some(message)) = (
                ConversationId::from_slice(&row.conversation),
                MessageId::from_slice(&row.message),
            ) {
                let state = DeliveryState::Stored;
                self.bus.append(
                    &mut txn,
                    EventKind::MessageState {
                        conversation,
                        message,
                        state,
                    },
                )?;
            }
            changed = true;
        }
        if changed {
            self.bus.commit(txn).await
        } else {
            Ok(())
        }
    }

    /// Remembers a try that failed, if anything waits for it.
    async fn log(&self, route: RouteId, reason: FailureReason) {
        let write = async {
            let mut txn = self.bus.store().begin();
            if outbox::head(&txn, &route)?.live == 0 {
                return Ok(());
            }
            let attempt = AttemptRecord {
                at: self.clock.wall_ms(),
                path: 1,
                failure: reason.number(),
            };
            outbox::log(&mut txn, &route, attempt, MAX_LOG)?;
            self.bus.store().commit(txn).await
        };
        if let Err::<(), StoreError>(error) = write.await {
            tracing::warn!(error = %crate::base::chain(&error), "cannot note a failed try");
        }
    }

    /// After suspend nothing that was learnt about reachability holds.
    fn after_sleep(&mut self) {
        let offset = offset(&self.clock);
        if (offset - self.wall_offset_ms).abs() > SLEPT_MS {
            let now = self.clock.steady_ms();
            self.lanes.values_mut().for_each(|lane| lane.reset(now));
        }
        self.wall_offset_ms = offset;
    }

    fn next_wake(&self) -> Option<u64> {
        self.lanes.values().filter_map(Lane::next_ms).min()
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
            sent_below: lane.cursor,
            next_try_at,
        };
        self.views
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(route, view);
    }
}

/// Sends the transients whose place is before row `number`. `false`: the link is full or gone.
fn send_transients(net: &Net, route: RouteId, lane: &mut Lane, number: u64) -> bool {
    while lane
        .transient
        .front()
        .is_some_and(|first| first.after <= number)
    {
        let Some(transient) = lane.transient.pop_front() else {
            break;
        };
        if !hand_over(net, route, lane, Frame::Parcel(transient.parcel)) {
            return false;
        }
    }
    true
}

fn hand_over(net: &Net, route: RouteId, lane: &mut Lane, frame: Frame) -> bool {
    match net.try_send(route, frame) {
        Ok(()) => true,
        Err(SendError::Full) => {
            lane.full = true;
            false
        }
        // The link's end is about to be told.
        Err(_) => false,
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
