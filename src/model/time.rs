//! Points in time as stored and spoken.

/// Milliseconds since 1970-01-01 UTC, by some wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This moment plus `span`, at most the end of time.
    #[must_use]
    pub fn after(self, span: std::time::Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

/// A hybrid logical clock reading (Kulkarni et al., "Logical Physical Clocks", 2014):
/// 48 bits of milliseconds, 16 bits of counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hlc(pub u64);

impl Hlc {
    /// The reading for an event at wall time `now` after everything up to `self`.
    #[must_use]
    pub fn tick(self, now: Timestamp) -> Self {
        let wall = u64::try_from(now.0).unwrap_or(0).min((1 << 48) - 1) << 16;
        Self(wall.max(self.0.saturating_add(1)))
    }

    /// The wall part.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        Timestamp(i64::try_from(self.0 >> 16).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn readings_only_rise(start: u64, now: i64) {
            let start = Hlc(start.min(u64::MAX - 1));
            prop_assert!(start.tick(Timestamp(now)) > start);
        }
    }
}
