//! Whose kept parcels are to be opened, and when to try again.

use crate::model::RouteId;
use std::collections::HashMap;

const FIRST_PAUSE_MS: u64 = 1_000;
const LONGEST_PAUSE_MS: u64 = 60_000;

/// Times are steady milliseconds.
#[derive(Debug, Default)]
pub(super) struct Spools {
    routes: HashMap<RouteId, Spool>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Spool {
    pause: u64,
    not_before: u64,
}

impl Spools {
    /// Something of `route` may be kept.
    pub(super) fn add(&mut self, route: RouteId) {
        self.routes.entry(route).or_default();
    }

    /// Nothing of `route` is kept any more.
    pub(super) fn remove(&mut self, route: RouteId) {
        self.routes.remove(&route);
    }

    /// Nothing came of it: not at once again.
    pub(super) fn postpone(&mut self, route: RouteId, now: u64) {
        if let Some(spool) = self.routes.get_mut(&route) {
            let pause = spool.pause.saturating_mul(2);
            spool.pause = pause.clamp(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
            spool.not_before = now.saturating_add(spool.pause);
        }
    }

    /// Nothing can be opened at present.
    pub(super) fn clear(&mut self) {
        self.routes.clear();
    }

    /// When the next is to be opened.
    pub(super) fn due(&self) -> Option<u64> {
        self.routes.values().map(|spool| spool.not_before).min()
    }

    /// Whose turn it is.
    pub(super) fn next(&self, now: u64) -> Option<RouteId> {
        let next = self.routes.iter().min_by_key(|(_, spool)| spool.not_before);
        next.filter(|(_, spool)| spool.not_before <= now)
            .map(|(route, _)| *route)
    }
}
