//! What went over the present link, and what must be said before something more may go.
//!
//! The receiver knows 64 places beyond the highest that it has seen. Places that never come
//! (a message taken back, a receipt lost with its link) would bring that to an end, so it is
//! told with a `Window` where to look. The word says that everything before is settled or
//! given up, so it must never pass a parcel that the peer may have dropped: it goes as far as
//! the first parcel without custody.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A tag epoch and a number in it.
pub(super) type Place = (u32, u64);

/// A hole of fewer places needs no word at once: the receiver sees far enough beyond it.
const NEAR: u64 = 32;

/// How long a parcel may be without custody while the link lives; doubled each time in vain.
const PATIENCE_MS: u64 = 10_000;
const MOST_PATIENCE_MS: u64 = 300_000;
/// The slowest uplink that is not mistaken for a peer that dropped something.
const SLOWEST_BYTES_PER_MS: u64 = 64;

/// What to do before a parcel may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Approach {
    /// Nothing.
    Go,
    /// Say that everything before this place is settled or given up.
    Announce(Place),
    /// Wait for custody: the hole is too wide to be seen over, and what lies before it is
    /// not settled.
    Wait,
}

/// The state of one link, from its first frame on.
#[derive(Debug, Default)]
pub(super) struct Passage {
    /// The next row to send.
    pub(super) cursor: u64,
    last: Option<Place>,
    /// The first place after the latest hole that was not announced.
    gap: Option<Place>,
    announced: Option<Place>,
    /// Rows without custody.
    sent: BTreeMap<u64, Sent>,
    rows: HashMap<[u8; 16], u64>,
    /// Rows with custody that follow one without.
    kept: BTreeSet<u64>,
    /// Bytes of the rows without custody.
    bytes: u64,
    /// When custody came last.
    progress_ms: u64,
    /// How often the same rows went out again.
    rewinds: u32,
}

#[derive(Debug)]
struct Sent {
    place: Place,
    bytes: u64,
    at_ms: u64,
}

impl Passage {
    /// What to do before the parcel at `next` goes.
    pub(super) fn approach(&mut self, next: Place) -> Approach {
        if !self.last.is_some_and(|last| follows(last, next)) {
            self.gap = Some(next);
        }
        let Some(gap) = self.gap else {
            return Approach::Go;
        };
        let first = self.sent.first_key_value();
        let settled = first.map_or(next, |(_, first)| next.min(first.place));
        if gap <= settled {
            Approach::Announce(settled)
        } else if self.last.is_some_and(|last| is_near(last, next)) {
            Approach::Go
        } else {
            Approach::Wait
        }
    }

    /// The word was handed over.
    pub(super) fn announced(&mut self, place: Place) {
        self.gap = None;
        self.announced = self.announced.max(Some(place));
    }

    /// Whether the peer was told not to expect this place any more.
    pub(super) fn is_given_up(&self, place: Place) -> bool {
        self.announced.is_some_and(|announced| place < announced)
    }

    /// Whether something that belongs after `place` went already.
    pub(super) fn is_past(&self, place: Place) -> bool {
        self.last.is_some_and(|last| place < last)
    }

    /// A parcel was handed over.
    pub(super) fn passed(&mut self, place: Place) {
        self.last = Some(place);
    }

    /// The parcel was a row, so it has to be confirmed.
    pub(super) fn sent(&mut self, row: u64, place: Place, parcel: &Parcel, at_ms: u64) {
        let bytes = parcel.bytes;
        self.rows.insert(parcel.tag, row);
        self.bytes += bytes;
        let sent = Sent {
            place,
            bytes,
            at_ms,
        };
        self.sent.insert(row, sent);
    }

    /// The peer keeps the parcel; returns its row the first time.
    pub(super) fn confirm(&mut self, tag: &[u8; 16], now_ms: u64) -> Option<u64> {
        let row = self.rows.remove(tag)?;
        self.progress_ms = now_ms;
        self.kept.insert(row);
        self.drop_sent(row);
        Some(row)
    }

    /// Whether the peer keeps this row, as far as it can still be asked for.
    pub(super) fn is_kept(&self, row: u64) -> bool {
        self.kept.contains(&row)
    }

    /// When it is time to believe that the peer has dropped what it does not confirm.
    ///
    /// A link that is up after that long has answered pings, so what was written has arrived.
    /// The first parcel's age counts if the peer keeps a later one, else the time since there
    /// was any custody, with allowance for what a slow line has yet to carry.
    pub(super) fn rewind_at(&self) -> Option<u64> {
        let (row, first) = self.sent.first_key_value()?;
        let patience = PATIENCE_MS
            .saturating_mul(1 << self.rewinds.min(16))
            .min(MOST_PATIENCE_MS);
        let overtaken = self.kept.last().is_some_and(|kept| kept > row);
        let since = if overtaken {
            first.at_ms
        } else {
            first.at_ms.max(self.progress_ms) + self.bytes / SLOWEST_BYTES_PER_MS
        };
        Some(since + patience)
    }

    /// Forgets rows that are no more: their receipt came, and custody was lost.
    pub(super) fn forget_gone(&mut self, is_there: impl Fn(u64) -> bool) {
        while let Some((row, _)) = self.sent.first_key_value() {
            let row = *row;
            if is_there(row) {
                return;
            }
            self.drop_sent(row);
        }
    }

    /// Starts over at the first row without custody; those that the peer keeps are left out.
    pub(super) fn rewind(&mut self) {
        let Some((row, _)) = self.sent.first_key_value() else {
            return;
        };
        self.cursor = *row;
        self.last = None;
        self.rewinds += 1;
        self.sent.clear();
        self.rows.clear();
        self.bytes = 0;
    }

    fn drop_sent(&mut self, row: u64) {
        if let Some(sent) = self.sent.remove(&row) {
            self.bytes -= sent.bytes;
        }
        match self.sent.first_key_value() {
            Some((first, _)) => self.kept = self.kept.split_off(first),
            None => {
                self.kept.clear();
                self.rewinds = 0;
            }
        }
    }

    /// Whether anything handed over lacks custody.
    pub(super) fn is_waiting(&self) -> bool {
        !self.sent.is_empty()
    }
}

/// What is remembered of a parcel.
pub(super) struct Parcel {
    pub(super) tag: [u8; 16],
    pub(super) bytes: u64,
}

impl Parcel {
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            tag: *bytes.first_chunk::<16>()?,
            bytes: u64::try_from(bytes.len()).ok()?,
        })
    }
}

fn follows(last: Place, next: Place) -> bool {
    next == (last.0, last.1.saturating_add(1))
        || last.0.checked_add(1) == Some(next.0) && next.1 == 0
}

fn is_near(last: Place, next: Place) -> bool {
    let from = if last.0 == next.0 { last.1 } else { 0 };
    let neighbours = last.0 == next.0 || last.0.checked_add(1) == Some(next.0);
    neighbours && next.1.checked_sub(from).is_some_and(|wide| wide <= NEAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(row: u64) -> [u8; 16] {
        let mut tag = [0; 16];
        tag[..8].copy_from_slice(&row.to_be_bytes());
        tag
    }

    fn go_at(passage: &mut Passage, row: u64, place: Place, at_ms: u64) {
        passage.passed(place);
        let parcel = Parcel {
            tag: tag(row),
            bytes: 4096,
        };
        passage.sent(row, place, &parcel, at_ms);
    }

    fn go(passage: &mut Passage, row: u64, place: Place) {
        go_at(passage, row, place, 0);
    }

    fn confirm(passage: &mut Passage, row: u64) {
        assert_eq!(passage.confirm(&tag(row), 5_000), Some(row));
        assert_eq!(passage.confirm(&tag(row), 5_000), None);
    }

    #[test]
    fn a_link_begins_with_a_word_and_goes_on_without() {
        let mut passage = Passage::default();
        assert_eq!(passage.approach((3, 7)), Approach::Announce((3, 7)));
        passage.announced((3, 7));
        go(&mut passage, 0, (3, 7));
        assert_eq!(passage.approach((3, 8)), Approach::Go);
        go(&mut passage, 1, (3, 8));
        // An epoch may end anywhere.
        assert_eq!(passage.approach((4, 0)), Approach::Go);
    }

    #[test]
    fn a_word_never_passes_what_the_peer_may_have_dropped() {
        let mut passage = Passage::default();
        passage.announced((0, 0));
        go(&mut passage, 0, (0, 0));
        // A small hole can be seen over, a wide one cannot.
        assert_eq!(passage.approach((0, 9)), Approach::Go);
        assert_eq!(passage.approach((0, 90)), Approach::Wait);
        confirm(&mut passage, 0);
        assert_eq!(passage.approach((0, 90)), Approach::Announce((0, 90)));
    }

    #[test]
    fn a_small_hole_is_announced_once_all_before_it_is_settled() {
        let mut passage = Passage::default();
        passage.announced((0, 0));
        go(&mut passage, 0, (0, 0));
        assert_eq!(passage.approach((0, 9)), Approach::Go);
        go(&mut passage, 1, (0, 9));
        assert_eq!(passage.approach((0, 10)), Approach::Go);
        confirm(&mut passage, 0);
        assert_eq!(passage.approach((0, 10)), Approach::Announce((0, 9)));
        passage.announced((0, 9));
        assert!(passage.is_given_up((0, 8)) && !passage.is_given_up((0, 9)));
        assert_eq!(passage.approach((0, 10)), Approach::Go);
    }

    #[test]
    fn what_later_custody_overtook_goes_again_alone() {
        let mut passage = Passage::default();
        for row in 0..3 {
            go(&mut passage, row, (0, row));
        }
        // Nothing at all came: a slow line is given its time.
        assert_eq!(passage.rewind_at(), Some(10_000 + 3 * 64));
        confirm(&mut passage, 2);
        assert_eq!(passage.rewind_at(), Some(10_000));
        passage.rewind();
        assert_eq!((passage.cursor, passage.rewind_at()), (0, None));
        assert!(passage.is_kept(2) && !passage.is_kept(1));
        assert_eq!(passage.approach((0, 0)), Approach::Announce((0, 0)));
        go_at(&mut passage, 0, (0, 0), 11_000);
        assert_eq!(passage.rewind_at(), Some(31_000));
        confirm(&mut passage, 0);
        go_at(&mut passage, 1, (0, 1), 11_000);
        assert!(!passage.is_kept(2));
    }

    #[test]
    fn patience_doubles_to_five_minutes_and_is_restored_by_custody() {
        let mut passage = Passage::default();
        for _ in 0..9 {
            go_at(&mut passage, 0, (0, 0), 0);
            passage.rewind();
        }
        go_at(&mut passage, 0, (0, 0), 0);
        assert_eq!(passage.rewind_at(), Some(300_000 + 64));
        confirm(&mut passage, 0);
        go_at(&mut passage, 1, (0, 1), 6_000);
        assert_eq!(passage.rewind_at(), Some(16_000 + 64));
        passage.forget_gone(|_| false);
        assert_eq!(passage.rewind_at(), None);
    }
}
