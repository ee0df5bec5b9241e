//! Transactions and read-only views.

use super::{
    StoreError, Tier,
    db::{Key, Value},
    handle::{Inner, Permit},
    records::{Held, Record, decode},
    waiting::may_block,
    writer::{Job, Ticket},
};
use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, mpsc::TrySendError},
};

/// Whatever records can be read from: a [`Txn`] or a [`View`].
pub trait Read {
    /// The record under `key`, decoded.
    ///
    /// # Errors
    /// [`StoreError::Locked`] without the tier's key, [`StoreError::Damaged`] if the record
    /// does not open.
    fn get<R: Record>(&self, key: &[u8]) -> Result<Option<R>, StoreError>;

    /// Whether there is a record under `key`; it is not opened.
    ///
    /// # Errors
    /// [`StoreError::Locked`] without the tier's key.
    fn contains<R: Record>(&self, key: &[u8]) -> Result<bool, StoreError>;
}

/// A read-only view that never waits for transactions. It is not a snapshot: each read sees
/// the newest state, so two reads may lie on both sides of a transaction.
#[derive(Clone)]
pub struct View {
    inner: Arc<Inner>,
    settled: bool,
}

impl View {
    pub(super) const fn new(inner: Arc<Inner>, settled: bool) -> Self {
        Self { inner, settled }
    }

    fn sealed(&self, place: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        if self.settled {
            self.inner.settled(place)
        } else {
            self.inner.newest(place)
        }
    }
}

impl Read for View {
    fn get<R: Record>(&self, key: &[u8]) -> Result<Option<R>, StoreError> {
        let place = self.inner.ciphers.blind(R::TIER, R::TABLE, key)?;
        self.sealed(&place)?
            .map(|sealed| open::<R>(&self.inner, &place, &sealed))
            .transpose()
    }

    fn contains<R: Record>(&self, key: &[u8]) -> Result<bool, StoreError> {
        let place = self.inner.ciphers.blind(R::TIER, R::TABLE, key)?;
        Ok(self.sealed(&place)?.is_some())
    }
}

fn open<R: Record>(inner: &Inner, place: &Key, sealed: &[u8]) -> Result<R, StoreError> {
    let bytes = inner.ciphers.open(R::TIER, R::TABLE, place, sealed)?;
    decode(&bytes)
}

/// A record that this transaction wrote; decoded, so that many changes cost one sealing.
struct Own {
    table: &'static str,
    tier: Tier,
    record: Option<Box<dyn Held>>,
}

/// The one transaction that may write at a time. Its reads see its own writes, then what is
/// queued, then the disk. Dropped without [`Store::queue`](super::Store::queue), it never was.
///
/// It blocks every other transaction, so it is for short work on a blocking thread: read,
/// change, queue, and wait for the disk afterwards.
#[must_use = "a transaction that is not queued has no effect"]
pub struct Txn {
    inner: Arc<Inner>,
    generation: u64,
    own: HashMap<Key, Own>,
    /// What was held at each place before the step under way; `None` outside of one.
    undo: Option<HashMap<Key, Option<Own>>>,
    /// Lets the next transaction begin, however this one ends.
    _permit: Permit,
}

impl Txn {
    pub(super) fn new(inner: Arc<Inner>, permit: Permit) -> Self {
        Self {
            generation: inner.overlay.generation(),
            inner,
            own: HashMap::new(),
            undo: None,
            _permit: permit,
        }
    }

    /// The record under `key`.
    ///
    /// # Errors
    /// As [`Read::get`].
    pub fn get<R: Record>(&self, key: &[u8]) -> Result<Option<R>, StoreError> {
        let place = self.place::<R>(key)?;
        match self.own.get(&place) {
            Some(own) => Ok(own.record.as_deref().and_then(typed::<R>).cloned()),
            None => self.stored(&place),
        }
    }

    /// Whether there is a record under `key`.
    ///
    /// # Errors
    /// As [`Read::contains`].
    pub fn contains<R: Record>(&self, key: &[u8]) -> Result<bool, StoreError> {
        let place = self.place::<R>(key)?;
        match self.own.get(&place) {
            Some(own) => Ok(own.record.is_some()),
            None => Ok(self.inner.newest(&place)?.is_some()),
        }
    }

    /// Writes `record` under `key`.
    ///
    /// # Errors
    /// [`StoreError::Locked`] without the tier's key.
    pub fn put<R: Record>(&mut self, key: &[u8], record: &R) -> Result<(), StoreError> {
        let place = self.place::<R>(key)?;
        self.hold::<R>(place, Some(Box::new(record.clone())));
        Ok(())
    }

    /// Removes the record under `key`, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Locked`] without the tier's key.
    pub fn delete<R: Record>(&mut self, key: &[u8]) -> Result<(), StoreError> {
        let place = self.place::<R>(key)?;
        self.hold::<R>(place, None);
        Ok(())
    }

    /// The record under `key`, or an empty one, to be changed in place.
    ///
    /// # Errors
    /// As [`Read::get`].
    pub fn edit<R: Record>(&mut self, key: &[u8]) -> Result<&mut R, StoreError> {
        let place = self.place::<R>(key)?;
        if self.own.get(&place).is_none_or(|own| own.record.is_none()) {
            // What this transaction removed comes back empty, not as it was.
            let record = match self.own.contains_key(&place) {
                true => R::default(),
                false => self.stored(&place)?.unwrap_or_default(),
            };
            self.hold::<R>(place, Some(Box::new(record)));
        } else {
            self.remember::<R>(place);
        }
        self.own
            .get_mut(&place)
            .and_then(|own| own.record.as_deref_mut())
            .and_then(typed_mut::<R>)
            .ok_or(StoreError::Malformed { table: R::TABLE })
    }

    /// The same, if there is such a record.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there is none, else as [`Read::get`].
    pub fn edit_existing<R: Record>(&mut self, key: &[u8]) -> Result<&mut R, StoreError> {
        if !self.contains::<R>(key)? {
            return Err(StoreError::Missing { table: R::TABLE });
        }
        self.edit(key)
    }

    /// Does `step` wholly or not at all: if it fails, what it wrote is taken back, and what was
    /// written before stays.
    ///
    /// # Errors
    /// What `step` says.
    pub fn attempt<T, E>(&mut self, step: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        let outer = self.undo.replace(HashMap::new());
        let done = step(self);
        let undo = std::mem::replace(&mut self.undo, outer).unwrap_or_default();
        for (place, before) in undo {
            match (&done, before, &mut self.undo) {
                (Err(_), Some(own), _) => drop(self.own.insert(place, own)),
                (Err(_), None, _) => drop(self.own.remove(&place)),
                (Ok(_), before, Some(outer)) => drop(outer.entry(place).or_insert(before)),
                (Ok(_), _, None) => {}
            }
        }
        done
    }

    /// Seals all writes and hands them to the writer thread.
    pub(super) fn queue(self) -> Result<Ticket, StoreError> {
        let mut writes: Vec<(Key, Value)> = Vec::with_capacity(self.own.len());
        for (place, own) in &self.own {
            let ciphers = &self.inner.ciphers;
            let value = match &own.record {
                Some(record) => {
                    let sealed = ciphers.seal(own.tier, own.table, place, &record.encoded())?;
                    Some(sealed.into())
                }
                None => None,
            };
            writes.push((*place, value));
        }
        let sender = self.inner.sender()?;
        let place = self.inner.overlay.add(self.generation, &writes)?;
        let (job, ticket) = Job::new(place, writes);
        match sender.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(job)) => {
                may_block(|| sender.send(job)).map_err(|_| StoreError::Closed)?;
            }
            Err(TrySendError::Disconnected(_)) => return Err(StoreError::Closed),
        }
        // The permit goes only now: the order of the queue is the order of the transactions.
        Ok(ticket)
    }

    pub(super) fn belongs_to(&self, inner: &Arc<Inner>) -> bool {
        Arc::ptr_eq(&self.inner, inner)
    }

    fn place<R: Record>(&self, key: &[u8]) -> Result<Key, StoreError> {
        self.inner.ciphers.blind(R::TIER, R::TABLE, key)
    }

    fn stored<R: Record>(&self, place: &Key) -> Result<Option<R>, StoreError> {
        self.inner
            .newest(place)?
            .map(|sealed| open::<R>(&self.inner, place, &sealed))
            .transpose()
    }

    fn hold<R: Record>(&mut self, place: Key, record: Option<Box<dyn Held>>) {
        let own = Own {
            table: R::TABLE,
            tier: R::TIER,
            record,
        };
        let before = self.own.insert(place, own);
        if let Some(undo) = &mut self.undo {
            undo.entry(place).or_insert(before);
        }
    }

    /// Keeps a copy of what is about to be changed in place.
    fn remember<R: Record>(&mut self, place: Key) {
        let Some(undo) = &mut self.undo else { return };
        if undo.contains_key(&place) {
            return;
        }
        let before = self.own.get(&place).map(|own| Own {
            table: own.table,
            tier: own.tier,
            record: own
                .record
                .as_deref()
                .and_then(typed::<R>)
                .map(|record| Box::new(record.clone()) as Box<dyn Held>),
        });
        undo.insert(place, before);
    }
}

impl Read for Txn {
    fn get<R: Record>(&self, key: &[u8]) -> Result<Option<R>, StoreError> {
        Self::get(self, key)
    }

    fn contains<R: Record>(&self, key: &[u8]) -> Result<bool, StoreError> {
        Self::contains::<R>(self, key)
    }
}

fn typed<R: Record>(held: &dyn Held) -> Option<&R> {
    (held as &dyn Any).downcast_ref()
}

fn typed_mut<R: Record>(held: &mut dyn Held) -> Option<&mut R> {
    (held as &mut dyn Any).downcast_mut()
}
