//! Mailbox tags: both sides agree under loss, repetition and reordering, and no tag is used
//! twice.

use super::*;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::HashSet;

const DAY: i64 = 86_400_000;

fn pair() -> Secret<32> {
    Secret::new([0x42; 32])
}

fn seed(batch: u32) -> Secret<32> {
    Secret::new([batch.to_le_bytes()[0]; 32])
}

fn grow(recv: &mut RecvBatches, count: u64, now: Timestamp) -> RecvBatch {
    recv.grow(count, now, |batch| {
        mailbox_tag_key(&pair(), true, 1, batch, &seed(batch))
    })
}

/// What the announcement tells the depositor.
fn told(made: &RecvBatch) -> SendBatch {
    SendBatch {
        batch: made.batch,
        key: mailbox_tag_key(&pair(), true, 1, made.batch, &seed(made.batch)),
        next: made.first,
        end: made.end,
        valid_until: made.valid_until,
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// The owner polls; its announcement takes this many steps, or is lost.
    Poll {
        days: i64,
    },
    /// An announcement arrives, whichever.
    Learn(prop::sample::Index),
    Deposit(usize),
    /// The host shows a parcel, perhaps again, in whatever order.
    Collect(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0..9_i64).prop_map(|days| Step::Poll { days }),
        2 => any::<prop::sample::Index>().prop_map(Step::Learn),
        3 => (1..30_usize).prop_map(Step::Deposit),
        6 => any::<prop::sample::Index>().prop_map(Step::Collect),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_tag_is_used_twice_and_both_sides_agree(steps in steps(), most in 1..400_u64) {
        let (mut recv, mut send) = (RecvBatches::new(1), SendBatches::new(1));
        let (mut now, mut announced, mut lying) = (Timestamp(0), Vec::new(), Vec::new());
        let (mut used, mut taken) = (HashSet::new(), HashSet::new());
        for step in steps {
            match step {
                Step::Poll { days } => {
                    now = Timestamp(now.0 + days * DAY);
                    recv.forget(now);
                    let wanted = recv.wanted(now, most);
                    prop_assert!(wanted <= OUTSTANDING_TAGS);
                    if wanted > 0 {
                        announced.push(grow(&mut recv, wanted, now));
                        prop_assert_eq!(recv.wanted(now, most), 0);
                    }
                    prop_assert!(recv.registered(now.after(MARGIN)) <= most);
                    prop_assert!(recv.batches.len() <= MAX_BATCHES);
                    prop_assert!(recv.expected().count() <= MAX_BATCHES * 64);
                }
                Step::Learn(at) if !announced.is_empty() => {
                    let batch = told(at.get(&announced));
                    let newer = batch.batch > send.latest;
                    prop_assert_eq!(send.learn(batch), newer);
                }
                Step::Deposit(count) => for _ in 0..count {
                    let left = send.left(now);
                    let Some((key, j)) = send.take(now) else {
                        prop_assert_eq!(left, 0);
                        break;
                    };
                    prop_assert_eq!(send.left(now), left - 1);
                    let fresh = tag(&key, 1, j);
                    prop_assert!(used.insert(fresh.0), "used twice");
                    lying.push((fresh, now));
                },
                Step::Collect(at) if !lying.is_empty() => {
                    let (wanted, since) = *at.get(&lying);
                    if now > since.after(PARCEL_TTL) {
                        continue;
                    }
                    let listed = recv.expected().any(|(tag, ..)| tag == wanted);
                    match recv.find(&wanted) {
                        Some(slot) => {
                            prop_assert_eq!(listed, !slot.used);
                            prop_assert!(recv.key(slot.batch).is_some());
                            prop_assert_eq!(recv.burn(slot.batch, slot.j), !slot.used);
                            prop_assert_eq!(taken.insert(wanted.0), !slot.used);
                        }
                        // Used up with its whole batch, or eight batches ago.
                        None => prop_assert!(taken.contains(&wanted.0) || recv.latest > 8),
                    }
                }
                _ => {}
            }
        }
    }
}

#[test]
fn what_a_host_swallowed_does_not_count_as_left() {
    let now = Timestamp(DAY);
    let mut recv = RecvBatches::new(1);
    assert_eq!(recv.wanted(now, 320), 64);
    let first = grow(&mut recv, 64, now);
    assert!(recv.burn(first.batch, 40));
    assert_eq!((recv.outstanding(now), recv.wanted(now, 320)), (23, 41));
    let second = grow(&mut recv, 41, now);
    assert_eq!((second.batch, second.first, second.end), (2, 64, 105));
    assert_eq!((recv.outstanding(now), recv.wanted(now, 320)), (64, 0));
    // The swallowed ones may still come.
    assert!(recv.burn(1, 3) && !recv.burn(1, 3) && !recv.burn(1, 64));
    // Nothing at all came for a week.
    assert_eq!(recv.wanted(Timestamp(9 * DAY), 320), 64);
}

#[test]
fn a_used_up_batch_is_forgotten_with_its_key() {
    let mut recv = RecvBatches::new(1);
    let made = grow(&mut recv, 2, Timestamp(0));
    assert!(recv.burn(1, 0));
    assert!(recv.key(1).is_some());
    assert!(recv.burn(1, 1));
    assert!(recv.key(1).is_none() && recv.batches.is_empty());
    let mut send = SendBatches::new(1);
    assert!(send.learn(told(&made)));
    assert!(send.take(Timestamp(0)).is_some() && send.take(Timestamp(0)).is_some());
    assert!(send.batches.is_empty() && !send.learn(told(&made)));
}

#[test]
fn tags_end_for_the_depositor_before_they_end_at_the_host() {
    let mut recv = RecvBatches::new(1);
    let made = grow(&mut recv, 64, Timestamp(0));
    let mut send = SendBatches::new(1);
    assert!(send.learn(told(&made)));
    assert_eq!(send.left(Timestamp(28 * DAY - 1)), 64);
    assert_eq!(send.left(Timestamp(28 * DAY)), 0);
    assert!(send.take(Timestamp(28 * DAY)).is_none());
    assert!(!recv.forget(Timestamp(60 * DAY - 1)));
    assert!(recv.forget(Timestamp(60 * DAY)) && recv.batches.is_empty());
}

#[test]
fn keys_and_tags_match_the_committed_vectors() {
    let vectors: Value = serde_json::from_str(include_str!(
        "../../../tests/fixtures/vectors/mailbox_tags.json"
    ))
    .expect("JSON");
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    for case in vectors.as_array().expect("a list") {
        let number =
            |name: &str| u32::try_from(case[name].as_u64().expect("a number")).expect("32");
        let (path, batch) = (number("path"), number("batch"));
        let inviter = case["from_inviter"].as_bool().expect("a bool");
        let key = mailbox_tag_key(&pair(), inviter, path, batch, &Secret::new([7; 32]));
        assert_eq!(case["key"].as_str(), Some(hex(key.as_bytes()).as_str()));
        let found = tag(&key, path, case["j"].as_u64().expect("a number"));
        assert_eq!(case["tag"].as_str(), Some(hex(&found.0).as_str()));
    }
}
