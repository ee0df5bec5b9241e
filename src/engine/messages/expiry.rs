//! When a clock may be believed that a message's time is over.
//!
//! One look at a wall clock ends nothing: it may stand wrong for a while, and what was ended
//! stays ended. Two looks must agree, an hour of steady time apart, and neither right after
//! the wall clock was seen to jump (a suspend is a jump, too).

use std::collections::VecDeque;

/// How long before the present look the one before must have been.
const APART_MS: u64 = 3_600_000;
/// Looks closer together are one.
const SAME_MS: u64 = 60_000;
/// The wall clock may leave the steady clock behind by this much between two looks.
const JUMP_MS: i64 = 600_000;
/// After a jump nothing ends for so long.
const CALM_MS: u64 = 600_000;

/// The looks of one run of the daemon.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// Steady and wall time of each, the latest last; one of them is old enough to count.
    looks: VecDeque<(u64, i64)>,
    jumped_ms: Option<u64>,
}

impl Looks {
    /// Looks at both clocks. Returns the wall time up to which messages may end now.
    pub(super) fn look(&mut self, steady_ms: u64, wall_ms: i64) -> Option<i64> {
        let offset = |(steady, wall): (u64, i64)| {
            wall.saturating_sub(i64::try_from(steady).unwrap_or(i64::MAX))
        };
        let now = (steady_ms, wall_ms);
        if let Some(last) = self.looks.back() {
            if (offset(now) - offset(*last)).abs() > JUMP_MS {
                self.jumped_ms = Some(steady_ms);
            }
            if steady_ms < last.0.saturating_add(SAME_MS) {
                self.looks.pop_back();
            }
        }
        let old = |look: &(u64, i64)| look.0.saturating_add(APART_MS) <= steady_ms;
        while self.looks.get(1).is_some_and(old) {
            self.looks.pop_front();
        }
        let before = self.looks.front().copied().filter(old);
        self.looks.push_back(now);
        let calm = self
            .jumped_ms
            .is_none_or(|at| at.saturating_add(CALM_MS) <= steady_ms);
        before
            .filter(|_| calm)
            .map(|(_, before_ms)| before_ms.min(wall_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;
    const MONTH: i64 = 30 * 86_400_000;

    #[test]
    fn two_looks_an_hour_apart_end_what_both_see_ended() {
        let mut looks = Looks::default();
        assert_eq!(looks.look(0, 1_000), None);
        assert_eq!(looks.look(HOUR - 1, 1_000 + 3_599_999), None);
        assert_eq!(looks.look(HOUR, 3_601_000), Some(1_000));
        assert_eq!(looks.look(3 * HOUR, 10_801_000), Some(3_601_000));
    }

    #[test]
    fn many_looks_at_once_are_one() {
        let mut looks = Looks::default();
        for _ in 0..1_000 {
            assert_eq!(looks.look(0, 0), None);
        }
        for _ in 0..1_000 {
            assert_eq!(looks.look(HOUR, 3_600_000), Some(0));
        }
        assert!(looks.looks.len() <= 2);
    }

    #[test]
    fn a_clock_that_jumps_forward_and_back_ends_nothing() {
        let mut looks = Looks::default();
        assert_eq!(looks.look(0, 0), None);
        // Just after the jump, and while it lasts less than an hour.
        assert_eq!(looks.look(HOUR, MONTH), None);
        assert_eq!(looks.look(HOUR + 600_000, MONTH + 600_000), Some(0));
        // Put right again: a jump, and then both looks tell the true time.
        assert_eq!(looks.look(2 * HOUR, 7_200_000), None);
        assert_eq!(looks.look(3 * HOUR, 10_800_000), Some(7_200_000));
    }
}
