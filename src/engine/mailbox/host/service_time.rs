//! For how long this host has served: the time by which what it keeps grows old.

use crate::store::records::MailboxClock;

/// A day, in milliseconds.
pub(super) const DAY_MS: u64 = 86_400_000;

/// See the module. Steady time counts as it passes; across a restart the wall clock is asked,
/// and believed for a day at most.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ServiceTime {
    before_ms: u64,
    since_steady_ms: u64,
}

impl ServiceTime {
    /// Goes on from what was noted.
    pub(super) fn resume(noted: Option<&MailboxClock>, wall_ms: i64, steady_ms: u64) -> Self {
        let before_ms = noted.map_or(0, |noted| {
            let off = u64::try_from(wall_ms.saturating_sub(noted.at)).unwrap_or(0);
            noted.service_ms.saturating_add(off.min(DAY_MS))
        });
        Self {
            before_ms,
            since_steady_ms: steady_ms,
        }
    }

    pub(super) fn now(self, steady_ms: u64) -> u64 {
        let passed = steady_ms.saturating_sub(self.since_steady_ms);
        self.before_ms.saturating_add(passed)
    }

    /// What to note.
    pub(super) fn note(self, wall_ms: i64, steady_ms: u64) -> MailboxClock {
        MailboxClock {
            service_ms: self.now(steady_ms),
            at: wall_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steady_time_counts_and_a_jump_of_the_wall_clock_does_not() {
        let time = ServiceTime::resume(None, 1_000, 5_000);
        assert_eq!(time.now(5_000), 0);
        assert_eq!(time.now(65_000), 60_000);
        assert_eq!(time.note(-99, 65_000).service_ms, 60_000);
    }

    #[test]
    fn across_a_restart_a_day_is_believed_at_most_and_nothing_backwards() {
        let noted = MailboxClock {
            service_ms: 7,
            at: 1_000_000,
        };
        let resumed = |wall| ServiceTime::resume(Some(&noted), wall, 3).now(3);
        assert_eq!(resumed(1_000_500), 507);
        assert_eq!(resumed(0), 7);
        assert_eq!(resumed(i64::MAX), 7 + DAY_MS);
    }
}
