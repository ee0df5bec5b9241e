//! How much anybody on the network may make us do.

use std::{collections::HashMap, net::IpAddr};

/// Tokens are counted in thousandths, so that slow rates refill smoothly.
const TOKEN: u64 = 1_000;
/// Sources remembered one by one. When they are too many, all start over: the common quota
/// holds.
const MAX_SOURCES: usize = 256;

/// So much at a time, and so much a second for long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quota {
    burst: u64,
    per_second: u64,
    tokens: u64,
    at_ms: u64,
}

impl Quota {
    pub(super) const fn new(burst: u64, per_second: u64) -> Self {
        Self {
            burst,
            per_second,
            tokens: burst * TOKEN,
            at_ms: 0,
        }
    }

    /// Takes one, if there is one.
    pub(super) fn take(&mut self, now_ms: u64) -> bool {
        let gained = now_ms
            .saturating_sub(self.at_ms)
            .saturating_mul(self.per_second);
        self.tokens = self.tokens.saturating_add(gained).min(self.burst * TOKEN);
        self.at_ms = now_ms;
        let left = self.tokens.checked_sub(TOKEN);
        self.tokens = left.unwrap_or(self.tokens);
        left.is_some()
    }

    /// Whether the last one is taken.
    pub(super) const fn is_spent(&self) -> bool {
        self.tokens < TOKEN
    }
}

/// A quota for each source and one for all.
#[derive(Debug)]
pub(super) struct Quotas {
    each: Quota,
    all: Quota,
    sources: HashMap<IpAddr, Quota>,
}

impl Quotas {
    pub(super) fn new(each: Quota, all: Quota) -> Self {
        Self {
            each,
            all,
            sources: HashMap::new(),
        }
    }

    /// Takes one for `source`, if it and all together have one left. Who is over their own
    /// quota takes nothing from the others.
    pub(super) fn take(&mut self, source: IpAddr, now_ms: u64) -> bool {
        if self.sources.len() >= MAX_SOURCES && !self.sources.contains_key(&source) {
            self.sources.clear();
        }
        let own = self.sources.entry(source).or_insert(Quota {
            at_ms: now_ms,
            ..self.each
        });
        own.take(now_ms) && self.all.take(now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(n: u32) -> IpAddr {
        IpAddr::from(n.to_be_bytes())
    }

    #[test]
    fn a_burst_passes_and_then_so_many_a_second() {
        let mut quota = Quota::new(3, 2);
        let taken = (0..10).filter(|_| quota.take(1_000)).count();
        assert_eq!(taken, 3);
        assert!(quota.is_spent());
        assert!(!quota.take(1_499));
        assert!(quota.take(1_500));
        let taken = (0..10).filter(|_| quota.take(60_000)).count();
        assert_eq!(taken, 3, "a long silence saves up no more than a burst");
    }

    #[test]
    fn one_who_shouts_leaves_the_others_theirs() {
        let mut quotas = Quotas::new(Quota::new(4, 1), Quota::new(8, 4));
        let taken = (0..1_000).filter(|_| quotas.take(ip(1), 0)).count();
        assert_eq!(taken, 4);
        assert!(quotas.take(ip(2), 0));
        let taken = (3..1_000).filter(|n| quotas.take(ip(*n), 0)).count();
        assert_eq!(taken, 3);
    }

    #[test]
    fn countless_sources_leave_bounded_memory() {
        let mut quotas = Quotas::new(Quota::new(4, 1), Quota::new(8, 4));
        for n in 0..100_000 {
            quotas.take(ip(n), 0);
        }
        assert!(quotas.sources.len() <= MAX_SOURCES);
    }
}
