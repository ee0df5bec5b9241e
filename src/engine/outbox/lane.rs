//! One contact's way out: what was sent on the present link, and when to try again.

use super::passage::{Passage, Place};
use crate::{base::Backoff, model::PathKind};
use std::{collections::VecDeque, time::Duration};

/// E.1: 5 s x 2^n, full jitter, at most half an hour.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(5),
    cap: Duration::from_secs(1800),
};
/// A new message makes an earlier failure worth another try after this long.
const FRESH_MS: u64 = 5_000;
/// The first try after a link that stood comes within this: most links that end are replaced.
const HASTE_MS: u64 = 250;
/// Whoever answered and did not know us may be about to learn who we are, as after a handshake:
/// the next try comes once this long after, and at most twice that.
const EARLY_MS: u64 = 250;
/// A link that stood less long says nothing about the next.
const STOOD_MS: u64 = 10_000;
/// How long custody may stand without the signed receipt before it is told as `Stored`.
const RECEIPT_MS: u64 = 2_000;

/// After a failure of the store.
const ASK_AGAIN_MS: u64 = 5_000;

/// A parcel that is not stored: the latest receipt, which says all that earlier ones said.
#[derive(Debug)]
pub(super) struct Transient {
    /// It goes after every row below this one.
    pub(super) after: u64,
    pub(super) place: Place,
    pub(super) parcel: Vec<u8>,
}

/// Which rows may be sent at all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sendable {
    /// Rows below are on disk.
    durable: u64,
    /// Rows below are noted, on disk, as possibly handed over.
    offered: u64,
    /// Whether the store was asked what an earlier run may have handed over.
    known: bool,
    /// Whether it is being asked.
    asking: bool,
    /// After a failure: when to ask again.
    ask_at_ms: Option<u64>,
}

impl Sendable {
    /// A batch is on disk.
    pub(super) fn raise(&mut self, durable: u64, offered: u64) {
        self.durable = self.durable.max(durable);
        self.offered = self.offered.max(offered);
    }

    pub(super) fn below(&self, withheld: Option<u64>) -> u64 {
        let below = self.durable.min(self.offered);
        withheld.map_or(below, |withheld| withheld.min(below))
    }

    /// Whether the store must be asked now; if so, it counts as asked.
    pub(super) fn ask(&mut self, now_ms: u64) -> bool {
        let wanted = !self.known || self.offered < self.durable;
        let now = wanted && !self.asking && self.ask_at_ms.is_none_or(|at| at <= now_ms);
        self.asking |= now;
        now
    }

    /// It answered that every row below `tail` is on disk and noted, or it failed.
    pub(super) fn answer(&mut self, tail: Option<u64>, now_ms: u64) {
        self.asking = false;
        match tail {
            Some(tail) => {
                self.known = true;
                self.ask_at_ms = None;
                self.raise(tail, tail);
            }
            None => self.ask_at_ms = Some(now_ms + ASK_AGAIN_MS),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) link: bool,
    pub(super) full: bool,
    pub(super) dialing: bool,
    pub(super) sendable: Sendable,
    /// What went over the present link.
    pub(super) passage: Passage,
    pub(super) transient: Option<Transient>,
    /// Confirmed as kept, with the time after which a missing receipt is told.
    pub(super) kept: VecDeque<(u64, u64)>,
    /// Whether rows wait, as far as that was looked at without a link.
    pub(super) waiting: bool,
    /// By what way the next or present try, or the present link, goes.
    pub(super) path: PathKind,
    up_ms: u64,
    /// Whether the one early try after a link was used up.
    hasty: bool,
    pub(super) failures: u32,
    pub(super) last_try_ms: Option<u64>,
    pub(super) next_try_ms: Option<u64>,
}

impl Lane {
    /// Starts over on a new link, at the first row.
    pub(super) fn link_up(&mut self, now_ms: u64) {
        *self = Self {
            link: true,
            up_ms: now_ms,
            sendable: self.sendable,
            kept: std::mem::take(&mut self.kept),
            // A link that ends at once must not be tried for ever without a pause.
            hasty: self.hasty,
            failures: self.failures,
            path: self.path,
            ..Self::default()
        };
    }

    /// Forgets everything but the link; returns whether there is one.
    pub(super) fn start_over(&mut self) -> bool {
        *self = Self {
            link: self.link,
            up_ms: self.up_ms,
            hasty: self.hasty,
            failures: self.failures,
            ..Self::default()
        };
        self.link
    }

    /// Looks for the peer soon, whatever was on its way. Returns whether something was.
    pub(super) fn link_down(&mut self, now_ms: u64, random: u64) -> bool {
        let lost = self.passage.is_waiting();
        if self.link && now_ms >= self.up_ms + STOOD_MS {
            self.failures = 0;
            self.hasty = false;
        }
        self.link = false;
        self.full = false;
        self.passage = Passage::default();
        self.transient = None;
        if std::mem::replace(&mut self.hasty, true) {
            self.failed(now_ms, random);
        } else {
            self.dialing = false;
            self.next_try_ms = Some(now_ms + random % (HASTE_MS + 1));
        }
        lost
    }

    pub(super) fn failed(&mut self, now_ms: u64, random: u64) {
        let wait = BACKOFF.wait(self.failures, random);
        self.dialing = false;
        self.failures = self.failures.saturating_add(1);
        self.next_try_ms = Some(now_ms + u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    }

    /// Somebody was there who did not know us.
    pub(super) fn turned_away(&mut self, now_ms: u64, random: u64) {
        let first = self.failures == 0;
        self.failed(now_ms, random);
        if first {
            self.next_try_ms = Some(now_ms + EARLY_MS + random % EARLY_MS);
        }
    }

    /// Something new makes an early try worth while, though not right after another one.
    pub(super) fn freshen(&mut self, now_ms: u64) {
        if !self.link && !self.dialing {
            let at = self
                .last_try_ms
                .map_or(now_ms, |last| now_ms.max(last + FRESH_MS));
            self.next_try_ms = Some(self.next_try_ms.map_or(at, |next| next.min(at)));
        }
    }

    /// A wake event: the past says nothing about the present any more.
    pub(super) fn reset(&mut self, now_ms: u64) {
        if !self.link && !self.dialing {
            self.failures = 0;
            self.hasty = false;
            self.next_try_ms = Some(now_ms);
        }
    }

    /// Somebody may be reachable by `path` now.
    pub(super) fn look(&mut self, path: PathKind, now_ms: u64) {
        if !self.link && (!self.dialing || path != PathKind::Direct) {
            self.path = path;
        }
        self.reset(now_ms);
    }

    /// The way of the try, or link, that is over; the next one is a plain one again.
    pub(super) fn tried(&mut self) -> PathKind {
        std::mem::take(&mut self.path)
    }

    pub(super) fn may_send(&self) -> bool {
        self.link && !self.full && self.sendable.known
    }

    /// Whether the store must be asked what may be sent.
    pub(super) fn ask_store(&mut self, now_ms: u64) -> bool {
        self.link && self.sendable.ask(now_ms)
    }

    pub(super) fn is_due(&self, now_ms: u64) -> bool {
        !self.link && !self.dialing && self.next_try_ms.is_some_and(|at| at <= now_ms)
    }

    /// Only the newest is kept.
    pub(super) fn push_transient(&mut self, transient: Transient) {
        let waiting = self.transient.as_ref();
        if self.link && waiting.is_none_or(|waiting| waiting.place < transient.place) {
            self.transient = Some(transient);
        }
    }

    pub(super) fn on_custody(&mut self, tag: &[u8; 16], now_ms: u64) {
        if let Some(row) = self.passage.confirm(tag, now_ms) {
            self.kept.push_back((row, now_ms + RECEIPT_MS));
        }
    }

    /// Rows whose receipt is overdue.
    pub(super) fn overdue(&mut self, now_ms: u64) -> Vec<u64> {
        let mut rows = Vec::new();
        while let Some((row, at)) = self.kept.front()
            && *at <= now_ms
        {
            rows.push(*row);
            self.kept.pop_front();
        }
        rows
    }

    /// When this lane next needs a look.
    pub(super) fn next_ms(&self) -> Option<u64> {
        let dial = self.next_try_ms.filter(|_| !self.link && !self.dialing);
        let kept = self.kept.front().map(|(_, at)| *at);
        let ask = self.sendable.ask_at_ms.filter(|_| self.link);
        let rewind = self.passage.rewind_at();
        [dial, kept, ask, rewind].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::passage::Parcel, *};

    #[test]
    fn failures_wait_longer_and_a_wake_event_ends_the_wait() {
        let mut lane = Lane::default();
        for _ in 0..20 {
            lane.failed(0, u64::MAX);
        }
        assert_eq!(lane.next_try_ms, Some(1_800_000));
        lane.reset(7);
        assert!(lane.is_due(7));
        assert_eq!(lane.failures, 0);
    }

    #[test]
    fn who_is_turned_away_tries_once_more_soon_and_then_with_patience() {
        let mut lane = Lane::default();
        lane.turned_away(1_000, 7);
        assert!(!lane.is_due(1_000 + EARLY_MS));
        assert!(lane.is_due(1_000 + 2 * EARLY_MS));
        lane.turned_away(2_000, u64::MAX);
        assert_eq!(lane.next_try_ms, Some(2_000 + 10_000));
    }

    #[test]
    fn a_burst_of_messages_is_one_try() {
        let mut lane = Lane {
            last_try_ms: Some(1_000),
            next_try_ms: Some(9_000),
            ..Lane::default()
        };
        lane.freshen(2_000);
        lane.freshen(2_001);
        assert!(!lane.is_due(5_999));
        assert!(lane.is_due(6_000));
        lane.freshen(7_000);
        assert_eq!(lane.next_try_ms, Some(6_000));
    }

    #[test]
    fn a_lost_link_is_looked_for_at_once_and_a_fleeting_one_with_patience() {
        let mut lane = Lane::default();
        lane.link_up(0);
        lane.link_down(60_000, u64::MAX);
        assert!(lane.is_due(60_250));
        lane.failed(60_300, u64::MAX);
        assert_eq!(lane.next_try_ms, Some(65_300));
        for failures in 1..5 {
            lane.link_up(70_000);
            lane.link_down(70_001, u64::MAX);
            let wait = 5_000 << failures;
            assert_eq!(lane.next_try_ms, Some(70_001 + wait));
        }
        lane.link_up(100_000);
        lane.link_down(110_000, 7);
        assert_eq!(lane.next_try_ms, Some(110_007));
    }

    #[test]
    fn custody_without_a_receipt_is_told_once() {
        let mut lane = Lane {
            link: true,
            ..Lane::default()
        };
        let parcel = Parcel {
            tag: [1; 16],
            bytes: 4096,
        };
        lane.passage.sent(5, (0, 5), &parcel, 0);
        lane.on_custody(&[1; 16], 100);
        lane.on_custody(&[1; 16], 100);
        assert!(lane.overdue(2_099).is_empty());
        assert_eq!(lane.overdue(2_100), [5]);
        assert!(lane.overdue(9_999).is_empty());
    }
}
