//! Decides when a link must be asked whether it lives, and when it is dead.
//!
//! Pure: it is told what was written and heard and at what time, and answers with deadlines.

use std::time::Duration;

/// Silence after a parcel before we ask.
const ASK_AFTER_MS: u64 = 2_000;
/// Silence after asking before we give up.
const GIVE_UP_AFTER_MS: u64 = 2_500;
/// The same where there is a reason to believe that the link hangs.
const DOUBTED_GIVE_UP_AFTER_MS: u64 = 1_500;
/// Silence after asking on an idle link before we give up.
const IDLE_GIVE_UP_AFTER_MS: u64 = 20_000;
/// Shortest and longest silence on an idle link.
const IDLE_MS: (u64, u64) = (50_000, 70_000);
/// This much may be on its way before its size counts.
const FREE_BYTES: u64 = 64 * 1024;
/// The slowest uplink that is not mistaken for a dead peer, in bytes a millisecond.
const SLOWEST_BYTES_PER_MS: u64 = 64;
/// Most time that size alone buys.
const MOST_SLACK_MS: u64 = 30_000;

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Nothing,
    Ping,
    Dead,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// Nothing is owed; ask when it has been quiet for long.
    Quiet { ask_at: u64 },
    /// Parcels were written and nothing has come back since.
    Waiting { since: u64 },
    /// A ping is out.
    Asked { dead_at: u64, waited_since: u64 },
}

/// The state of one link.
#[derive(Debug)]
pub(super) struct Liveness {
    mood: Mood,
    /// Parcels written that nothing has vouched for.
    owed: u64,
    owed_bytes: u64,
    /// Jitter of idle pings.
    random: u64,
}

impl Liveness {
    pub(super) fn new(now: u64, random: u64) -> Self {
        let mut new = Self {
            mood: Mood::Quiet { ask_at: 0 },
            owed: 0,
            owed_bytes: 0,
            random,
        };
        new.calm(now);
        new
    }

    /// When [`check`](Self::check) is due next.
    pub(super) fn due(&self) -> u64 {
        match self.mood {
            Mood::Quiet { ask_at } => ask_at,
            Mood::Waiting { since } => since + ASK_AFTER_MS + self.slack(),
            Mood::Asked { dead_at, .. } => dead_at,
        }
    }

    /// A parcel of `bytes` was handed to the stream.
    pub(super) fn wrote_parcel(&mut self, now: u64, bytes: usize) {
        self.owed += 1;
        self.owed_bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        match &mut self.mood {
            Mood::Quiet { .. } => self.mood = Mood::Waiting { since: now },
            Mood::Waiting { .. } => {}
            // An idle ping gives 20 s; with a parcel on its way that is too long.
            Mood::Asked { dead_at, .. } => {
                *dead_at = (*dead_at).min(now + ASK_AFTER_MS + GIVE_UP_AFTER_MS);
            }
        }
    }

    /// Bytes came in.
    pub(super) fn heard(&mut self, now: u64) {
        if self.owed == 0 {
            self.calm(now);
        } else {
            self.mood = Mood::Waiting { since: now };
        }
    }

    /// The peer vouched for `parcels` parcels.
    pub(super) fn answered(&mut self, now: u64, parcels: usize) {
        let parcels = u64::try_from(parcels).unwrap_or(u64::MAX);
        let share = self.owed_bytes.checked_div(self.owed).unwrap_or(0);
        self.owed = self.owed.saturating_sub(parcels);
        self.owed_bytes = match self.owed {
            0 => 0,
            _ => self
                .owed_bytes
                .saturating_sub(share.saturating_mul(parcels)),
        };
        self.heard(now);
    }

    /// A pong came: the stream is ordered, so all that went before the ping has arrived.
    pub(super) fn pong(&mut self, now: u64) {
        self.owed = 0;
        self.owed_bytes = 0;
        self.calm(now);
    }

    /// Someone doubts that this link lives: ask at once.
    pub(super) fn doubt(&mut self, now: u64) -> Verdict {
        // The answer comes after what is under way.
        let give_up_at = now + DOUBTED_GIVE_UP_AFTER_MS + self.slack();
        if let Mood::Asked { dead_at, .. } = &mut self.mood {
            *dead_at = (*dead_at).min(give_up_at);
            return Verdict::Nothing;
        }
        self.mood = Mood::Asked {
            dead_at: give_up_at,
            waited_since: now,
        };
        Verdict::Ping
    }

    /// To be called when [`due`](Self::due) has come.
    pub(super) fn check(&mut self, now: u64) -> Verdict {
        if now < self.due() {
            return Verdict::Nothing;
        }
        let give_up = match self.mood {
            Mood::Asked { .. } => return Verdict::Dead,
            Mood::Quiet { .. } => IDLE_GIVE_UP_AFTER_MS,
            Mood::Waiting { .. } => GIVE_UP_AFTER_MS,
        };
        self.mood = Mood::Asked {
            dead_at: now + give_up,
            waited_since: now,
        };
        Verdict::Ping
    }

    fn calm(&mut self, now: u64) {
        // A linear congruential step (Knuth, MMIX) spreads the pings of many links well enough.
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let (least, most) = IDLE_MS;
        let ask_at = now + least + (self.random >> 33) % (most - least + 1);
        self.mood = Mood::Quiet { ask_at };
    }

    fn slack(&self) -> u64 {
        (self.owed_bytes.saturating_sub(FREE_BYTES) / SLOWEST_BYTES_PER_MS).min(MOST_SLACK_MS)
    }
}

/// The span from `now` until `due`.
pub(super) fn until(due: u64, now: u64) -> Duration {
    Duration::from_millis(due.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_falls_silent_after_a_parcel_is_dead_in_less_than_five_seconds() {
        let mut link = Liveness::new(0, 7);
        link.wrote_parcel(1_000, 4_096);
        assert_eq!(link.check(2_999), Verdict::Nothing);
        assert_eq!(link.check(3_000), Verdict::Ping);
        assert_eq!(link.check(5_499), Verdict::Nothing);
        assert_eq!(link.check(5_500), Verdict::Dead);
    }

    #[test]
    fn an_idle_link_is_asked_about_once_a_minute_and_given_twenty_seconds() {
        for seed in 0..200 {
            let mut link = Liveness::new(0, seed);
            let due = link.due();
            assert!((50_000..=70_000).contains(&due), "{due}");
            assert_eq!(link.check(due - 1), Verdict::Nothing);
            assert_eq!(link.check(due), Verdict::Ping);
            assert_eq!(link.due(), due + 20_000);
            link.pong(due + 19_999);
            assert_eq!(link.check(due + 20_000), Verdict::Nothing);
        }
    }

    #[test]
    fn a_second_parcel_after_an_answer_to_the_first_is_still_watched() {
        let mut link = Liveness::new(0, 7);
        link.wrote_parcel(0, 4_096);
        link.wrote_parcel(10, 4_096);
        link.answered(20, 1);
        assert_eq!(link.due(), 2_020);
        link.answered(30, 1);
        assert!(link.due() >= 50_030);
    }

    #[test]
    fn a_pong_settles_parcels_that_nobody_vouches_for() {
        let mut link = Liveness::new(0, 7);
        link.wrote_parcel(0, 4_096);
        assert_eq!(link.check(2_000), Verdict::Ping);
        link.pong(2_001);
        assert!(link.due() >= 52_001, "no ping every two seconds for ever");
    }

    #[test]
    fn a_large_backlog_on_a_slow_uplink_is_not_taken_for_death() {
        let mut link = Liveness::new(0, 7);
        for _ in 0..16 {
            link.wrote_parcel(0, 65_536);
        }
        assert!(link.due() > 15_000);
        for _ in 0..10_000 {
            link.wrote_parcel(0, 262_144);
        }
        assert_eq!(link.due(), 32_000);
    }

    #[test]
    fn a_parcel_during_an_idle_ping_shortens_the_wait() {
        let mut link = Liveness::new(0, 7);
        let due = link.due();
        assert_eq!(link.check(due), Verdict::Ping);
        link.wrote_parcel(due, 4_096);
        assert_eq!(link.due(), due + 4_500);
    }

    #[test]
    fn a_doubted_link_must_answer_at_once() {
        let mut link = Liveness::new(0, 7);
        assert_eq!(link.doubt(100), Verdict::Ping);
        assert_eq!(link.doubt(200), Verdict::Nothing);
        assert_eq!(link.check(1_600), Verdict::Dead);
    }

    #[test]
    fn a_doubted_link_with_much_under_way_has_time_to_carry_it() {
        let mut link = Liveness::new(0, 7);
        link.wrote_parcel(0, 262_144);
        assert_eq!(link.doubt(100), Verdict::Ping);
        let slack = (262_144 - FREE_BYTES) / SLOWEST_BYTES_PER_MS;
        assert_eq!(link.due(), 100 + DOUBTED_GIVE_UP_AFTER_MS + slack);
        assert_eq!(link.doubt(200), Verdict::Nothing);
        assert_eq!(link.due(), 100 + DOUBTED_GIVE_UP_AFTER_MS + slack);
    }
}
