//! What has arrived, and when to say so (`protocol.md` E.1, C.5).

use std::time::Duration;

use super::{Lane, RecvTags, tags::PAST_EPOCHS};

/// Most epochs in one receipt: all that the recipient remembers.
pub(super) const MAX_EPOCHS: usize = 1 + PAST_EPOCHS;
/// Most ranges per epoch.
pub(super) const MAX_RANGES: usize = 128;
/// Most parcels reported as unreadable at once.
pub(super) const MAX_CANNOT_OPEN: usize = 64;

/// Which of one epoch's parcels are durable at their recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpochReceipt {
    /// Tag epoch.
    pub epoch: u32,
    /// All numbers below this one.
    pub below: u64,
    /// Further ones as half-open ranges, rising and apart from each other.
    pub ranges: Vec<(u64, u64)>,
}

impl EpochReceipt {
    fn of(epoch: u32, lane: &Lane) -> Self {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for &j in &lane.seen {
            match ranges.last_mut() {
                Some((_, end)) if *end == j => *end = j.saturating_add(1),
                _ => ranges.push((j, j.saturating_add(1))),
            }
        }
        // The rest is told once the gaps have closed: receipts repeat what they said.
        ranges.truncate(MAX_RANGES);
        Self {
            epoch,
            below: lane.next,
            ranges,
        }
    }

    fn covers(&self, j: u64) -> bool {
        j < self.below
            || self
                .ranges
                .iter()
                .any(|(start, end)| (*start..*end).contains(&j))
    }

    pub(super) fn is_sound(&self) -> bool {
        let mut end = self.below;
        self.ranges.len() <= MAX_RANGES
            && self.ranges.iter().all(|(start, stop)| {
                let sound = *start > end && stop > start;
                end = *stop;
                sound
            })
    }
}

/// The recipient's signed word on what it has. Cumulative and idempotent; never itself
/// receipted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// What is stored, newest epoch first.
    pub epochs: Vec<EpochReceipt>,
    /// Every text up to this author number was read; 0 if the reader does not tell.
    pub read_up_to: u64,
    /// Places whose parcels arrived and could not be opened.
    pub cannot_open: Vec<(u32, u64)>,
}

impl Receipt {
    /// Says what `tags` has taken.
    #[must_use]
    pub fn of(tags: &RecvTags) -> Self {
        let epochs = tags.lanes();
        Self {
            epochs: epochs
                .map(|(epoch, lane)| EpochReceipt::of(epoch, lane))
                .collect(),
            ..Self::default()
        }
    }

    /// Whether the parcel at this place is stored there, opened.
    #[must_use]
    pub fn covers(&self, epoch: u32, j: u64) -> bool {
        !self.refuses(epoch, j)
            && self
                .epochs
                .iter()
                .any(|entry| entry.epoch == epoch && entry.covers(j))
    }

    /// Whether the parcel at this place arrived and could not be opened.
    #[must_use]
    pub fn refuses(&self, epoch: u32, j: u64) -> bool {
        self.cannot_open.contains(&(epoch, j))
    }

    pub(super) fn is_sound(&self) -> bool {
        let falling = |pair: &[EpochReceipt]| matches!(pair, [a, b] if a.epoch > b.epoch);
        self.epochs.len() <= MAX_EPOCHS
            && self.cannot_open.len() <= MAX_CANNOT_OPEN
            && self.epochs.windows(2).all(falling)
            && self.epochs.iter().all(EpochReceipt::is_sound)
    }
}

/// Parcels stored within this span share a receipt.
pub const COALESCE: Duration = Duration::from_millis(50);

/// When to send a receipt over a live link: at once when all was quiet, else together with
/// whatever else arrives within [`COALESCE`]. Times are steady milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AckPolicy {
    last_sent: Option<u64>,
    due: Option<u64>,
}

impl AckPolicy {
    /// Something new is durable. Returns when the receipt is due.
    pub fn on_stored(&mut self, now_ms: u64) -> u64 {
        let span = u64::try_from(COALESCE.as_millis()).unwrap_or(0);
        let earliest = self
            .last_sent
            .map_or(now_ms, |last| last.saturating_add(span));
        *self.due.get_or_insert(earliest.max(now_ms))
    }

    /// When the receipt is due, if one is owed.
    #[must_use]
    pub fn due(&self) -> Option<u64> {
        self.due
    }

    /// Whether to send now; if so, it counts as sent.
    pub fn take(&mut self, now_ms: u64) -> bool {
        let ready = self.due.is_some_and(|due| due <= now_ms);
        if ready {
            self.due = None;
            self.last_sent = Some(now_ms);
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Secret;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_receipt_says_exactly_what_was_taken(places in prop::collection::vec((0..8_u32, 0..90_u64), 0..120)) {
            let mut tags = RecvTags::new(Secret::new([1; 32]));
            // Random places hardly ever open a next epoch.
            let opening = (0..8).map(|epoch| (epoch, 0));
            let taken: Vec<_> = opening
                .take(places.len() / 10)
                .chain(places)
                .filter(|(epoch, j)| tags.burn(*epoch, *j))
                .collect();
            let receipt = Receipt::of(&tags);
            prop_assert!(receipt.is_sound());
            for epoch in 0..9 {
                for j in 0..200 {
                    prop_assert_eq!(receipt.covers(epoch, j), taken.contains(&(epoch, j)));
                }
            }
        }
    }

    #[test]
    fn what_could_not_be_opened_is_not_covered() {
        let mut tags = RecvTags::new(Secret::new([1; 32]));
        assert!(tags.burn(0, 0));
        let mut receipt = Receipt::of(&tags);
        assert!(receipt.covers(0, 0));
        receipt.cannot_open.push((0, 0));
        assert!(!receipt.covers(0, 0));
        assert!(receipt.refuses(0, 0));
    }

    #[test]
    fn the_first_receipt_goes_at_once_and_a_burst_shares_the_second() {
        let mut policy = AckPolicy::default();
        assert_eq!(policy.on_stored(1000), 1000);
        assert!(policy.take(1000));
        assert_eq!(policy.on_stored(1001), 1050);
        assert_eq!(policy.on_stored(1030), 1050);
        assert!(!policy.take(1049));
        assert!(policy.take(1050));
        assert_eq!(policy.due(), None);
        assert!(!policy.take(5000));
        assert_eq!(policy.on_stored(5000), 5000);
    }
}
