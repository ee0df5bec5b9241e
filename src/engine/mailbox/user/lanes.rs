//! When what waits for a contact is to go to the contact's mailboxes.

use crate::{crypto::Random, model::RouteId};
use std::{collections::HashMap, time::Duration};

/// How long a contact may take to be reached before that is given up waiting for.
const PATIENCE_MS: u64 = 3_000;

#[derive(Debug, Default)]
struct Lane {
    linked: bool,
    /// Whether the latest try to reach them failed.
    away: bool,
    ask_ms: Option<u64>,
    receipt_ms: Option<u64>,
}

/// All contacts; times are steady milliseconds.
#[derive(Debug, Default)]
pub(super) struct Lanes(HashMap<RouteId, Lane>);

impl Lanes {
    /// Something was queued.
    pub(super) fn on_rows(&mut self, route: RouteId, now: u64) {
        let lane = self.0.entry(route).or_default();
        if lane.linked {
            return;
        }
        let at = if lane.away { now } else { now + PATIENCE_MS };
        lane.ask_ms = Some(lane.ask_ms.map_or(at, |ask| ask.min(at)));
    }

    pub(super) fn on_away(&mut self, route: RouteId, now: u64) {
        let lane = self.0.entry(route).or_default();
        lane.away = true;
        lane.ask_ms = Some(now);
    }

    pub(super) fn on_link(&mut self, route: RouteId, up: bool, now: u64) {
        let lane = self.0.entry(route).or_default();
        *lane = Lane {
            linked: up,
            ask_ms: (!up).then_some(now + PATIENCE_MS),
            ..Lane::default()
        };
    }

    /// A receipt is owed; it goes after a random time around `mean` if nothing else goes.
    pub(super) fn on_receipt(
        &mut self,
        route: RouteId,
        mean: Duration,
        now: u64,
        rng: &mut dyn Random,
    ) {
        let lane = self.0.entry(route).or_default();
        if !lane.linked && lane.receipt_ms.is_none() {
            lane.receipt_ms = Some(now + exponential_ms(mean, rng));
        }
    }

    pub(super) fn forget(&mut self, route: RouteId) {
        self.0.remove(&route);
    }

    pub(super) fn is_linked(&self, route: RouteId) -> bool {
        self.0.get(&route).is_some_and(|lane| lane.linked)
    }

    pub(super) fn next_ms(&self) -> Option<u64> {
        let times = self
            .0
            .values()
            .flat_map(|lane| [lane.ask_ms, lane.receipt_ms]);
        times.flatten().min()
    }

    /// For whom something is to be sealed now, and whether a receipt alone is reason enough.
    pub(super) fn take(&mut self, now: u64) -> Vec<(RouteId, bool)> {
        let mut due = Vec::new();
        for (route, lane) in &mut self.0 {
            let receipt = lane.receipt_ms.take_if(|at| *at <= now).is_some();
            if lane.ask_ms.take_if(|at| *at <= now).is_some() || receipt {
                due.push((*route, receipt));
            }
        }
        due
    }
}

/// A time of a Poisson process: at most eight times `mean`.
pub(super) fn exponential_ms(mean: Duration, rng: &mut dyn Random) -> u64 {
    let mut bytes = [0; 4];
    rng.fill(&mut bytes);
    // In (0, 1], so the logarithm is finite.
    let uniform = (f64::from(u32::from_be_bytes(bytes)) + 1.0) / (f64::from(u32::MAX) + 1.0);
    let span = mean.mul_f64((-uniform.ln()).min(8.0));
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SeededRandom;

    const ROUTE: RouteId = RouteId([1; 16]);

    #[test]
    fn who_is_known_away_is_written_to_at_once_and_others_after_three_seconds() {
        let mut lanes = Lanes::default();
        lanes.on_rows(ROUTE, 1_000);
        assert_eq!(lanes.next_ms(), Some(4_000));
        lanes.on_away(ROUTE, 1_500);
        assert_eq!(lanes.take(1_500), [(ROUTE, false)]);
        assert_eq!(lanes.next_ms(), None);
        lanes.on_rows(ROUTE, 2_000);
        assert_eq!(lanes.take(2_000), [(ROUTE, false)]);
        lanes.on_link(ROUTE, true, 3_000);
        lanes.on_rows(ROUTE, 3_000);
        assert_eq!(lanes.next_ms(), None);
        lanes.on_link(ROUTE, false, 4_000);
        assert_eq!(lanes.next_ms(), Some(7_000));
    }

    #[test]
    fn a_receipt_waits_at_random_and_a_link_takes_its_place() {
        let mut rng = SeededRandom::new(1);
        let (mut lanes, mean) = (Lanes::default(), Duration::from_secs(20));
        lanes.on_receipt(ROUTE, mean, 0, &mut rng);
        let at = lanes.next_ms().unwrap();
        lanes.on_receipt(ROUTE, mean, 1, &mut rng);
        assert_eq!(lanes.next_ms(), Some(at));
        assert_eq!(lanes.take(at), [(ROUTE, true)]);
        lanes.on_receipt(ROUTE, mean, at, &mut rng);
        lanes.on_link(ROUTE, true, at);
        assert_eq!(lanes.next_ms(), None);
        let times = (0..4000).map(|_| exponential_ms(mean, &mut rng));
        let times: Vec<_> = times.collect();
        let total: u64 = times.iter().sum();
        assert!((18_000..22_000).contains(&(total / 4000)));
        let short = times.iter().filter(|time| **time < 20_000).count();
        assert!((2_400..2_660).contains(&short), "1 - 1/e of 4000: {short}");
    }
}
