//! When the local network is asked, and for whom. Knows neither clock nor network.

use crate::model::RouteId;
use std::collections::BTreeSet;

/// A look is this many queries: a packet to everybody is the first to be lost on a busy radio,
/// and a new IPv6 address cannot be used for a second or two. Each comes so long after the
/// look began, at the earliest.
const ROUNDS_MS: [u64; 3] = [20, 1_500, 5_000];
/// Later by at most so much, so that not everybody speaks at once when a switch comes on.
const JITTER_MS: u64 = 100;
/// Pause between looks for those for whom something waits.
const IDLE_MS: (u64, u64) = (5 * 60_000, 15 * 60_000);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Whom the present look is for, and the round that comes next, with its time.
    whom: BTreeSet<RouteId>,
    round: usize,
    round_at: Option<u64>,
    begun_ms: u64,
    /// The next look by itself.
    idle_at: Option<u64>,
}

impl Plan {
    /// Has `whom` be looked for from now on; joins a look that has not sent anything yet.
    pub(super) fn look(
        &mut self,
        whom: impl IntoIterator<Item = RouteId>,
        now_ms: u64,
        random: u64,
    ) {
        let before = self.whom.len();
        self.whom.extend(whom);
        let unsent = self.round_at.is_some() && self.round == 0;
        if unsent || self.whom.is_empty() || (self.whom.len() == before && self.round == 0) {
            return;
        }
        self.begun_ms = now_ms;
        self.round = 0;
        self.schedule(random);
    }

    /// Tells whether something waits for somebody who is not linked: only then are there looks
    /// without a cause.
    pub(super) fn wait(&mut self, anybody: bool, now_ms: u64, random: u64) {
        match (anybody, self.idle_at) {
            (true, None) => {
                let pause = IDLE_MS.0 + random % (IDLE_MS.1 - IDLE_MS.0 + 1);
                self.idle_at = Some(now_ms + pause);
            }
            (false, _) => self.idle_at = None,
            (true, Some(_)) => {}
        }
    }

    /// Whether a look without a cause is due; it is to be followed by [`wait`](Self::wait).
    pub(super) fn idle_is_due(&mut self, now_ms: u64) -> bool {
        let due = self.idle_at.is_some_and(|at| at <= now_ms);
        if due {
            self.idle_at = None;
        }
        due
    }

    /// Whom to ask for now, if the time of a round has come.
    pub(super) fn round(&mut self, now_ms: u64, random: u64) -> Option<BTreeSet<RouteId>> {
        self.round_at.filter(|at| *at <= now_ms)?;
        self.round += 1;
        if self.round < ROUNDS_MS.len() {
            self.schedule(random);
            return Some(self.whom.clone());
        }
        self.round = 0;
        self.round_at = None;
        Some(std::mem::take(&mut self.whom))
    }

    /// When something is due next.
    pub(super) fn next_ms(&self) -> Option<u64> {
        [self.round_at, self.idle_at].into_iter().flatten().min()
    }

    fn schedule(&mut self, random: u64) {
        let offset = ROUNDS_MS.get(self.round).copied();
        self.round_at = offset.map(|offset| self.begun_ms + offset + random % (JITTER_MS + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: RouteId = RouteId([1; 16]);
    const B: RouteId = RouteId([2; 16]);

    #[test]
    fn a_look_is_three_rounds_and_then_there_is_silence() {
        let mut plan = Plan::default();
        assert_eq!(plan.next_ms(), None);
        plan.look([A], 1_000, 7);
        let mut times = Vec::new();
        while let Some(at) = plan.next_ms() {
            assert_eq!(plan.round(at - 1, 0), None);
            assert_eq!(plan.round(at, 0), Some(BTreeSet::from([A])));
            times.push(at - 1_000);
        }
        assert_eq!(times, [27, 1_500, 5_000]);
    }

    #[test]
    fn a_flock_of_causes_is_one_look_and_a_later_one_begins_anew() {
        let mut plan = Plan::default();
        plan.look([A], 0, 0);
        plan.look([B], 5, 0);
        plan.look([A, B], 10, 0);
        assert_eq!(plan.next_ms(), Some(20));
        assert_eq!(plan.round(20, 0), Some(BTreeSet::from([A, B])));
        plan.look([A], 600, 0);
        assert_eq!(plan.next_ms(), Some(620));
        assert_eq!(plan.round(620, 0), Some(BTreeSet::from([A, B])));
        assert_eq!(plan.next_ms(), Some(2_100));
    }

    #[test]
    fn nobody_to_look_for_is_no_look() {
        let mut plan = Plan::default();
        plan.look([], 0, 0);
        assert_eq!(plan.next_ms(), None);
    }

    #[test]
    fn looks_without_a_cause_come_only_while_something_waits() {
        let mut plan = Plan::default();
        plan.wait(false, 0, 0);
        assert_eq!(plan.next_ms(), None);
        plan.wait(true, 0, 0);
        plan.wait(true, 200_000, 5);
        assert_eq!(
            plan.next_ms(),
            Some(300_000),
            "more that waits puts nothing off"
        );
        assert!(!plan.idle_is_due(299_999));
        plan.wait(false, 299_999, 0);
        assert_eq!(plan.next_ms(), None);
        plan.wait(true, 0, 600_000);
        assert_eq!(plan.next_ms(), Some(900_000));
        assert!(plan.idle_is_due(900_000));
        assert!(!plan.idle_is_due(900_000));
    }

    proptest! {
        #[test]
        fn pauses_are_between_five_and_fifteen_minutes(random in any::<u64>()) {
            let mut plan = Plan::default();
            plan.wait(true, 0, random);
            let at = plan.next_ms().unwrap();
            prop_assert!((300_000..=900_000).contains(&at));
        }
    }
}
