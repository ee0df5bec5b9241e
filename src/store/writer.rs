//! The one thread that writes, and the tickets it answers.
//!
//! It takes all that is queued as one group: one batch, one flush, one sync, then every
//! ticket is told. When a group fails, all that is queued behind it fails too, since it may
//! build on what was lost.

use super::{
    StoreError,
    db::{Db, Key, Value},
    overlay::{Overlay, Place},
};
use std::{
    io,
    sync::{
        Arc, PoisonError, RwLock,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{Builder, JoinHandle},
};
use tokio::sync::oneshot;

/// Transactions that may wait; the next one's `queue` blocks.
const QUEUE: usize = 256;
/// A group takes no further transaction once it is this large.
const GROUP_BYTES: usize = 4 << 20;

/// A promise that a transaction will be on disk.
#[derive(Debug)]
#[must_use = "nothing may be announced before the write is on disk"]
pub struct Ticket(oneshot::Receiver<Result<(), StoreError>>);

impl Ticket {
    /// Returns once the transaction is on disk, or will never be.
    ///
    /// # Errors
    /// Why it is lost.
    pub async fn durable(self) -> Result<(), StoreError> {
        self.0.await.unwrap_or(Err(StoreError::Closed))
    }

    /// The same for threads that may block.
    ///
    /// # Errors
    /// Why it is lost.
    pub fn wait(self) -> Result<(), StoreError> {
        self.0.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }
}

/// What a test may let happen to a group of writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The group is refused before anything is written.
    Refuse,
    /// The disk appears to be full.
    DiskFull,
    /// Writing succeeds and flushing fails.
    Break,
    /// The engine panics while it writes.
    Panic,
}

/// Asked with the number of groups tried so far, before each group is put together. It may
/// block: whatever is queued meanwhile becomes part of the group.
pub type FaultPlan = Arc<dyn Fn(u64) -> Fault + Send + Sync>;

/// How a store behaves; the default is right for everything but tests.
#[derive(Clone)]
pub struct StoreOptions {
    /// Bytes of disk that are never used, so that the machine stays usable.
    pub reserve: u64,
    /// Faults to inject.
    pub faults: Option<FaultPlan>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            reserve: 16 << 20,
            faults: None,
        }
    }
}

/// One transaction, sealed.
pub(super) struct Job {
    pub(super) place: Place,
    pub(super) writes: Vec<(Key, Value)>,
    done: oneshot::Sender<Result<(), StoreError>>,
}

impl Job {
    pub(super) fn new(place: Place, writes: Vec<(Key, Value)>) -> (Self, Ticket) {
        let (done, told) = oneshot::channel();
        let job = Self {
            place,
            writes,
            done,
        };
        (job, Ticket(told))
    }

    fn bytes(&self) -> usize {
        let size = |(_, value): &(Key, Value)| value.as_ref().map_or(0, |value| value.len());
        self.writes.iter().map(size).sum()
    }

    fn answer(self, result: Result<(), StoreError>) {
        // Whoever queued it may not care any more.
        let _ = self.done.send(result);
    }
}

/// The engine as readers and the writer share it; empty once closed.
pub(super) type SharedDb = Arc<RwLock<Option<Db>>>;

/// What the thread works with.
pub(super) struct Writer {
    pub(super) db: SharedDb,
    pub(super) overlay: Arc<Overlay>,
    pub(super) options: StoreOptions,
}

/// The thread's result: how the engine's closing went.
pub(super) type Ended = JoinHandle<Result<(), StoreError>>;

impl Writer {
    /// Starts the thread. It ends, and closes the engine, when the sender is dropped.
    pub(super) fn start(self) -> io::Result<(SyncSender<Job>, Ended)> {
        let (sender, jobs) = sync_channel(QUEUE);
        let thread = Builder::new()
            .name("store-writer".into())
            .spawn(move || self.run(&jobs))?;
        Ok((sender, thread))
    }

    fn run(self, jobs: &Receiver<Job>) -> Result<(), StoreError> {
        let mut tried = 0;
        while let Ok(first) = jobs.recv() {
            let fault = self
                .options
                .faults
                .as_ref()
                .map_or(Fault::None, |plan| plan(tried));
            tried += 1;
            let group = collect(first, jobs);
            self.write(group, fault);
        }
        let db = self
            .db
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // A store in doubt is not marked as ended in order.
        self.overlay.check()?;
        db.map_or(Ok(()), Db::close)
    }

    fn write(&self, group: Vec<Job>, fault: Fault) {
        let (mut valid, mut newest) = (Vec::new(), 0);
        for job in group {
            match self.overlay.refusal(job.place.generation) {
                Some(error) => job.answer(Err(error)),
                None => {
                    newest = newest.max(job.place.number);
                    valid.push(job);
                }
            }
        }
        if valid.is_empty() {
            return;
        }
        let result = self.apply(&mut valid, fault);
        match &result {
            Ok(()) => self.overlay.settle(newest),
            Err(error) => {
                tracing::error!(%error, "a group of writes failed");
                self.overlay.fail(error);
            }
        }
        for job in valid {
            job.answer(result.clone());
        }
    }

    fn apply(&self, group: &mut [Job], fault: Fault) -> Result<(), StoreError> {
        let writes: Vec<_> = group
            .iter_mut()
            .flat_map(|job| std::mem::take(&mut job.writes))
            .collect();
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        let db = db.as_ref().ok_or(StoreError::Closed)?;
        let reserve = self.options.reserve;
        let free = match fault {
            Fault::Refuse => return Err(StoreError::Refused("a fault was injected")),
            Fault::DiskFull => 0,
            _ => db.free_space()?,
        };
        if writes.is_empty() && fault == Fault::None {
            // All that was queued before is on disk by now.
            return Ok(());
        }
        // A group that only removes is let through: it may be what frees the space.
        let grows = writes.iter().any(|(_, value)| value.is_some());
        if grows && free < reserve {
            return Err(StoreError::DiskFull { free, reserve });
        }
        db.apply(&writes, || match fault {
            Fault::Break => Err("a fault was injected".into()),
            Fault::Panic => std::panic::panic_any("a fault was injected"),
            _ => Ok(()),
        })
    }
}

/// All that is queued by now, `first` first.
fn collect(first: Job, jobs: &Receiver<Job>) -> Vec<Job> {
    let mut bytes = first.bytes();
    let mut group = vec![first];
    while bytes < GROUP_BYTES {
        let Ok(job) = jobs.try_recv() else { break };
        bytes += job.bytes();
        group.push(job);
    }
    group
}
