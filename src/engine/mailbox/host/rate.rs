//! A bucket of tokens that fills up with time.

/// See the module. Times are milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    /// In thousandths of a token.
    level: u64,
    at_ms: u64,
}

/// How large a bucket is and how fast it fills.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    /// Tokens at the beginning, and at most.
    pub(super) burst: u64,
    /// Thousandths of a token a second.
    pub(super) per_1000_s: u64,
}

impl Bucket {
    pub(super) const fn full(rate: Rate, now_ms: u64) -> Self {
        Self {
            level: rate.burst * 1_000,
            at_ms: now_ms,
        }
    }

    /// Takes a token; false if there is none.
    pub(super) fn take(&mut self, rate: Rate, now_ms: u64) -> bool {
        let passed = now_ms.saturating_sub(self.at_ms);
        let gained = passed.saturating_mul(rate.per_1000_s) / 1_000;
        // What is too little to count yet must not be lost by asking often.
        let counted = gained.saturating_mul(1_000).checked_div(rate.per_1000_s);
        self.at_ms = self.at_ms.saturating_add(counted.unwrap_or(passed));
        self.level = self.level.saturating_add(gained).min(rate.burst * 1_000);
        let enough = self.level >= 1_000;
        if enough {
            self.level -= 1_000;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_at_its_rate() {
        let rate = Rate {
            burst: 3,
            per_1000_s: 500,
        };
        let mut bucket = Bucket::full(rate, 0);
        assert_eq!(
            [(); 4].map(|()| bucket.take(rate, 0)),
            [true, true, true, false]
        );
        for now in (1..2_000).step_by(7) {
            assert!(!bucket.take(rate, now), "{now}");
        }
        assert!(bucket.take(rate, 2_010));
        assert!(!bucket.take(rate, 2_020));
        assert_eq!(
            [(); 4].map(|()| bucket.take(rate, 1_000_000)),
            [true, true, true, false]
        );
    }
}
