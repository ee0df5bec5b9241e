//! Moments as people read them, in their own time zone.

use jiff::{Timestamp, tz::TimeZone};

/// `2026-03-01 14:05`, or nothing for a moment outside the calendar.
pub(crate) fn minute(ms: i64) -> String {
    format(ms, "%Y-%m-%d %H:%M", TimeZone::system())
}

/// `14:05:09`.
pub(crate) fn second_of_day(ms: i64) -> String {
    format(ms, "%H:%M:%S", TimeZone::system())
}

/// The same as [`minute`] for a moment that may be unknown.
pub(crate) fn maybe(ms: Option<i64>) -> String {
    ms.map(minute).unwrap_or_default()
}

fn format(ms: i64, format: &str, zone: TimeZone) -> String {
    Timestamp::from_millisecond(ms)
        .map(|moment| moment.to_zoned(zone).strftime(format).to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_in_the_zone() {
        let show = |hours| {
            let zone = TimeZone::fixed(jiff::tz::offset(hours));
            format(1_772_373_909_000, "%Y-%m-%d %H:%M:%S", zone)
        };
        assert_eq!(show(0), "2026-03-01 14:05:09");
        assert_eq!(show(11), "2026-03-02 01:05:09");
    }

    #[test]
    fn a_moment_outside_the_calendar_is_left_out() {
        assert_eq!(minute(i64::MAX), "");
        assert_eq!(maybe(None), "");
    }
}
