//! Numbers what happened, and tells it from any point on, for ever or until retention.
//!
//! # Decisions
//! - There is no queue of live events. A subscriber is a cursor into the log on disk plus a
//!   wake-up; however slow it is, it costs one number and misses nothing. Falling behind can
//!   only end in a [`EventKind::Gap`], when retention has dropped what it had not yet read.
//! - Events become visible in the order in which they became durable, because the store
//!   numbers them when it queues the batch that holds them.
//! - The log is in the transport tier: it holds ids and numbers only, and must be writable
//!   while the vault is locked.

mod consumers;
mod convert;

pub use crate::store::Once;

use crate::{
    base::{Clock, Tasks},
    crypto::Secret,
    model::{Event, EventKind, EventType, Timestamp},
    store::{Disk, Store, StoreError, Tier, Txn, event_log},
};
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// Most events read from the log at a time.
const READ_AT_ONCE: usize = 256;

/// The handle: appends to transactions, commits them, wakes subscribers.
#[derive(Clone)]
pub struct EventBus {
    store: Store,
    clock: Clock,
    tasks: Tasks,
    /// Where the log ended when its key came: nothing happens before.
    opened_at: Arc<OnceLock<u64>>,
    /// Counts wake-ups; its value means nothing.
    woken: Arc<watch::Sender<u64>>,
}

impl EventBus {
    /// A bus over `store`'s log.
    #[must_use]
    pub fn new(store: Store, clock: Clock, tasks: Tasks) -> Self {
        Self {
            store,
            clock,
            tasks,
            opened_at: Arc::default(),
            woken: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Opens the log with the transport tier's key.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn open(&self, key: &Secret<32>) -> Result<(), StoreError> {
        self.store.attach(Tier::Transport, key);
        let (_, next) = event_log::bounds(&self.store)?;
        self.opened_at.get_or_init(|| next.saturating_sub(1));
        Ok(())
    }

    /// The store under the bus.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The clock that stamps events.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Starts a subscriber's loop; it ends by itself or with the daemon.
    pub fn detach(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.detach(task);
    }

    /// Opens every record: how many there are, and how many of them are damaged.
    ///
    /// # Errors
    /// What the store says.
    pub fn check_store(&self) -> Result<(u64, u64), StoreError> {
        let report = crate::store::check(&self.store)?;
        Ok(report.totals())
    }

    /// Wall time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp(self.clock.wall_ms())
    }

    /// Adds an event to `txn`: it happens with the rest of it, or not at all.
    ///
    /// # Errors
    /// When the log cannot be read or the transport tier is not attached.
    pub fn append(&self, txn: &mut Txn, kind: EventKind) -> Result<(), StoreError> {
        event_log::append(txn, convert::to_record(self.now(), kind)).map(drop)
    }

    /// Makes `txn` durable, then wakes subscribers.
    ///
    /// # Errors
    /// What the store says; nothing of `txn` has happened then.
    pub async fn commit(&self, txn: Txn) -> Result<(), StoreError> {
        self.store.commit(txn).await?;
        self.announce();
        Ok(())
    }

    /// Wakes subscribers after a commit made elsewhere, or after the tier was attached. Reads
    /// nothing: a wake-up for nothing costs a subscriber one look.
    pub fn announce(&self) {
        self.woken
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Number of the newest event, 0 when there is none yet; `None` while the log cannot be
    /// read because the vault is sealed.
    #[must_use]
    pub fn newest(&self) -> Option<u64> {
        let (_, next) = event_log::bounds(&self.store).ok()?;
        Some(next.saturating_sub(1))
    }

    /// When the newest event was written down; `None` if there is none, or it cannot be read.
    #[must_use]
    pub fn newest_at(&self) -> Option<Timestamp> {
        let before = self.newest()?.checked_sub(1)?;
        let (_, events) = event_log::read(&self.store, before, 1).ok()?;
        events.first().map(|event| Timestamp(event.at))
    }

    /// How much room the store takes, and how much there is. Blocks for a moment.
    ///
    /// # Errors
    /// What the store says.
    pub fn disk(&self) -> Result<Disk, StoreError> {
        self.store.disk()
    }

    /// A cursor that stands after event number `after`; `None`, while the log cannot be read,
    /// means at its end.
    #[must_use]
    pub fn cursor(&self, after: Option<u64>, types: Vec<EventType>) -> Cursor {
        Cursor {
            bus: self.clone(),
            wake: self.woken.subscribe(),
            after,
            types,
        }
    }

    /// The number before the first event at or after `time`.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn before(&self, time: Timestamp) -> Result<u64, StoreError> {
        let (first, next) = event_log::bounds(&self.store)?;
        // Wall clocks jump, so times in the log need not rise; the binary search finds one of
        // the possible places, and the choice only decides where a reader starts.
        let (mut low, mut high) = (first.saturating_sub(1), next.saturating_sub(1));
        while low < high {
            let middle = low + (high - low) / 2;
            match event_log::read(&self.store, middle, 1)?.1.first() {
                Some(event) if event.at < time.0 => low = event.seq.max(middle + 1),
                _ => high = middle,
            }
        }
        Ok(low)
    }
}

/// A place in the log.
pub struct Cursor {
    bus: EventBus,
    wake: watch::Receiver<u64>,
    after: Option<u64>,
    types: Vec<EventType>,
}

impl Cursor {
    /// The number of the last event that was read or passed over; `None` while that is not
    /// known yet.
    #[must_use]
    pub fn position(&self) -> Option<u64> {
        self.after
    }

    /// What is stored after the cursor, oldest first, and moves the cursor. Empty when it
    /// stands at the end, or while the log cannot be read because the vault is sealed.
    ///
    /// # Errors
    /// When the log is damaged.
    pub async fn read(&mut self) -> Result<Vec<Event>, StoreError> {
        loop {
            let (found, last) = self.read_raw().await?;
            if !found.is_empty() || last == self.after || last.is_none() {
                self.after = last;
                return Ok(found);
            }
            // Only events of other types: look further.
            self.after = last;
        }
    }

    async fn read_raw(&self) -> Result<(Vec<Event>, Option<u64>), StoreError> {
        let (store, after) = (self.bus.store.clone(), self.after);
        if !store.is_attached(Tier::Transport) {
            return Ok((Vec::new(), after));
        }
        let Some(after) = after.or_else(|| self.bus.opened_at.get().copied()) else {
            return Ok((Vec::new(), after));
        };
        let read = move || event_log::read(&store, after, READ_AT_ONCE);
        let (first, records) = tokio::task::spawn_blocking(read)
            .await
            .map_err(|_| StoreError::Closed)??;
        let mut events = Vec::with_capacity(records.len() + 1);
        let mut last = after;
        if after + 1 < first {
            let gap = EventKind::Gap {
                from: after + 1,
                to: first - 1,
            };
            events.push(Event {
                seq: first - 1,
                at: self.bus.now(),
                kind: gap,
            });
            last = first - 1;
        }
        for record in records {
            last = record.seq;
            if let Some(event) = convert::from_record(&record)
                && event.kind.event_type().is_none_or(|t| self.wants(t))
            {
                events.push(event);
            }
        }
        Ok((events, Some(last)))
    }

    fn wants(&self, kind: EventType) -> bool {
        self.types.is_empty() || self.types.contains(&kind)
    }

    /// Returns once something may stand after the cursor; `false` when the bus is gone.
    pub async fn changed(&mut self) -> bool {
        self.wake.changed().await.is_ok()
    }
}
