//! What each look finds well, and what it does not.

use super::*;
use std::os::unix::{fs::PermissionsExt, net::UnixListener};

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const MINUTE: i64 = 60_000;

fn judged(newest: Option<i64>, lags: &[i64]) -> Level {
    let newest = newest.map(|ago| Timestamp(NOW.0 - ago));
    judge_clock(NOW, newest, lags).level
}

#[test]
fn a_clock_is_right_while_nothing_speaks_against_it() {
    assert_eq!(judged(None, &[]), Level::Ok);
    assert_eq!(judged(Some(MINUTE), &[-MINUTE, 0, MINUTE]), Level::Ok);
    // A message that was long under way tells nothing.
    assert_eq!(judged(Some(0), &[-1_000 * MINUTE]), Level::Ok);
}

#[test]
fn a_clock_that_went_back_is_told_by_the_events() {
    assert_eq!(judged(Some(-4 * MINUTE), &[]), Level::Ok);
    assert_eq!(judged(Some(-6 * MINUTE), &[]), Level::Warning);
}

#[test]
fn a_slow_clock_is_told_by_most_contacts_and_not_by_one() {
    assert_eq!(judged(None, &[60 * MINUTE]), Level::Warning);
    assert_eq!(judged(None, &[60 * MINUTE, 0]), Level::Ok);
    assert_eq!(judged(None, &[60 * MINUTE, 61 * MINUTE, 0]), Level::Warning);
}

#[test]
fn a_clock_without_a_battery_is_an_error() {
    assert_eq!(judge_clock(Timestamp(0), None, &[]).level, Level::Error);
}

#[test]
fn a_disk_is_judged_by_what_is_kept_free() {
    let level = |free: u64| judge_disk(free << 20, 16 << 20).level;
    assert_eq!(
        [level(15), level(16), level(63), level(64)],
        [Level::Error, Level::Warning, Level::Warning, Level::Ok]
    );
}

#[test]
fn a_socket_is_there_closed_and_a_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("msgd.sock");
    assert_eq!(socket(&path).level, Level::Warning);
    let _listener = UnixListener::bind(&path).unwrap();
    for (mode, level) in [(0o600, Level::Ok), (0o660, Level::Warning)] {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&path, mode).unwrap();
        assert_eq!(socket(&path).level, level);
    }
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert_eq!(socket(&file).level, Level::Error);
}

#[test]
fn every_finding_that_is_not_well_says_what_to_do() {
    assert_eq!(unit(Some("msgd.service")).level, Level::Ok);
    let found = unit(None);
    assert_eq!(found.level, Level::Warning);
    assert!(found.text.contains("systemctl --user enable"));
}
