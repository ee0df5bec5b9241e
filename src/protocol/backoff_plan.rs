//! When to try a contact again. One plan per contact and path, however many messages wait.

use std::time::Duration;

use crate::{base::Backoff, crypto::Random, model::Timestamp};

/// Five seconds at first, doubling, never more than half an hour; each wait is random below
/// its bound.
pub const DIRECT: Backoff = Backoff {
    first: Duration::from_secs(5),
    cap: Duration::from_secs(30 * 60),
};

/// The plan for one contact on one path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackoffPlan {
    /// Failures since the last success or reset.
    pub failures: u32,
    /// When to try again; `None` is now.
    pub next_at: Option<Timestamp>,
}

impl BackoffPlan {
    /// A try failed. Returns when the next is due.
    pub fn failed(&mut self, now: Timestamp, rng: &mut dyn Random) -> Timestamp {
        let next = now.after(DIRECT.wait(self.failures, word(rng)));
        self.failures = self.failures.saturating_add(1);
        self.next_at = Some(next);
        next
    }

    /// Something changed for the better (network, address, resume, the user's word): try now.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// After a restart: a new random wait of the same step, so that many daemons starting
    /// together do not all dial together.
    pub fn restart(&mut self, now: Timestamp, rng: &mut dyn Random) {
        if let Some(step) = self.failures.checked_sub(1) {
            self.next_at = Some(now.after(DIRECT.wait(step, word(rng))));
        }
    }

    /// Whether to try at `now`.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        // A wait longer than the cap was written before the wall clock was put back.
        self.next_at
            .is_none_or(|next| next <= now || next > now.after(DIRECT.cap))
    }
}

pub(super) fn word(rng: &mut dyn Random) -> u64 {
    let mut bytes = [0; 8];
    rng.fill(&mut bytes);
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SeededRandom;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_next_try_is_never_beyond_the_cap(seed: u64, now in 0..i64::MAX / 2, tries in 1..60_u32) {
            let mut rng = SeededRandom::new(seed);
            let mut plan = BackoffPlan::default();
            let now = Timestamp(now);
            for _ in 0..tries {
                let next = plan.failed(now, &mut rng);
                prop_assert!(next >= now && next <= now.after(DIRECT.cap));
                prop_assert!(plan.is_due(next));
            }
            prop_assert_eq!(plan.failures, tries);
            plan.restart(now, &mut rng);
            prop_assert!(plan.next_at <= Some(now.after(DIRECT.cap)));
            plan.reset();
            prop_assert!(plan.is_due(now));
        }
    }

    #[test]
    fn a_clock_put_back_does_not_strand_the_plan() {
        let plan = BackoffPlan {
            failures: 3,
            next_at: Some(Timestamp(86_400_000)),
        };
        assert!(plan.is_due(Timestamp(0)));
        assert!(!plan.is_due(Timestamp(86_399_000)));
    }
}
