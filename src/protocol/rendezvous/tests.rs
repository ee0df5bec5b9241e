//! Tests of items: what they say, to whom, and under which key.

use super::*;
use crate::crypto::SeededRandom;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Noon of 2026-11-23, UTC.
const NOW: Timestamp = Timestamp(1_795_435_200_000);
const HOUR_MS: i64 = 3_600_000;

fn sides() -> (Rendezvous, Rendezvous) {
    let side = |inviter| Rendezvous::new(Secret::new([7; 32]), inviter);
    (side(true), side(false))
}

fn here() -> Whereabouts {
    Whereabouts {
        addresses: vec![
            "192.0.2.1:4001".parse().unwrap(),
            "[2001:db8::1]:4002".parse().unwrap(),
        ],
    }
}

fn rng() -> SeededRandom {
    SeededRandom::new(1)
}

/// The inviter's item over a record of the test's making.
fn made_of(side: &Rendezvous, record: &[u8]) -> SignedItem {
    let (epoch, seq) = (side.epoch(NOW), 5);
    let signer = side.signer(side.inviter, epoch);
    let sealing = side.sealing(side.inviter, epoch);
    let mut value = vec![VERSION];
    value.extend(seal_bytes(
        &sealing,
        &aad(&signer.public(), seq),
        record,
        &mut rng(),
    ));
    SignedItem {
        key: signer.public(),
        seq,
        signature: signer.sign(&signable(seq, &value)),
        value,
    }
}

#[test]
fn each_side_reads_what_the_other_publishes_and_not_its_own() {
    let (alice, bob) = sides();
    let epoch = alice.epoch(NOW);
    assert_eq!(epoch, bob.epoch(NOW));
    for (writer, reader) in [(&alice, &bob), (&bob, &alice)] {
        let item = writer.item(&here(), NOW, None, &mut rng());
        assert_eq!(item.value.len(), ITEM_BYTES);
        assert_eq!(reader.open(epoch, &item), Ok(here()));
        assert_eq!(writer.open(epoch, &item), Err(RendezvousError::NotTheirs));
        assert_eq!(
            reader.open(epoch + 1, &item),
            Err(RendezvousError::NotTheirs)
        );
    }
    let stranger = Rendezvous::new(Secret::new([8; 32]), false);
    let item = alice.item(&here(), NOW, None, &mut rng());
    assert_eq!(
        stranger.open(stranger.epoch(NOW), &item),
        Err(RendezvousError::NotTheirs)
    );
}

#[test]
fn a_changed_item_is_not_theirs() {
    let (alice, bob) = sides();
    let item = alice.item(&here(), NOW, None, &mut rng());
    let epoch = bob.epoch(NOW);
    let refused = |item: &SignedItem| bob.open(epoch, item) == Err(RendezvousError::NotTheirs);
    for at in [0, 1, 25, 500, ITEM_BYTES - 1] {
        let mut changed = item.clone();
        changed.value[at] ^= 1;
        assert!(refused(&changed), "byte {at}");
    }
    let mut later = item.clone();
    later.seq += 1;
    assert!(refused(&later));
    let mut short = item.clone();
    short.value.pop();
    assert!(refused(&short));
    let mut unsigned = item;
    unsigned.signature = [0; 64];
    assert!(refused(&unsigned));
}

#[test]
fn nothing_recurs_the_day_after() {
    let (alice, _) = sides();
    let tomorrow = Timestamp(NOW.0 + DAY_MS);
    let (a, b) = (
        alice.item(&here(), NOW, None, &mut rng()),
        alice.item(&here(), tomorrow, None, &mut rng()),
    );
    assert_ne!(a.key, b.key);
    assert_ne!(a.seq, b.seq);
    let alike = a.value.iter().zip(&b.value).filter(|(a, b)| a == b).count();
    // Version and nonce (of one seed), and by chance one byte in 256.
    assert!(alike < 25 + 40, "{alike}");
}

#[test]
fn a_newer_version_is_told_from_a_forgery() {
    let (alice, bob) = sides();
    let mut item = alice.item(&here(), NOW, None, &mut rng());
    item.value[0] = 2;
    let epoch = alice.epoch(NOW);
    assert_eq!(bob.open(epoch, &item), Err(RendezvousError::NotTheirs));
    let signer = alice.signer(true, epoch);
    item.signature = signer.sign(&signable(item.seq, &item.value));
    assert_eq!(bob.open(epoch, &item), Err(RendezvousError::NewerVersion));
}

#[test]
fn numbers_rise_through_restarts_and_clock_jumps() {
    let (alice, _) = sides();
    let seq = |now: i64, last| alice.item(&here(), Timestamp(now), last, &mut rng()).seq;
    let first = seq(NOW.0, None);
    assert!(first >= 0);
    assert_eq!(seq(NOW.0 + 60_000, None), first + 60);
    assert_eq!(seq(NOW.0, Some(first)), first + 1);
    assert_eq!(seq(NOW.0 - 60_000, Some(first)), first + 1);
    let tomorrow = seq(NOW.0 + DAY_MS, Some(first));
    assert_eq!(tomorrow, seq(NOW.0 + DAY_MS, None));
}

#[test]
fn a_look_up_reaches_two_days_and_never_asks_for_more_than_three_keys() {
    let (_, bob) = sides();
    for hour in 0..24 {
        let now = Timestamp(NOW.0 + hour * HOUR_MS);
        let current = bob.epoch(now);
        let mut seen = Vec::new();
        for attempt in 0..4 {
            let epochs = bob.epochs(now, attempt);
            assert!(epochs.len() <= MAX_EPOCHS);
            assert_eq!(epochs[0], current);
            seen.extend(epochs);
        }
        for skew in [-48, -24, 0, 24, 48] {
            let theirs = bob.epoch(Timestamp(now.0 + skew * HOUR_MS));
            assert!(seen.contains(&theirs), "{skew} h apart");
        }
    }
}

#[test]
fn the_first_attempt_asks_for_the_former_key_while_its_item_lives() {
    let (_, bob) = sides();
    let start = NOW.0 + i64::try_from(bob.until_next(NOW).as_millis()).unwrap();
    let current = bob.epoch(Timestamp(start));
    assert_eq!(bob.epoch(Timestamp(start - 1)), current - 1);
    let epochs = |at| bob.epochs(Timestamp(at), 0);
    assert_eq!(epochs(start + HOUR_MS), [current, current - 1]);
    assert_eq!(epochs(start + 3 * HOUR_MS), [current]);
    assert_eq!(epochs(start - 60_000), [current - 1, current]);
}

#[test]
fn an_unknown_entry_is_passed_over() {
    let (alice, bob) = sides();
    let mut record = vec![9, 3, 1, 2, 3, 1, 6, 192, 0, 2, 1, 0, 80];
    record.resize(RECORD_BYTES, 0);
    let found = bob.open(bob.epoch(NOW), &made_of(&alice, &record)).unwrap();
    assert_eq!(found.addresses, ["192.0.2.1:80".parse().unwrap()]);
}

#[test]
fn senseless_records_are_refused() {
    let (alice, bob) = sides();
    let mut many = [1, 6, 192, 0, 2, 1, 0, 80].repeat(MAX_ADDRESSES + 1);
    many.resize(RECORD_BYTES, 0);
    let cases: [&[u8]; 8] = [
        &[1, 5, 192, 0, 2, 1, 0],
        &[2, 6, 192, 0, 2, 1, 0, 80],
        &[1, 6, 192, 0, 2, 1, 0, 0],
        &[1, 6, 0, 0, 0, 0, 0, 80],
        &[1, 6, 224, 0, 0, 1, 0, 80],
        &[1, 6, 255, 255, 255, 255, 0, 80],
        &[0, 1],
        &many,
    ];
    for case in cases {
        let mut record = case.to_vec();
        record.resize(RECORD_BYTES, 0);
        let opened = bob.open(bob.epoch(NOW), &made_of(&alice, &record));
        assert!(
            matches!(opened, Err(RendezvousError::Malformed(_))),
            "{case:?}: {opened:?}"
        );
    }
}

proptest! {
    #[test]
    fn whatever_is_said_is_heard(secret: [u8; 32], inviter: bool, now in -1_i64..4_000_000_000_000,
                                 ports in prop::collection::vec(1_u16.., 0..=MAX_ADDRESSES),
                                 ips in prop::collection::vec((1_u8..224, any::<[u8; 15]>(), any::<bool>()), MAX_ADDRESSES)) {
        let addresses = ports.iter().zip(ips).map(|(port, (first, rest, long))| {
            let ip = if long {
                let mut ip = [0; 16];
                ip[0] = first;
                ip[1..].copy_from_slice(&rest);
                IpAddr::from(ip)
            } else {
                IpAddr::from([first, rest[0], rest[1], rest[2]])
            };
            SocketAddr::new(ip, *port)
        });
        let here = Whereabouts { addresses: addresses.collect() };
        let now = Timestamp(now);
        let writer = Rendezvous::new(Secret::new(secret), inviter);
        let reader = Rendezvous::new(Secret::new(secret), !inviter);
        let item = writer.item(&here, now, None, &mut rng());
        prop_assert_eq!(item.value.len(), ITEM_BYTES);
        prop_assert_eq!(reader.open(reader.epoch(now), &item), Ok(here));
    }

    #[test]
    fn any_record_is_read_or_refused(mut record in prop::collection::vec(any::<u8>(), 0..=RECORD_BYTES)) {
        let (alice, bob) = sides();
        record.resize(RECORD_BYTES, 0);
        if let Ok(found) = bob.open(bob.epoch(NOW), &made_of(&alice, &record)) {
            prop_assert!(found.addresses.len() <= MAX_ADDRESSES);
            prop_assert!(found.addresses.iter().all(is_dialable));
        }
    }

    #[test]
    fn any_value_is_read_or_refused(value in prop::collection::vec(any::<u8>(), 0..1100), seq: i64) {
        let (_, bob) = sides();
        let epoch = bob.epoch(NOW);
        let item = SignedItem { key: bob.their_key(epoch), seq, value, signature: [1; 64] };
        prop_assert_eq!(bob.open(epoch, &item), Err(RendezvousError::NotTheirs));
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What two who meet in the public directory must agree on for good. Keys, seal and signature
/// of the committed item were checked by an independent program.
#[test]
fn items_are_what_the_first_release_made() {
    let (alice, bob) = sides();
    let item = alice.item(&here(), NOW, None, &mut rng());
    let now = json!({
        "secret": hex(&[7; 32]),
        "now_ms": NOW.0,
        "addresses": here().addresses,
        "phase_ms": alice.phase_ms,
        "epoch": alice.epoch(NOW),
        "inviter_key": hex(&item.key),
        "invitee_key": hex(&alice.their_key(alice.epoch(NOW))),
        "seq": item.seq,
        "value": hex(&item.value),
        "signature": hex(&item.signature),
    });
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/vectors/rendezvous.json"
    );
    let committed: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(now, committed, "{now:#}");
    assert_eq!(bob.open(bob.epoch(NOW), &item), Ok(here()));
}
