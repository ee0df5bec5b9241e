//! Counts bytes: those of one link, and those of all links since the start, by path.

use crate::model::{PathKind, Traffic, Transport};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Bytes in and out; a reader may see one a moment before the other.
#[derive(Debug, Default)]
struct Pair {
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

impl Pair {
    fn read(&self) -> (u64, u64) {
        (
            self.bytes_in.load(Ordering::Relaxed),
            self.bytes_out.load(Ordering::Relaxed),
        )
    }
}

/// What all links have moved since the start. Never falls, whatever links end.
#[derive(Debug, Default)]
pub(super) struct Ledger([Pair; PathKind::ALL.len()]);

impl Ledger {
    /// One entry a path, in the order of [`PathKind::ALL`].
    pub(super) fn read(&self) -> Vec<Traffic> {
        let paths = PathKind::ALL.into_iter().zip(&self.0);
        let entry = |(path, pair): (PathKind, &Pair)| {
            let (bytes_in, bytes_out) = pair.read();
            Traffic {
                path,
                bytes_in,
                bytes_out,
            }
        };
        paths.map(entry).collect()
    }

    fn of(&self, path: PathKind) -> Option<&Pair> {
        let at = PathKind::ALL.iter().position(|kind| *kind == path)?;
        self.0.get(at)
    }
}

/// What one link has moved, and by what way.
#[derive(Debug, Default)]
pub(super) struct Meter {
    pub(super) path: PathKind,
    pub(super) transport: Option<Transport>,
    own: Pair,
    all: Arc<Ledger>,
}

impl Meter {
    pub(super) fn new(path: PathKind, transport: Option<Transport>, all: Arc<Ledger>) -> Self {
        Self {
            path,
            transport,
            own: Pair::default(),
            all,
        }
    }

    pub(super) fn took(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        for pair in [Some(&self.own), self.all.of(self.path)]
            .into_iter()
            .flatten()
        {
            pair.bytes_in.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    pub(super) fn gave(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        for pair in [Some(&self.own), self.all.of(self.path)]
            .into_iter()
            .flatten()
        {
            pair.bytes_out.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    /// Bytes in and out.
    pub(super) fn read(&self) -> (u64, u64) {
        self.own.read()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_links_moved_stays_in_the_ledger_when_they_are_gone() {
        let all = Arc::<Ledger>::default();
        let lan = Meter::new(PathKind::Lan, Some(Transport::Quic), Arc::clone(&all));
        lan.took(3);
        lan.gave(5);
        assert_eq!(lan.read(), (3, 5));
        drop(lan);
        let again = Meter::new(PathKind::Lan, None, Arc::clone(&all));
        again.gave(1);
        assert_eq!(again.read(), (0, 1));
        let read = all.read();
        assert_eq!(read.len(), PathKind::ALL.len());
        for one in read {
            let expected = match one.path {
                PathKind::Lan => (3, 6),
                _ => (0, 0),
            };
            assert_eq!((one.bytes_in, one.bytes_out), expected);
        }
    }
}
