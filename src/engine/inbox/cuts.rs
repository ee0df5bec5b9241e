//! Which links are ended, so that what was not taken in here is sent again.

use crate::model::RouteId;
use std::collections::HashMap;

/// A link is not ended twice within this, and each time the pause doubles.
const FIRST_PAUSE_MS: u64 = 5_000;
const LONGEST_PAUSE_MS: u64 = 600_000;
/// So many parcels in a row under tags that are nobody's, and the sides are out of step.
const MAX_STRANGERS: u32 = 8;

/// Times are steady milliseconds.
#[derive(Debug, Default)]
pub(super) struct Cuts {
    routes: HashMap<RouteId, Cut>,
}

#[derive(Debug, Default)]
struct Cut {
    strangers: u32,
    wanted: bool,
    pause: u64,
    not_before: u64,
}

impl Cuts {
    /// Something of `route` was not taken in.
    pub(super) fn want(&mut self, route: RouteId) {
        self.routes.entry(route).or_default().wanted = true;
    }

    /// The latest `count` parcels were nobody's; `known`: one before them was theirs.
    pub(super) fn on_strangers(&mut self, route: RouteId, count: u32, known: bool) {
        let cut = self.routes.entry(route).or_default();
        let before = if known { 0 } else { cut.strangers };
        cut.strangers = before.saturating_add(count);
        cut.wanted |= cut.strangers >= MAX_STRANGERS;
    }

    /// A new link, or none: its sender begins anew.
    pub(super) fn on_link(&mut self, route: RouteId) {
        if let Some(cut) = self.routes.get_mut(&route) {
            (cut.wanted, cut.strangers) = (false, 0);
        }
    }

    pub(super) fn forget(&mut self, route: RouteId) {
        self.routes.remove(&route);
    }

    /// When the next link is to be ended.
    pub(super) fn due(&self) -> Option<u64> {
        let wanted = self.routes.values().filter(|cut| cut.wanted);
        wanted.map(|cut| cut.not_before).min()
    }

    /// Whose links are to be ended now.
    pub(super) fn take(&mut self, now: u64) -> Vec<RouteId> {
        let mut due = Vec::new();
        for (route, cut) in &mut self.routes {
            if cut.wanted && cut.not_before <= now {
                // After a long quiet time it is a new trouble.
                let quiet = now.saturating_sub(cut.not_before) > LONGEST_PAUSE_MS;
                let pause = if quiet {
                    0
                } else {
                    cut.pause.saturating_mul(2)
                };
                let pause = pause.clamp(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
                *cut = Cut {
                    pause,
                    not_before: now.saturating_add(pause),
                    ..Cut::default()
                };
                due.push(*route);
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTE: RouteId = RouteId([1; 16]);

    #[test]
    fn a_link_is_ended_at_once_and_then_with_growing_pauses() {
        let mut cuts = Cuts::default();
        cuts.want(ROUTE);
        assert_eq!(cuts.take(1_000), [ROUTE]);
        assert_eq!(cuts.due(), None);
        cuts.want(ROUTE);
        assert_eq!(cuts.due(), Some(6_000));
        assert_eq!(cuts.take(5_999), []);
        assert_eq!(cuts.take(6_000), [ROUTE]);
        cuts.want(ROUTE);
        assert_eq!(cuts.due(), Some(16_000));
        // A link that came up by itself does as well.
        cuts.on_link(ROUTE);
        assert_eq!(cuts.due(), None);
        cuts.want(ROUTE);
        assert_eq!(cuts.take(2_000_000), [ROUTE]);
        cuts.want(ROUTE);
        assert_eq!(cuts.due(), Some(2_005_000));
    }

    #[test]
    fn strangers_count_in_a_row_only() {
        let mut cuts = Cuts::default();
        cuts.on_strangers(ROUTE, 7, false);
        cuts.on_strangers(ROUTE, 7, true);
        assert_eq!(cuts.due(), None);
        cuts.on_strangers(ROUTE, 1, false);
        assert_eq!(cuts.take(0), [ROUTE]);
    }
}
