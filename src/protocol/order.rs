//! In which order incoming texts are shown. What is stored is stored at once; only showing it
//! waits, and not for long, until what was written before it is there.

use std::collections::{BTreeMap, BTreeSet};

/// How many texts may be held back before waiting is over.
const MAX_HELD: usize = 64;
/// How many gaps may stay open before the oldest is given up.
const MAX_GAPS: usize = 256;

/// What to do with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accept {
    /// Show the texts with these author numbers, in this order.
    Deliver(Vec<u64>),
    /// Keep it until those before it are there, or [`Order::release`] says otherwise.
    Hold,
    /// It was here before.
    Duplicate,
}

/// The order of one author's texts in one conversation. Author numbers begin at 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Every number below was shown or is known never to come.
    pub next: u64,
    /// Every text taken below was shown. What is missing there is shown when it comes.
    pub released: u64,
    /// Runs of numbers taken above `next`, by their first number, with their ends (exclusive).
    /// No two touch each other, and none touches `next`.
    pub taken: BTreeMap<u64, u64>,
    /// Those among them, from `released` on, whose texts are held back.
    pub held: BTreeSet<u64>,
}

impl Default for Order {
    fn default() -> Self {
        Self {
            next: 1,
            released: 1,
            taken: BTreeMap::new(),
            held: BTreeSet::new(),
        }
    }
}

impl Order {
    /// A text with this number is here.
    pub fn accept(&mut self, seq: u64) -> Accept {
        if !self.take(seq) {
            return Accept::Duplicate;
        }
        let mut ready = Vec::new();
        if seq < self.released {
            ready.push(seq);
        } else {
            self.held.insert(seq);
        }
        if self.held.len() > MAX_HELD {
            ready.extend(self.release());
        } else {
            ready.extend(self.settle());
        }
        if ready.is_empty() {
            Accept::Hold
        } else {
            Accept::Deliver(ready)
        }
    }

    /// The author says that a text with this number will never come. Returns what can be
    /// shown now.
    pub fn void(&mut self, seq: u64) -> Vec<u64> {
        if self.take(seq) {
            self.settle()
        } else {
            Vec::new()
        }
    }

    /// Waiting is over: everything held back, in order. What is missing is shown when, and
    /// if, it comes.
    pub fn release(&mut self) -> Vec<u64> {
        if let Some((_, end)) = self.taken.last_key_value() {
            self.released = self.released.max(*end);
        }
        self.settle()
    }

    /// Whether something is held back.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Runs of numbers, as half-open ranges, that are missing before something taken.
    #[must_use]
    pub fn missing(&self) -> Vec<(u64, u64)> {
        let ends = std::iter::once(self.next).chain(self.taken.values().copied());
        ends.zip(self.taken.keys().copied()).collect()
    }

    /// Notes a number. False if it was here.
    fn take(&mut self, seq: u64) -> bool {
        let before = self.taken.range(..=seq).next_back();
        let before = before.map(|(start, end)| (*start, *end));
        // The last number of all has none after it to wait for; no author gets that far.
        if seq < self.next || seq == u64::MAX || before.is_some_and(|(_, end)| seq < end) {
            return false;
        }
        let start = before
            .filter(|(_, end)| *end == seq)
            .map_or(seq, |(start, _)| start);
        let end = seq.saturating_add(1);
        let end = self.taken.remove(&end).unwrap_or(end);
        self.taken.insert(start, end);
        if self.taken.len() > MAX_GAPS {
            self.next = self.taken.first_key_value().map_or(self.next, |run| *run.0);
        }
        if let Some(end) = self.taken.remove(&self.next) {
            self.next = end;
        }
        true
    }

    /// Moves on over all that is there, and returns what may be shown thereby.
    fn settle(&mut self) -> Vec<u64> {
        self.released = self.released.max(self.next);
        if let Some((_, end)) = self.taken.range(..=self.released).next_back() {
            self.released = self.released.max(*end);
        }
        let later = self.held.split_off(&self.released);
        std::mem::replace(&mut self.held, later)
            .into_iter()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(order: &mut Order, seq: u64) -> Vec<u64> {
        match order.accept(seq) {
            Accept::Deliver(ready) => ready,
            Accept::Hold | Accept::Duplicate => Vec::new(),
        }
    }

    proptest! {
        #[test]
        fn any_permutation_with_duplicates_is_shown_once_in_order(
            seqs in Just((1..60_u64).chain(20..40).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let mut order = Order::default();
            let found: Vec<_> = seqs.into_iter().flat_map(|seq| shown(&mut order, seq)).collect();
            prop_assert_eq!(found, (1..60).collect::<Vec<_>>());
            prop_assert!(!order.is_holding());
            prop_assert_eq!(order, Order { next: 60, released: 60, ..Order::default() });
        }

        #[test]
        fn releases_and_voids_lose_and_double_nothing(
            steps in Just((1..40_u64).collect::<Vec<_>>()).prop_shuffle(),
            kinds in prop::collection::vec(0..4_u8, 40),
        ) {
            let mut order = Order::default();
            let (mut found, mut wanted) = (Vec::new(), BTreeSet::new());
            for (seq, kind) in steps.into_iter().zip(kinds) {
                if kind == 0 {
                    found.extend(order.void(seq));
                } else {
                    wanted.insert(seq);
                    found.extend(shown(&mut order, seq));
                }
                if kind == 1 {
                    found.extend(order.release());
                    prop_assert!(!order.is_holding());
                }
            }
            prop_assert!(!order.is_holding());
            prop_assert_eq!(found.len(), wanted.len());
            prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanted);
            prop_assert!(order.missing().is_empty());
        }

        #[test]
        fn arbitrary_numbers_stay_bounded(seqs in prop::collection::vec(any::<u64>(), 0..1200)) {
            let mut order = Order::default();
            let mut found = Vec::new();
            for seq in seqs {
                found.extend(shown(&mut order, seq));
                prop_assert!(order.taken.len() <= MAX_GAPS && order.held.len() <= MAX_HELD);
            }
            let count = found.len();
            found.sort_unstable();
            found.dedup();
            prop_assert_eq!(found.len(), count);
        }
    }

    #[test]
    fn a_gap_holds_what_follows_until_released() {
        let mut order = Order::default();
        assert_eq!(order.accept(1), Accept::Deliver(vec![1]));
        assert_eq!(order.accept(3), Accept::Hold);
        assert_eq!(order.accept(3), Accept::Duplicate);
        assert_eq!(order.missing(), [(2, 3)]);
        assert_eq!(order.release(), [3]);
        assert!(order.release().is_empty());
        assert_eq!(order.accept(0), Accept::Duplicate);
    }

    #[test]
    fn a_gap_that_was_waited_for_stops_nothing_more() {
        let mut order = Order::default();
        assert_eq!(order.accept(2), Accept::Hold);
        assert_eq!(order.release(), [2]);
        assert_eq!(order.accept(3), Accept::Deliver(vec![3]));
        // Another gap is waited for in its turn.
        assert_eq!(order.accept(5), Accept::Hold);
        assert_eq!(order.missing(), [(1, 2), (4, 5)]);
        assert_eq!(order.release(), [5]);
        assert_eq!(order.accept(4), Accept::Deliver(vec![4]));
        assert_eq!(order.accept(1), Accept::Deliver(vec![1]));
        let all = Order {
            next: 6,
            released: 6,
            ..Order::default()
        };
        assert_eq!(order, all);
    }

    #[test]
    fn waiting_is_over_when_too_many_wait() {
        let mut order = Order::default();
        let last = 2 + MAX_HELD as u64;
        for seq in 2..last {
            assert_eq!(order.accept(seq), Accept::Hold);
        }
        assert_eq!(order.accept(last), Accept::Deliver((2..=last).collect()));
        assert_eq!(order.accept(1), Accept::Deliver(vec![1]));
        assert_eq!(order.next, last + 1);
    }

    #[test]
    fn the_oldest_of_too_many_gaps_is_given_up() {
        let mut order = Order::default();
        for number in 1..=MAX_GAPS as u64 {
            order.accept(number * 2);
        }
        assert_eq!(order.next, 1);
        order.accept(MAX_GAPS as u64 * 2 + 2);
        assert_eq!(order.next, 3);
        assert_eq!(order.accept(1), Accept::Duplicate);
        assert_eq!(order.accept(3), Accept::Deliver(vec![3]));
    }
}
