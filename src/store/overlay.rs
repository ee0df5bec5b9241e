//! Writes that are queued but not yet on disk, as later reads must see them.

use super::{
    StoreError,
    db::{Key, Value},
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Shared by readers, transactions and the writer thread.
#[derive(Default)]
pub(super) struct Overlay(Mutex<State>);

#[derive(Default)]
struct State {
    /// Raised by each failure: what was read before may never have come to be.
    generation: u64,
    /// Number of the newest queued transaction.
    newest: u64,
    /// Sealed values with the number of the transaction that wrote them.
    writes: HashMap<Key, (u64, Value)>,
    /// Why the current generation began, for those who still hold work of the one before.
    failure: Option<StoreError>,
    /// Set once the disk's state is in doubt.
    broken: Option<StoreError>,
}

/// Where a transaction stands in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) generation: u64,
    pub(super) number: u64,
}

impl Overlay {
    /// The generation that a transaction begins in.
    pub(super) fn generation(&self) -> u64 {
        self.state().generation
    }

    /// The queued value under `key`, if a write to it is queued.
    pub(super) fn get(&self, key: &Key) -> Result<Option<Value>, StoreError> {
        let state = self.state();
        match &state.broken {
            Some(error) => Err(error.clone()),
            None => Ok(state.writes.get(key).map(|(_, value)| value.clone())),
        }
    }

    /// Whether the store still works.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.state().broken.clone().map_or(Ok(()), Err)
    }

    /// Shows `writes` to readers, unless something they may build on was lost since
    /// `generation`.
    pub(super) fn add(
        &self,
        generation: u64,
        writes: &[(Key, Value)],
    ) -> Result<Place, StoreError> {
        let mut state = self.state();
        if let Some(error) = &state.broken {
            return Err(error.clone());
        }
        if state.generation != generation {
            return Err(StoreError::Retry);
        }
        state.newest += 1;
        let number = state.newest;
        for (key, value) in writes {
            state.writes.insert(*key, (number, value.clone()));
        }
        Ok(Place { generation, number })
    }

    /// Why a transaction of `generation` can no longer be written, if so.
    pub(super) fn refusal(&self, generation: u64) -> Option<StoreError> {
        let state = self.state();
        if state.generation == generation {
            return None;
        }
        state.failure.clone().or(Some(StoreError::Retry))
    }

    /// The writes of all transactions up to `number` are on disk now.
    pub(super) fn settle(&self, number: u64) {
        self.state().writes.retain(|_, (by, _)| *by > number);
    }

    /// Everything queued is lost because of `error`.
    pub(super) fn fail(&self, error: &StoreError) {
        let mut state = self.state();
        state.generation += 1;
        state.writes.clear();
        state.failure = Some(error.clone());
        if matches!(error, StoreError::Broken(_)) {
            state.broken = Some(error.clone());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(byte: u8) -> Value {
        Some(vec![byte].into())
    }

    #[test]
    fn a_newer_write_outlives_the_older_ones_settling() {
        let overlay = Overlay::default();
        let first = overlay
            .add(0, &[([1; 16], value(1)), ([2; 16], None)])
            .unwrap();
        overlay.add(0, &[([1; 16], value(2))]).unwrap();
        overlay.settle(first.number);
        assert_eq!(overlay.get(&[1; 16]).unwrap(), Some(value(2)));
        assert_eq!(overlay.get(&[2; 16]).unwrap(), None);
    }

    #[test]
    fn a_failure_ends_a_generation() {
        let overlay = Overlay::default();
        overlay.add(0, &[([1; 16], value(1))]).unwrap();
        overlay.fail(&StoreError::Refused("test"));
        assert_eq!(overlay.get(&[1; 16]).unwrap(), None);
        assert!(matches!(overlay.add(0, &[]), Err(StoreError::Retry)));
        assert!(matches!(overlay.refusal(0), Some(StoreError::Refused(_))));
        assert!(overlay.refusal(1).is_none());
        assert!(overlay.add(1, &[]).is_ok());
    }

    #[test]
    fn after_a_break_nothing_is_served() {
        let overlay = Overlay::default();
        overlay.fail(&StoreError::Broken("test".into()));
        assert!(overlay.get(&[1; 16]).is_err());
        assert!(overlay.add(1, &[]).is_err());
        assert!(overlay.check().is_err());
    }
}
