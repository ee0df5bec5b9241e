//! Tags: sender and receiver agree under loss, repetition, reordering and rolling, and no
//! parcel counts twice.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{
    model::Timestamp,
    protocol::{SendTags, TAG_EPOCH},
};

fn key() -> Secret<32> {
    Secret::new([9; 32])
}

/// What the network does with the next few parcels.
#[derive(Clone, Debug)]
enum Step {
    Send {
        count: usize,
        days: i64,
    },
    Deliver {
        at: prop::sample::Index,
        again: bool,
    },
    Announce,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let send = (1..20_usize, 0..5_i64).prop_map(|(count, days)| Step::Send { count, days });
    let deliver = (any::<prop::sample::Index>(), any::<bool>())
        .prop_map(|(at, again)| Step::Deliver { at, again });
    prop::collection::vec(
        prop_oneof![2 => send, 6 => deliver, 1 => Just(Step::Announce)],
        1..60,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn both_sides_agree_whatever_the_network_does(steps in steps()) {
        let mut send = SendTags::new(key(), Timestamp(0));
        let mut recv = RecvTags::new(key());
        let (mut now, mut flying, mut taken) = (0_i64, Vec::new(), HashSet::new());
        for step in steps {
            match step {
                Step::Send { count, days } => {
                    now += days * 86_400_000;
                    for _ in 0..count {
                        let (epoch, j) = send.take(Timestamp(now));
                        flying.push((tag(&send.key, DIRECT_PATH, j), epoch, j));
                    }
                }
                Step::Deliver { at, again } if !flying.is_empty() => {
                    // Near the front: links keep their order, only attempts overlap.
                    let at = at.index(flying.len().min(40));
                    let (found, epoch, j) = flying[at];
                    let slot = recv.find(&found);
                    let first = !taken.contains(&(epoch, j));
                    if let Some(slot) = slot {
                        prop_assert_eq!((slot.epoch, slot.j), (epoch, j));
                        if first && !slot.burnt {
                            prop_assert_eq!(recv.key(epoch).map(|key| tag(&key, DIRECT_PATH, j)), Some(found));
                            prop_assert!(recv.burn(epoch, j));
                            taken.insert((epoch, j));
                        }
                        prop_assert!(recv.find(&found).is_none_or(|slot| slot.burnt));
                    }
                    prop_assert!(!(taken.contains(&(epoch, j)) && recv.burn(epoch, j)));
                    if !again {
                        flying.remove(at);
                    }
                }
                Step::Deliver { .. } => {}
                Step::Announce => {
                    // Everything still flying is given up except the newest few.
                    flying.drain(..flying.len().saturating_sub(3));
                    let (epoch, next) = flying
                        .iter()
                        .map(|(_, epoch, j)| (*epoch, *j))
                        .min()
                        .unwrap_or((send.epoch, send.next));
                    recv.advance(epoch, next).expect("an honest announcement");
                }
            }
        }
        // After an announcement the oldest parcel still flying is always recognised.
        let oldest = flying.iter().min_by_key(|(_, epoch, j)| (*epoch, *j)).copied();
        if let Some((oldest, epoch, j)) = oldest && !taken.contains(&(epoch, j)) && epoch + 7 >= recv.epoch {
            recv.advance(epoch, j).expect("honest");
            prop_assert!(recv.find(&oldest).is_some());
        }
    }

    #[test]
    fn arbitrary_announcements_only_move_forwards(moves in prop::collection::vec((0..200_u32, any::<u64>()), 0..20)) {
        let mut recv = RecvTags::new(key());
        for (epoch, next) in moves {
            let before = recv.clone();
            match recv.advance(epoch, next) {
                Ok(()) => prop_assert!((recv.epoch, recv.current.next) >= (before.epoch, before.current.next)),
                Err(TagError::TooFar) => prop_assert_eq!(&recv, &before),
            }
            prop_assert!(recv.window().take(9000).count() <= 8 * 1024 + 64);
        }
    }

    #[test]
    fn arbitrary_places_never_burn_twice(places in prop::collection::vec((0..4_u32, 0..200_u64), 0..300)) {
        let mut recv = RecvTags::new(key());
        let mut burnt = HashSet::new();
        for place in places {
            if recv.burn(place.0, place.1) {
                prop_assert!(burnt.insert(place));
            }
        }
    }
}

#[test]
fn one_lost_parcel_does_not_stall_the_rest() {
    let mut recv = RecvTags::new(key());
    for j in 1..1000 {
        assert!(recv.burn(0, j), "{j}");
    }
    assert_eq!(recv.current.next, 0);
    assert!(recv.burn(0, 0));
    assert_eq!(recv.current.next, 1000);
    assert!(recv.current.seen.is_empty());
}

#[test]
fn the_window_is_bounded_and_an_announcement_moves_it() {
    let mut recv = RecvTags::new(key());
    assert_eq!(recv.window().count(), 64 + 64);
    assert!(!recv.burn(0, 64));
    for j in (63..1024).step_by(63) {
        assert!(recv.burn(0, j));
    }
    assert!(!recv.burn(0, 1024));
    recv.advance(0, 1020).expect("near");
    assert!(recv.burn(0, 1024));
    assert_eq!(recv.advance(65, 0), Err(TagError::TooFar));
    assert_eq!(recv.advance(0, u64::MAX), Err(TagError::TooFar));
}

#[test]
fn used_tags_are_remembered_across_a_roll() {
    let mut recv = RecvTags::new(key());
    let first = tag(&key(), DIRECT_PATH, 0);
    assert!(recv.burn(0, 0));
    assert!(recv.burn(1, 0));
    let slot = recv.find(&first).expect("remembered");
    assert!(slot.burnt && slot.epoch == 0);
    // The epoch before still has open numbers until the sender says otherwise.
    assert!(recv.burn(0, 1));
    recv.advance(1, 1).expect("near");
    assert!(!recv.burn(0, 2));
    assert!(recv.find(&first).expect("remembered").burnt);
    assert!(recv.find(&tag(&key(), DIRECT_PATH, 2)).is_none());
}

#[test]
fn a_backlog_of_seven_epochs_can_be_filled_in_and_is_remembered() {
    let mut send = SendTags::new(key(), Timestamp(0));
    let mut recv = RecvTags::new(key());
    let mut sent = Vec::new();
    for week in 0..8 {
        let now = Timestamp(0).after(TAG_EPOCH * week);
        for _ in 0..3 {
            let (epoch, j) = send.take(now);
            sent.push((tag(&send.key, DIRECT_PATH, j), epoch, j));
        }
    }
    // One of each epoch was dropped here and comes again at the end.
    let (late, first): (Vec<_>, Vec<_>) = sent.iter().partition(|(_, _, j)| *j == 1);
    for (tag, epoch, j) in first.into_iter().chain(late) {
        let slot = recv.find(&tag).expect("expected");
        assert!(!slot.burnt && (slot.epoch, slot.j) == (epoch, j));
        assert!(recv.burn(epoch, j));
    }
    assert!(
        sent.iter()
            .all(|(tag, ..)| recv.find(tag).expect("known").burnt)
    );
    // The word that all before epoch 3 is settled closes those epochs and no others.
    recv.advance(3, 0).expect("near");
    assert!(!recv.is_open(2, 3) && recv.is_open(3, 3));
    assert!(
        sent.iter()
            .all(|(tag, ..)| recv.find(tag).expect("known").burnt)
    );
}

#[test]
fn a_named_place_is_taken_once_however_far_ahead() {
    let mut recv = RecvTags::new(key());
    assert!(recv.burn_named(0, 900) && !recv.burn_named(0, 900));
    assert!(recv.is_open(0, 0) && recv.is_open(0, 963) && !recv.is_open(0, 900));
    // The list of what was taken stays bounded.
    assert!(recv.is_beyond(0, 1024) && !recv.burn_named(0, 1024));
    assert!(!recv.is_beyond(0, 1023) && recv.burn_named(0, 1023));
    // Epochs in between still wait for what was sent in them.
    assert!(!recv.is_beyond(2, 5) && recv.burn_named(2, 5));
    assert_eq!(recv.epoch, 2);
    assert!(recv.burn_named(1, 7) && recv.burn_named(0, 1));
    assert!(recv.is_open(1, 0) && recv.is_open(2, 0));
    assert!(recv.is_beyond(200, 0) && !recv.burn_named(200, 0));
    // What was given up stays so.
    recv.advance(2, 3).expect("near");
    assert!(!recv.is_beyond(0, 2) && !recv.burn_named(0, 2) && !recv.burn_named(2, 2));
    assert!(recv.burn_named(2, 3) && !recv.burn_named(2, 5));
}

#[test]
fn only_the_last_1024_are_remembered() {
    let mut recv = RecvTags::new(key());
    for j in 0..1100 {
        assert!(recv.burn(0, j));
    }
    assert!(recv.find(&tag(&key(), DIRECT_PATH, 75)).is_none());
    assert!(
        recv.find(&tag(&key(), DIRECT_PATH, 76))
            .expect("remembered")
            .burnt
    );
}

#[test]
fn keys_and_tags_match_the_committed_vectors() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../tests/fixtures/vectors/tags.json"))
            .expect("JSON");
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let pair = crate::protocol::PairKeys::derive(&Secret::new([0x42; 32]), true);
    for (name, found) in [
        ("pair", hex(pair.pair.as_bytes())),
        ("link", hex(pair.link.as_bytes())),
        ("conversation", pair.conversation.to_string()),
        ("invitee_tag_key", hex(pair.send_tag.as_bytes())),
        ("inviter_tag_key", hex(pair.recv_tag.as_bytes())),
    ] {
        assert_eq!(vectors[name].as_str(), Some(found.as_str()), "{name}");
    }
    let mut send = SendTags::new(pair.send_tag, Timestamp(0));
    let mut now = Timestamp(0);
    for case in vectors["tags"].as_array().expect("a list") {
        let (epoch, j) = send.take(now);
        assert_eq!(case["epoch"].as_u64(), Some(epoch.into()));
        assert_eq!(case["j"].as_u64(), Some(j));
        assert_eq!(
            case["key"].as_str(),
            Some(hex(send.key.as_bytes()).as_str())
        );
        let direct = tag(&send.key, DIRECT_PATH, j);
        assert_eq!(case["tag"].as_str(), Some(hex(&direct.0).as_str()));
        if j == 1 {
            now = now.after(TAG_EPOCH);
        }
    }
}
