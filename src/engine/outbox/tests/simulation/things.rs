//! What the world is made of, and what can happen in it.

use super::side::Side;

/// How big the world is.
pub(super) struct Shape {
    pub(super) daemons: usize,
    pub(super) pairs: usize,
    /// For each direction of each pair.
    pub(super) texts: u64,
    /// While everything goes wrong.
    pub(super) span_ms: u64,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) written: u64,
    pub(super) shown: u64,
    pub(super) delivered: u64,
    pub(super) crashes: u64,
    pub(super) links: u64,
    pub(super) repeated: u64,
    pub(super) epochs: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Happens {
    Write { pair: usize, end: usize },
    Flush { pair: usize, end: usize, life: u64 },
    Tick { pair: usize, end: usize, life: u64 },
    Dialled { pair: usize, end: usize, life: u64 },
    Arrives { pair: usize, end: usize, said: u64 },
    Cut { pair: usize },
    Crash { daemon: usize },
    Boot { daemon: usize },
    Jump { daemon: usize },
    Move { daemon: usize },
}

pub(super) struct Daemon {
    pub(super) up: bool,
    /// Rises with each start.
    pub(super) life: u64,
    pub(super) skew_ms: i64,
    /// Daemons on different islands do not reach each other.
    pub(super) island: u64,
}

pub(super) struct Pair {
    pub(super) daemons: [usize; 2],
    pub(super) sides: [Side; 2],
    pub(super) flushing: [bool; 2],
    pub(super) tick_at: [u64; 2],
    /// The present link's number.
    pub(super) link: Option<u64>,
    /// When what was said last in a direction arrives.
    pub(super) last_ms: [u64; 2],
}
