//! The loop that owns the mailboxes: frames come in, and answers go out once they are true.

mod calls;

use super::{
    Command, Shared,
    desk::{Answer, Desk, Say},
    room::{Room, Side, routes},
    service_time::ServiceTime,
};
use crate::{
    base::{Stop, chain},
    engine::event_bus::EventBus,
    model::{MailboxId, PathKind, RouteId},
    net::{LinkKey, Net},
    store::{Store, StoreError, Tier, Txn, mailbox, records::MailboxRecord},
    wire::{Frame, MailboxFrame},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// Frames that are made durable together, and bytes of them.
const BATCH: usize = 32;
const BATCH_BYTES: usize = 2 << 20;
/// How often what is over is cleared away and the service time noted.
const HOUSEKEEPING_MS: u64 = 3_600_000;
/// After a failure to read the mailboxes they are not read again before this has passed.
const RELOAD_MS: u64 = 5_000;
/// When an owner was here is noted as seldom as this.
const SEEN_MS: i64 = 3_600_000;

/// See the module.
pub(super) struct Actor {
    bus: EventBus,
    net: Net,
    shared: Arc<Shared>,
    commands: mpsc::Receiver<Command>,
    room: Room,
    loaded: bool,
    /// When to read the mailboxes again: they could not be read, so memory may not be what the
    /// disk is, and nobody is served from it.
    reload_ms: Option<u64>,
    next_round: u64,
}

impl Actor {
    pub(super) fn new(
        bus: EventBus,
        net: Net,
        shared: Arc<Shared>,
        commands: mpsc::Receiver<Command>,
        max_bytes: u64,
    ) -> Self {
        let room = Room::new(bus.clock().clone(), max_bytes);
        Self {
            bus,
            net,
            shared,
            commands,
            room,
            loaded: false,
            reload_ms: None,
            next_round: 0,
        }
    }

    pub(super) async fn run(mut self, stop: Stop) {
        loop {
            // Without mailboxes there is nothing to keep in order, and nothing to wake up for.
            let idle = self.room.shelves.is_empty() && self.reload_ms.is_none();
            let clock = self.room.clock.clone();
            let next = self.reload_ms.unwrap_or(self.next_round);
            let left = next.saturating_sub(clock.steady_ms());
            tokio::select! {
                biased;
                () = stop.draining() => break,
                command = self.commands.recv() => match command {
                    Some(command) => self.on_command(command).await,
                    None => break,
                },
                () = clock.sleep(Duration::from_millis(left)), if !idle => self.keep_house().await,
            }
        }
        if self.loaded && !self.room.shelves.is_empty() {
            let mut txn = self.store().begin();
            let noted = self.note_time(&mut txn);
            self.warn(match noted {
                Ok(()) => self.bus.store().commit(txn).await,
                Err(error) => Err(error),
            });
        }
    }

    fn store(&self) -> Store {
        self.bus.store().clone()
    }

    /// Handles `command` and what came close behind it.
    async fn on_command(&mut self, command: Command) {
        let (mut frames, mut bytes) = (Vec::new(), 0);
        let mut next = Some(command);
        while let Some(command) = next {
            match command {
                Command::Frame(route, frame) => {
                    if let MailboxFrame::Put(parcel) = &frame {
                        bytes += parcel.len();
                    }
                    frames.push((route, frame));
                }
                other => {
                    self.serve(std::mem::take(&mut frames)).await;
                    bytes = 0;
                    self.on_other(other).await;
                }
            }
            let room = frames.len() < BATCH && bytes < BATCH_BYTES;
            next = room.then(|| self.commands.try_recv().ok()).flatten();
        }
        self.serve(frames).await;
    }

    async fn on_other(&mut self, command: Command) {
        // A client may ask before the word of the open store has come here.
        if !self.loaded && self.bus.store().is_attached(Tier::Transport) {
            self.open().await;
        }
        match command {
            Command::Frame(..) => {}
            Command::Opened => self.open().await,
            Command::LinkUp(route, mailbox, side) => self.on_link_up(route, mailbox, side).await,
            Command::LinkDown(route) => self.room.farewell(route),
            // Whoever asked may have gone meanwhile.
            Command::Offer(new, once, reply) => drop(reply.send(self.offer(new, once).await)),
            Command::Revoke(id, reply) => drop(reply.send(self.revoke(id).await)),
            Command::List(reply) => drop(reply.send(self.list())),
            Command::Status(reply) => drop(reply.send(self.status())),
        }
    }

    async fn serve(&mut self, frames: Vec<(RouteId, MailboxFrame)>) {
        if frames.is_empty() {
            return;
        }
        if !self.is_true() {
            for (route, _) in frames {
                self.net.disconnect(route).await;
            }
            return;
        }
        let store = self.store();
        let (mut left, mut failure) = (frames.into_iter(), None);
        let mut desk = Desk::new(&mut self.room, &store);
        for (route, frame) in left.by_ref() {
            if let Err(error) = desk.take(route, frame) {
                desk.hang_up(route);
                failure = Some(error);
                break;
            }
        }
        for (route, _) in left {
            desk.hang_up(route);
        }
        let (txn, answers) = desk.finish();
        let done = match (failure, txn) {
            (Some(error), _) => Err(error),
            (None, Some(txn)) => self.commit(txn).await,
            (None, None) => Ok(()),
        };
        let durable = done.is_ok();
        self.settle(done);
        for answer in answers {
            self.tell(answer, durable).await;
        }
    }

    async fn tell(&self, answer: Answer, durable: bool) {
        let say = match (durable, answer.say, answer.else_say) {
            (true, say, _) => say,
            (false, _, Some(frame)) => Say::Frame(frame),
            (false, _, None) => Say::Nothing,
        };
        let frame = match say {
            Say::Frame(frame) => Some(frame),
            Say::Parcel(id, hash) => match mailbox::parcel(&self.bus.store().read(), &id, &hash) {
                Ok(Some(parcel)) => Some(MailboxFrame::Fetched(parcel)),
                Ok(None) => Some(MailboxFrame::Missing(hash)),
                Err(error) => {
                    self.warn(Err(error));
                    None
                }
            },
            Say::Nothing => None,
        };
        // Who asks for more than the link holds without listening is not served.
        let sent = frame.is_some_and(|frame| {
            let frame = Frame::Mailbox(frame);
            self.net.try_send(answer.to, frame).is_ok()
        });
        if !sent {
            self.net.disconnect(answer.to).await;
        }
    }

    async fn commit(&self, txn: Txn) -> Result<(), StoreError> {
        self.bus.store().commit(txn).await
    }

    /// Memory is what the disk is: after a failure it is read anew.
    fn settle(&mut self, done: Result<(), StoreError>) {
        if done.is_err() {
            self.warn(done);
            self.reload();
        }
    }

    fn reload(&mut self) {
        let read = self.bus.store().read();
        let loaded = self.room.load(&read);
        let again = self.room.clock.steady_ms() + RELOAD_MS;
        self.reload_ms = loaded.is_err().then_some(again);
        self.warn(loaded);
    }

    /// Whether memory is what the disk is.
    fn is_true(&mut self) -> bool {
        let now = self.room.clock.steady_ms();
        if self.loaded && self.reload_ms.is_some_and(|at| at <= now) {
            self.reload();
        }
        self.reload_ms.is_none()
    }

    async fn open(&mut self) {
        let read = self.bus.store().read();
        if !self.loaded {
            let clock = &self.room.clock;
            let (wall, steady) = (clock.wall_ms(), clock.steady_ms());
            let done = mailbox::clock(&read).and_then(|noted| {
                self.room.time = ServiceTime::resume(noted.as_ref(), wall, steady);
                self.room.load(&read)
            });
            if done.is_err() {
                self.reload_ms = Some(steady + RELOAD_MS);
                return self.warn(done);
            }
            (self.loaded, self.reload_ms) = (true, None);
            self.next_round = steady;
            let shelves = self.room.shelves.values();
            for record in shelves
                .map(|shelf| shelf.record.clone())
                .collect::<Vec<_>>()
            {
                self.let_in(&record);
            }
        }
        if self.bus.store().is_attached(Tier::Vault) {
            let mut txn = self.store().begin();
            let done = match mailbox::prune_names(&mut txn) {
                Ok(true) => self.commit(txn).await,
                Ok(false) => Ok(()),
                Err(error) => Err(error),
            };
            self.warn(done);
        }
    }

    /// From now on owner and depositors of this mailbox find us.
    fn let_in(&self, record: &MailboxRecord) {
        let (Some(id), Some([owner, deposit])) =
            (MailboxId::from_slice(&record.id), routes(record))
        else {
            return tracing::warn!("a mailbox's record makes no sense");
        };
        for (route, side) in [(owner, Side::Owner), (deposit, Side::Depositor)] {
            for key in &route.keys {
                self.shared.add_key(LinkKey(*key), id, side);
            }
            let name = route.id;
            self.net.put_route(route);
            self.net.count_as(name, PathKind::Mailbox);
        }
    }

    async fn on_link_up(&mut self, route: RouteId, id: MailboxId, side: Side) {
        if !self.is_true() {
            return self.net.disconnect(route).await;
        }
        let now = self.bus.now().0;
        let Some(shelf) = self.room.shelves.get_mut(&id) else {
            return self.net.disconnect(route).await;
        };
        let record = &mut shelf.record;
        let stale = now.saturating_sub(record.seen_at).saturating_abs() >= SEEN_MS;
        let write = side == Side::Owner && (stale || !record.secret.is_empty());
        if write {
            record.seen_at = now;
            // The owner has what it needs; so have we.
            record.secret.clear();
            let record = record.clone();
            let mut txn = self.store().begin();
            let done = match mailbox::put(&mut txn, &record) {
                Ok(()) => self.commit(txn).await,
                Err(error) => Err(error),
            };
            self.settle(done);
        }
        self.room.welcome(route, id, side);
    }

    async fn keep_house(&mut self) {
        if !self.loaded {
            return self.open().await;
        }
        if !self.is_true() {
            return;
        }
        self.next_round = self.room.clock.steady_ms() + HOUSEKEEPING_MS;
        let store = self.store();
        let now = self.room.service_now();
        let over: Vec<_> = self
            .room
            .shelves
            .values()
            .map(|shelf| (shelf.id, shelf.over(now)))
            .filter(|(_, hashes)| !hashes.is_empty())
            .collect();
        let mut txn = store.begin();
        let mut done = self.note_time(&mut txn);
        let mut desk = Desk::within(&mut self.room, &store, txn);
        for (id, hashes) in over {
            done = done.and_then(|()| desk.forget(id, &hashes).map(drop));
        }
        let (txn, _) = desk.finish();
        let done = match (done, txn) {
            (Ok(()), Some(txn)) => self.commit(txn).await,
            (done, _) => done,
        };
        self.settle(done);
    }

    fn note_time(&self, txn: &mut Txn) -> Result<(), StoreError> {
        let clock = &self.room.clock;
        let note = self.room.time.note(clock.wall_ms(), clock.steady_ms());
        mailbox::put_clock(txn, &note)
    }

    #[expect(clippy::unused_self, reason = "reads as part of the actor's sentences")]
    fn warn(&self, done: Result<(), StoreError>) {
        if let Err(error) = done {
            tracing::warn!(error = %chain(&error), "a mailbox's affairs could not be settled");
        }
    }
}
