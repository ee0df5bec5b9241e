//! The handle that everybody holds, and the turnstile before transactions.

use super::{
    Record, StoreError, StoreOptions, Tier, Txn, View,
    cipher::Ciphers,
    db::{Db, Key},
    overlay::Overlay,
    waiting::may_block,
    writer::{Ended, Job, SharedDb, Ticket, Writer},
};
use crate::crypto::Secret;
use std::{
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, mpsc::SyncSender},
};

/// An open store. Clones share it; the folder is free again once all are dropped or one was
/// closed.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

impl Store {
    /// Opens or creates the store in `dir`. No key is needed: nothing is read but the schema.
    ///
    /// Blocks for as long as the engine takes to read its index.
    ///
    /// # Errors
    /// See [`StoreError`]; the folder is then as it was found.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_with(dir, StoreOptions::default())
    }

    /// The same with other `options`.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(dir: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        let reserve = options.reserve;
        let db = Db::open(dir, reserve)?;
        let db: SharedDb = Arc::new(RwLock::new(Some(db)));
        let overlay = Arc::new(Overlay::default());
        let writer = Writer {
            db: Arc::clone(&db),
            overlay: Arc::clone(&overlay),
            options,
        };
        let (sender, thread) = writer
            .start()
            .map_err(|error| StoreError::from_io(dir, error))?;
        Ok(Self(Arc::new(Inner {
            db,
            overlay,
            ciphers: Ciphers::default(),
            reserve,
            turnstile: Arc::new(Turnstile::default()),
            running: Mutex::new(Some((sender, thread))),
        })))
    }

    /// Gives the store the key of `tier`.
    pub fn attach(&self, tier: Tier, key: &Secret<32>) {
        self.0.ciphers.attach(tier, key);
    }

    /// Takes the key of `tier` away; transactions under way fail with [`StoreError::Locked`].
    pub fn detach(&self, tier: Tier) {
        self.0.ciphers.detach(tier);
    }

    /// Whether the key of `tier` is here.
    #[must_use]
    pub fn is_attached(&self, tier: Tier) -> bool {
        self.0.ciphers.is_attached(tier)
    }

    /// Begins a transaction, once no other one is open. Never begin a second one before the
    /// first is queued or dropped, and hold none across an `await`.
    pub fn begin(&self) -> Txn {
        Txn::new(Arc::clone(&self.0), self.0.turnstile.pass())
    }

    /// Puts `txn` in the queue: from now on everybody reads its writes, and the next
    /// transaction may begin. Blocks while the queue is full.
    ///
    /// # Errors
    /// [`StoreError::Retry`] if it may have read what was then lost; [`StoreError::Locked`] if
    /// a key it needs was taken away; [`StoreError::Broken`] and [`StoreError::Closed`].
    pub fn queue(&self, txn: Txn) -> Result<Ticket, StoreError> {
        debug_assert!(txn.belongs_to(&self.0), "a transaction of another store");
        txn.queue()
    }

    /// Queues `txn` and returns once it is on disk.
    ///
    /// # Errors
    /// As [`Store::queue`] and [`Ticket::durable`].
    pub async fn commit(&self, txn: Txn) -> Result<(), StoreError> {
        self.queue(txn)?.durable().await
    }

    /// Reads the newest state, queued writes included.
    #[must_use]
    pub fn read(&self) -> View {
        View::new(Arc::clone(&self.0), false)
    }

    /// Reads only what is on disk. Waits for a group that is being written.
    #[must_use]
    pub fn read_settled(&self) -> View {
        View::new(Arc::clone(&self.0), true)
    }

    /// How many records there are, whoever's key they need. Reads all of them.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if one cannot be read.
    pub fn count(&self) -> Result<u64, StoreError> {
        self.0.with_db(Db::count)
    }

    /// How much room the store takes, and how much there is. Blocks for a moment.
    ///
    /// # Errors
    /// What the system says.
    pub fn disk(&self) -> Result<Disk, StoreError> {
        let (store_bytes, free_bytes) = self.0.with_db(|db| Ok((db.size()?, db.free_space()?)))?;
        Ok(Disk {
            store_bytes,
            free_bytes,
            reserve_bytes: self.0.reserve,
        })
    }

    /// Takes nothing new, writes what is queued, and frees the folder.
    ///
    /// # Errors
    /// What went wrong at the end; the folder is free nevertheless.
    pub async fn close(self) -> Result<(), StoreError> {
        let Some((sender, thread)) = self.0.running().take() else {
            return Ok(());
        };
        drop(sender);
        match tokio::task::spawn_blocking(move || thread.join()).await {
            Ok(Ok(ended)) => ended,
            _ => Err(StoreError::Broken("the writer thread panicked".into())),
        }
    }
}

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Bytes that the store takes.
    pub store_bytes: u64,
    /// Bytes that are free on its disk.
    pub free_bytes: u64,
    /// Bytes of these that are never used.
    pub reserve_bytes: u64,
}

/// What all clones share.
pub(super) struct Inner {
    db: SharedDb,
    pub(super) overlay: Arc<Overlay>,
    pub(super) ciphers: Ciphers,
    reserve: u64,
    turnstile: Arc<Turnstile>,
    running: Mutex<Option<(SyncSender<Job>, Ended)>>,
}

impl Inner {
    /// The newest sealed value at `place`.
    pub(super) fn newest(&self, place: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        // In this order: a write leaves the overlay only once the engine has it.
        match self.overlay.get(place)? {
            Some(queued) => Ok(queued.map(|value| value.to_vec())),
            None => self.with_db(|db| db.get(place)),
        }
    }

    /// The sealed value at `place` as it is on disk.
    pub(super) fn settled(&self, place: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.with_db(|db| db.get_settled(place))?;
        // Asked afterwards: the group waited for may have been the one that broke.
        self.overlay.check()?;
        Ok(found)
    }

    pub(super) fn sender(&self) -> Result<SyncSender<Job>, StoreError> {
        self.overlay.check()?;
        self.running()
            .as_ref()
            .map(|(sender, _)| sender.clone())
            .ok_or(StoreError::Closed)
    }

    fn with_db<T>(&self, read: impl FnOnce(&Db) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        db.as_ref().ok_or(StoreError::Closed).and_then(read)
    }

    fn running(&self) -> MutexGuard<'_, Option<(SyncSender<Job>, Ended)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    /// Waits for the queue, so that whoever drops the last handle may open the folder again.
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.running().take() {
            drop(sender);
            match thread.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "the store did not end in order"),
                Err(_) => tracing::error!("the store's writer thread panicked"),
            }
        }
    }
}

/// Lets one transaction in at a time. Unlike a mutex's guard, a permit may change threads.
#[derive(Default)]
struct Turnstile {
    busy: Mutex<bool>,
    free: Condvar,
}

impl Turnstile {
    fn pass(self: &Arc<Self>) -> Permit {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if *busy {
            drop(busy);
            may_block(|| self.wait());
        } else {
            *busy = true;
        }
        Permit(Arc::clone(self))
    }

    fn wait(&self) {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let mut busy = self
            .free
            .wait_while(busy, |busy| *busy)
            .unwrap_or_else(PoisonError::into_inner);
        *busy = true;
    }
}

/// The right to write, given back when dropped.
pub(super) struct Permit(Arc<Turnstile>);

impl Drop for Permit {
    fn drop(&mut self) {
        *self.0.busy.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.free.notify_one();
    }
}

const _: () = {
    const fn sendable<T: Send>() {}
    const fn shareable<T: Send + Sync>() {}
    sendable::<Txn>();
    shareable::<Store>();
    shareable::<View>();
    // Records cross threads inside transactions.
    const fn record<R: Record>() {
        sendable::<R>();
    }
    record::<super::records::EventHead>();
};
