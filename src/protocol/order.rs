//! In which order incoming texts are shown. What is stored is stored at once; only showing it
//! waits, and not for long, until what was written before it is there.

use std::collections::BTreeSet;

/// How many texts may be held back or stand beyond a gap before the gap is given up.
const MAX_BEYOND_GAP: usize = 1024;

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
    /// Every number taken from here on is held back; those below were shown.
    pub released: u64,
    /// Numbers taken at or above `next`.
    pub taken: BTreeSet<u64>,
    /// Those among `taken` that stand for nothing to show.
    pub void: BTreeSet<u64>,
}

impl Default for Order {
    fn default() -> Self {
        Self {
            next: 1,
            released: 1,
            taken: BTreeSet::new(),
            void: BTreeSet::new(),
        }
    }
}

impl Order {
    /// A text with this number is here.
    pub fn accept(&mut self, seq: u64) -> Accept {
        self.take(seq, false)
    }

    /// The author says that a text with this number will never come. Returns what can be
    /// shown now.
    pub fn void(&mut self, seq: u64) -> Vec<u64> {
        match self.take(seq, true) {
            Accept::Deliver(ready) => ready,
            Accept::Hold | Accept::Duplicate => Vec::new(),
        }
    }

    /// Waiting is over: everything held back, in order. What is missing is shown when, and
    /// if, it comes.
    pub fn release(&mut self) -> Vec<u64> {
        let ready = self.held().collect();
        if let Some(last) = self.taken.last() {
            self.released = self.released.max(last.saturating_add(1));
        }
        ready
    }

    /// Whether something is held back.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        self.held().next().is_some()
    }

    /// Runs of numbers, as half-open ranges, that are missing before something taken.
    #[must_use]
    pub fn missing(&self) -> Vec<(u64, u64)> {
        let mut from = self.next;
        let mut gaps = Vec::new();
        for seq in &self.taken {
            if *seq > from {
                gaps.push((from, *seq));
            }
            from = seq.saturating_add(1);
        }
        gaps
    }

    fn held(&self) -> impl Iterator<Item = u64> {
        let taken = self.taken.range(self.released..);
        taken.filter(|seq| !self.void.contains(seq)).copied()
    }

    fn take(&mut self, seq: u64, void: bool) -> Accept {
        // The last number of all has none after it to wait for; no author gets that far.
        if seq < self.next || seq == u64::MAX || !self.taken.insert(seq) {
            return Accept::Duplicate;
        }
        if void {
            self.void.insert(seq);
        }
        let mut ready = Vec::new();
        if seq < self.released && !void {
            ready.push(seq);
        }
        if self.taken.len() > MAX_BEYOND_GAP {
            ready.extend(self.release());
            self.next = self.taken.first().copied().unwrap_or(self.next);
        }
        while self.taken.remove(&self.next) {
            let shows = !self.void.remove(&self.next);
            if shows && self.next >= self.released {
                ready.push(self.next);
            }
            self.next = self.next.saturating_add(1);
            self.released = self.released.max(self.next);
        }
        if ready.is_empty() && !void && self.taken.contains(&seq) {
            Accept::Hold
        } else {
            Accept::Deliver(ready)
        }
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
                prop_assert!(order.taken.len() <= MAX_BEYOND_GAP + 1);
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
        assert_eq!(order.accept(4), Accept::Hold);
        assert_eq!(order.accept(2), Accept::Deliver(vec![2, 4]));
        assert_eq!(order.accept(0), Accept::Duplicate);
    }

    #[test]
    fn a_gap_is_given_up_when_too_much_stands_beyond_it() {
        let mut order = Order::default();
        for seq in 2..2 + MAX_BEYOND_GAP as u64 {
            assert_eq!(order.accept(seq), Accept::Hold);
        }
        let last = 2 + MAX_BEYOND_GAP as u64;
        assert_eq!(order.accept(last), Accept::Deliver((2..=last).collect()));
        assert_eq!(order.accept(1), Accept::Duplicate);
        assert_eq!(order.next, last + 1);
    }
}
