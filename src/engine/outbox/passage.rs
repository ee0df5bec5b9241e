//! What went over the present link, and what must be said before something more may go.
//!
//! The receiver knows 64 places beyond the highest that it has seen. Places that never come
//! (a message taken back, a receipt lost with its link) would bring that to an end, so it is
//! told with a `Window` where to look. The word says that everything before is settled or
//! given up, so it must never pass a parcel that the peer may have dropped: it goes as far as
//! the first parcel without custody.

use std::collections::{BTreeMap, HashMap};

/// A tag epoch and a number in it.
pub(super) type Place = (u32, u64);

/// A hole of fewer places needs no word at once: the receiver sees far enough beyond it.
const NEAR: u64 = 32;

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
    sent: BTreeMap<u64, Place>,
    rows: HashMap<[u8; 16], u64>,
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
        let settled = first.map_or(next, |(_, first)| next.min(*first));
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
    pub(super) fn sent(&mut self, row: u64, place: Place, tag: [u8; 16]) {
        self.rows.insert(tag, row);
        self.sent.insert(row, place);
    }

    /// The peer keeps the parcel; returns its row the first time.
    pub(super) fn confirm(&mut self, tag: &[u8; 16]) -> Option<u64> {
        let row = self.rows.remove(tag)?;
        self.sent.remove(&row);
        Some(row)
    }

    /// Whether anything handed over lacks custody.
    pub(super) fn is_waiting(&self) -> bool {
        !self.sent.is_empty()
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

    fn go(passage: &mut Passage, row: u64, place: Place) {
        passage.passed(place);
        let mut tag = [0; 16];
        tag[..8].copy_from_slice(&row.to_be_bytes());
        passage.sent(row, place, tag);
    }

    fn confirm(passage: &mut Passage, row: u64) {
        let mut tag = [0; 16];
        tag[..8].copy_from_slice(&row.to_be_bytes());
        assert_eq!(passage.confirm(&tag), Some(row));
        assert_eq!(passage.confirm(&tag), None);
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
}
