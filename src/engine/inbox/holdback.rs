//! When texts that wait for an earlier one are shown without it.

use crate::model::RouteId;
use std::collections::HashMap;

/// E.1: "holdback for display only, at most two seconds".
const HOLD_MS: u64 = 2_000;
/// Even if nothing comes from them any more.
const PATIENCE_MS: u64 = 600_000;

/// Contacts some of whose texts wait. Times are steady milliseconds.
#[derive(Debug, Default)]
pub(super) struct Holdback {
    waiting: HashMap<RouteId, Wait>,
}

#[derive(Debug)]
struct Wait {
    since: u64,
    /// What is missing was sent before this.
    place: (u32, u64),
    /// When something at or beyond that place came over the link that is up now. Links keep
    /// the order: what is missing will not come by itself after that.
    passed: Option<u64>,
}

impl Holdback {
    /// Texts of `route` wait, and whatever they wait for was sent before `place`; or none wait.
    pub(super) fn set(&mut self, route: RouteId, place: Option<(u32, u64)>, now: u64) {
        let Some(place) = place else {
            self.waiting.remove(&route);
            return;
        };
        self.waiting.entry(route).or_insert(Wait {
            since: now,
            place,
            passed: None,
        });
    }

    /// A parcel at `place` came, whether it was here before or not.
    pub(super) fn on_parcel(&mut self, route: RouteId, place: (u32, u64), now: u64) {
        if let Some(wait) = self.waiting.get_mut(&route)
            && place >= wait.place
        {
            wait.passed.get_or_insert(now);
        }
    }

    /// A link came up or went down: its author begins anew with the oldest.
    pub(super) fn on_link(&mut self, route: RouteId) {
        if let Some(wait) = self.waiting.get_mut(&route) {
            wait.passed = None;
        }
    }

    /// When the first of them has waited long enough.
    pub(super) fn due(&self) -> Option<u64> {
        self.waiting.values().map(Wait::due).min()
    }

    /// Those who have waited long enough; they are forgotten here.
    pub(super) fn take(&mut self, now: u64) -> Vec<RouteId> {
        let due = self.waiting.extract_if(|_, wait| wait.due() <= now);
        due.map(|(route, _)| route).collect()
    }

    /// Nothing can be shown at present.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }
}

impl Wait {
    fn due(&self) -> u64 {
        let last = self.since.saturating_add(PATIENCE_MS);
        self.passed
            .map_or(last, |at| last.min(at.saturating_add(HOLD_MS)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTE: RouteId = RouteId([1; 16]);

    #[test]
    fn two_seconds_of_one_link_are_waited_after_something_later_came() {
        let mut holdback = Holdback::default();
        holdback.set(ROUTE, Some((0, 9)), 1_000);
        holdback.on_parcel(ROUTE, (0, 9), 1_000);
        assert_eq!(holdback.due(), Some(3_000));
        assert_eq!(holdback.take(2_999), []);

        // A new link: the sender begins with its oldest, however long that takes.
        holdback.on_link(ROUTE);
        holdback.on_link(ROUTE);
        holdback.on_parcel(ROUTE, (0, 3), 20_000);
        holdback.on_parcel(ROUTE, (0, 8), 29_000);
        assert_eq!(holdback.take(100_000), []);
        holdback.on_parcel(ROUTE, (1, 0), 100_000);
        holdback.on_parcel(ROUTE, (1, 1), 101_000);
        assert_eq!(holdback.take(101_999), []);
        assert_eq!(holdback.take(102_000), [ROUTE]);
        assert_eq!(holdback.due(), None);
    }

    #[test]
    fn a_filled_gap_ends_the_wait_and_nobody_waits_for_ever() {
        let mut holdback = Holdback::default();
        holdback.set(ROUTE, Some((0, 9)), 0);
        holdback.set(ROUTE, None, 0);
        assert_eq!(holdback.take(u64::MAX), []);
        holdback.set(ROUTE, Some((0, 9)), 5);
        holdback.set(ROUTE, Some((0, 12)), 500_000);
        assert_eq!(holdback.take(600_004), []);
        assert_eq!(holdback.take(600_005), [ROUTE]);
    }
}
