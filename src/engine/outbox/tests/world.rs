//! An outbox alone: its store can be held up, its network writes down what it is given.

use super::super::{Command, Outbox, carrier::Carrier};
use crate::{
    base::{Clock, Tasks, TestClock},
    crypto::Secret,
    engine::event_bus::EventBus,
    model::{DeliveryState, FailureReason, PathKind, RouteId},
    net::SendError,
    protocol::{EpochReceipt, Receipt},
    store::{
        Fault, Store, StoreOptions, Ticket, Tier, Txn, outbox,
        records::{DepositMark, OutboxHead, OutboxRow},
        routes,
    },
    wire::Frame,
};
use std::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::mpsc, time::timeout};

pub(super) const ROUTE: RouteId = RouteId([4; 16]);
/// Only asked for to learn that everything before was dealt with.
const ELSEWHERE: RouteId = RouteId([9; 16]);
/// Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(20);
/// A month that no row outlives.
pub(super) const TTL_MS: i64 = 30 * 86_400_000;

/// Holds the store's writer up.
#[derive(Clone, Default)]
pub(super) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(super) fn close(&self) {
        *self.0.0.lock().unwrap() = true;
    }

    pub(super) fn open(&self) {
        *self.0.0.lock().unwrap() = false;
        self.0.1.notify_all();
    }

    fn pass(&self) -> Fault {
        let closed = self.0.0.lock().unwrap();
        let open = self
            .0
            .1
            .wait_timeout_while(closed, PATIENCE, |closed| *closed);
        drop(open.unwrap());
        Fault::None
    }
}

/// The network: takes as many frames as there is room for.
struct Post {
    frames: mpsc::Sender<Frame>,
    dials: mpsc::Sender<RouteId>,
    room: Arc<AtomicUsize>,
}

impl Carrier for Post {
    fn try_send(&self, _: RouteId, frame: Frame) -> Result<(), SendError> {
        let take = |room: usize| room.checked_sub(1);
        self.room
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
            .map_err(|_| SendError::Full)?;
        self.frames.try_send(frame).map_err(|_| SendError::NoLink)
    }

    async fn dial(&self, route: RouteId) {
        let _ = self.dials.send(route).await;
    }
}

/// A network without anybody.
struct Nobody;

impl Carrier for Nobody {
    fn try_send(&self, _: RouteId, _: Frame) -> Result<(), SendError> {
        Err(SendError::NoLink)
    }

    async fn dial(&self, _: RouteId) {}
}

impl Outbox {
    /// An outbox for tests of other rooms: it reaches nobody.
    pub(crate) fn alone(bus: EventBus, clock: Clock, tasks: &Tasks) -> Self {
        Self::spawn_over(bus, Nobody, clock, tasks)
    }
}

pub(super) struct World {
    pub(super) outbox: Outbox,
    pub(super) store: Store,
    pub(super) gate: Gate,
    pub(super) hand: TestClock,
    room: Arc<AtomicUsize>,
    dials: mpsc::Receiver<RouteId>,
    frames: mpsc::Receiver<Frame>,
    dir: tempfile::TempDir,
    _tasks: Tasks,
}

impl World {
    pub(super) fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap())
    }

    fn at(dir: tempfile::TempDir) -> Self {
        let gate = Gate::default();
        let plan = gate.clone();
        let options = StoreOptions {
            faults: Some(Arc::new(move |_| plan.pass())),
            ..StoreOptions::default()
        };
        let store = Store::open_with(dir.path(), options).unwrap();
        store.attach(Tier::Transport, &Secret::new([2; 32]));
        store.attach(Tier::Vault, &Secret::new([1; 32]));
        let (hand, tasks) = (TestClock::at(1_000_000), Tasks::new());
        let bus = EventBus::new(store.clone(), hand.clock(), tasks.clone());
        let (frame_end, frames) = mpsc::channel(1024);
        let (dial_end, dials) = mpsc::channel(64);
        let room = Arc::new(AtomicUsize::new(usize::MAX));
        let post = Post {
            frames: frame_end,
            dials: dial_end,
            room: Arc::clone(&room),
        };
        let outbox = Outbox::spawn_over(bus, post, hand.clock(), &tasks);
        Self {
            outbox,
            store,
            gate,
            hand,
            room,
            dials,
            frames,
            dir,
            _tasks: tasks,
        }
    }

    /// Queues rows that follow those before; they are not on disk on return.
    pub(super) fn queue(&self, count: u64) -> (Ticket, u64) {
        let mut txn = self.store.begin();
        let tail = outbox::head(&txn, &ROUTE).unwrap().tail;
        let tail = push(&mut txn, tail, count);
        (self.store.queue(txn).unwrap(), tail)
    }

    /// Waits for the disk and returns the durable tail.
    pub(super) async fn durable(&self, (ticket, tail): (Ticket, u64)) -> u64 {
        ticket.durable().await.unwrap();
        tail
    }

    /// Adds rows as the composer does.
    pub(super) async fn add(&self, count: u64) {
        self.add_at(self.head().tail, count).await;
    }

    /// The same with places from `place` on.
    pub(super) async fn add_at(&self, place: u64, count: u64) {
        let mut txn = self.store.begin();
        push(&mut txn, place, count);
        if self.outbox.is_linked(ROUTE) {
            outbox::offer(&mut txn, &ROUTE).unwrap();
        }
        let OutboxHead { tail, offered, .. } = outbox::head(&txn, &ROUTE).unwrap();
        self.store.commit(txn).await.unwrap();
        let wake = Command::Wake {
            route: ROUTE,
            tail,
            offered,
        };
        self.outbox.tell(wake).await;
    }

    /// A batch with this tail is on disk.
    pub(super) async fn wake(&self, tail: u64) {
        let wake = Command::Wake {
            route: ROUTE,
            tail,
            offered: 0,
        };
        self.outbox.tell(wake).await;
    }

    /// A receipt for every place below comes in; returns what needs another parcel.
    pub(super) async fn settle(&self, below: u64) -> Vec<(u32, u64)> {
        let receipt = Receipt {
            epochs: vec![EpochReceipt {
                below,
                ..EpochReceipt::default()
            }],
            ..Receipt::default()
        };
        self.settle_by(&receipt).await
    }

    /// The same for a receipt that refuses `places` and covers none.
    pub(super) async fn refuse(&self, places: &[(u32, u64)]) -> Vec<(u32, u64)> {
        let receipt = Receipt {
            cannot_open: places.to_vec(),
            ..Receipt::default()
        };
        self.settle_by(&receipt).await
    }

    async fn settle_by(&self, receipt: &Receipt) -> Vec<(u32, u64)> {
        let mut txn = self.store.begin();
        let again = self.outbox.settle(&mut txn, ROUTE, receipt).unwrap();
        self.store.commit(txn).await.unwrap();
        again
    }

    /// Whether this row can still be taken back.
    pub(super) fn withhold(&self, number: u64) -> bool {
        let read = self.store.read();
        self.outbox.withhold(&read, ROUTE, number).unwrap()
    }

    /// Ends the old rows as a second handshake does.
    pub(super) async fn hand_shaken(&self) {
        let mut txn = self.store.begin();
        routes::remove(&mut txn, &ROUTE).unwrap();
        self.store.commit(txn).await.unwrap();
    }

    /// The row was left at a mailbox long ago.
    pub(super) async fn left_at_mailbox(&self, number: u64) {
        let mut txn = self.store.begin();
        let mark = DepositMark {
            path: 1,
            at: 1,
            times: 1,
        };
        outbox::update(&mut txn, &ROUTE, number, |row| row.deposits.push(mark)).unwrap();
        self.store.commit(txn).await.unwrap();
    }

    pub(super) fn marks(&self, number: u64) -> Vec<DepositMark> {
        let row = outbox::get(&self.store.read(), &ROUTE, number);
        row.unwrap().unwrap().deposits
    }

    /// Removes rows as a receipt or the user does.
    pub(super) async fn remove(&self, rows: impl IntoIterator<Item = u64>) {
        let mut txn = self.store.begin();
        for row in rows {
            assert!(outbox::remove(&mut txn, &ROUTE, row).unwrap());
        }
        self.store.commit(txn).await.unwrap();
    }

    pub(super) async fn link_up(&self) {
        self.outbox.tell(Command::LinkUp(ROUTE)).await;
    }

    pub(super) async fn link_down(&self) {
        let lost = Command::LinkDown(ROUTE, FailureReason::LinkLost);
        self.outbox.tell(lost).await;
    }

    /// Waits until the route is dialled.
    pub(super) async fn dialled(&mut self) {
        let route = async { while self.dials.recv().await != Some(ROUTE) {} };
        timeout(PATIENCE, route).await.expect("no dial");
    }

    pub(super) async fn dial_failed(&self) {
        let failed = Command::DialFailed(ROUTE, FailureReason::Unreachable);
        self.outbox.tell(failed).await;
    }

    /// How long it is until the next try.
    pub(super) fn wait_ms(&self) -> i64 {
        let next = self.outbox.board.view(ROUTE).next_try_at;
        next.map_or(0, |at| at.0 - self.hand.clock().wall_ms())
    }

    /// The peer keeps these.
    pub(super) async fn custody(&self, places: impl IntoIterator<Item = u64>) {
        let tags = places.into_iter().map(tag).collect();
        self.outbox.tell(Command::Custody(ROUTE, tags)).await;
    }

    /// A receipt was sealed at `place`, after the rows below `after`.
    pub(super) async fn receipt(&self, after: u64, place: u64) {
        let sealed = Command::Transient {
            route: ROUTE,
            after,
            place: (0, place),
            parcel: bytes(place),
        };
        self.outbox.tell(sealed).await;
    }

    /// Lets the link take that many frames more.
    pub(super) fn leave_room(&self, frames: usize) {
        self.room.store(frames, Ordering::SeqCst);
    }

    /// The next frames that the network is given.
    pub(super) async fn sent(&mut self, count: usize) -> Vec<Frame> {
        let mut frames = Vec::new();
        for _ in 0..count {
            let frame = timeout(PATIENCE, self.frames.recv()).await;
            frames.push(frame.expect("nothing is sent").expect("an outbox"));
        }
        frames
    }

    /// Everything told so far has been dealt with.
    pub(super) async fn settled(&mut self) {
        self.outbox
            .tell(Command::Dial(ELSEWHERE, PathKind::Direct))
            .await;
        loop {
            let dialled = timeout(PATIENCE, self.dials.recv()).await;
            if dialled.expect("no dial").expect("an outbox") == ELSEWHERE {
                break;
            }
        }
        let failed = Command::DialFailed(ELSEWHERE, FailureReason::NoAddress);
        self.outbox.tell(failed).await;
    }

    pub(super) async fn nothing_sent(&mut self) {
        self.settled().await;
        assert_eq!(self.frames.try_recv().ok(), None);
    }

    pub(super) fn head(&self) -> OutboxHead {
        outbox::head(&self.store.read(), &ROUTE).unwrap()
    }

    /// The same home after a crash.
    pub(super) async fn restart(self) -> Self {
        let Self { dir, store, .. } = self;
        store.close().await.unwrap();
        Self::at(dir)
    }
}

/// Adds rows; returns the tail.
fn push(txn: &mut Txn, place: u64, count: u64) -> u64 {
    for place in place..place + count {
        outbox::push(txn, &ROUTE, &row(place)).unwrap();
    }
    outbox::head(txn, &ROUTE).unwrap().tail
}

fn row(number: u64) -> OutboxRow {
    OutboxRow {
        parcel: bytes(number),
        tag_index: number,
        state: DeliveryState::Queued.number(),
        expires_at: 1_000_000 + TTL_MS,
        ..OutboxRow::default()
    }
}

fn tag(place: u64) -> [u8; 16] {
    let mut tag = [7; 16];
    tag[..8].copy_from_slice(&place.to_be_bytes());
    tag
}

pub(super) fn bytes(place: u64) -> Vec<u8> {
    let mut parcel = vec![0; 4096];
    parcel[..16].copy_from_slice(&tag(place));
    parcel
}

pub(super) fn parcel(place: u64) -> Frame {
    Frame::Parcel(bytes(place))
}

pub(super) fn window(next: u64) -> Frame {
    Frame::Window { epoch: 0, next }
}
