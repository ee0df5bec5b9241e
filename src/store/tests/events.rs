//! What the event log, its readers and the answers to repeated calls promise.

use super::{tables::store, *};
use crate::store::{
    event_log, idempotency,
    records::{ConsumerRecord, EventRecord, IdempotencyRecord},
};

#[test]
fn event_numbers_rise_over_restarts_and_old_events_go() {
    const KEPT: u64 = 200;
    let (dir, mut store) = store();
    assert_eq!(event_log::bounds(&store).unwrap(), (1, 1));
    for next in 1..=500 {
        commit(&store, |txn| {
            let event = EventRecord {
                n: next,
                ..EventRecord::default()
            };
            let seq = event_log::append_keeping(KEPT, txn, event).unwrap();
            assert_eq!(seq, next);
        })
        .unwrap();
        let (first, end) = event_log::bounds(&store).unwrap();
        assert_eq!(end, next + 1);
        assert!(first == 1 || (KEPT..KEPT + 64).contains(&(end - first)));
        if next % 130 == 0 {
            drop(store);
            store = open(dir.path());
        }
    }
    let (first, _) = event_log::bounds(&store).unwrap();
    assert_eq!(first, 256);
    let events = event_log::read(&store, 0, 100).unwrap().1;
    assert_eq!(events.len(), 100);
    assert!(
        events
            .iter()
            .zip(first..)
            .all(|(event, n)| event.seq == n && event.n == n)
    );
    assert_eq!(event_log::read(&store, 497, 100).unwrap().1.len(), 3);
    assert!(event_log::read(&store, 500, 100).unwrap().1.is_empty());
    assert!(event_log::read(&store, u64::MAX, 100).unwrap().1.is_empty());
    // The events, their head, the conversation, the route and their two indexes.
    assert_eq!(store.count().unwrap(), (500 / 64 - 256 / 64 + 1) + 1 + 4);
}

#[test]
fn an_event_is_read_only_once_it_is_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let (tell, plan) = hand();
    let store = open_with(dir.path(), plan);
    let mut txn = store.begin();
    assert_eq!(
        event_log::append(&mut txn, EventRecord::default()).unwrap(),
        1
    );
    let ticket = store.queue(txn).unwrap();
    assert!(event_log::read(&store, 0, 9).unwrap().1.is_empty());
    tell.send(Fault::Refuse).unwrap();
    ticket.wait().unwrap_err();
    tell.send(Fault::None).unwrap();
    let again = commit(&store, |txn| {
        event_log::append(txn, EventRecord::default()).unwrap()
    });
    assert_eq!(again.unwrap(), 1, "a number that nobody saw is given again");
    assert_eq!(event_log::read(&store, 0, 9).unwrap().1.len(), 1);
}

#[test]
fn consumers_are_kept_by_name() {
    let (_dir, store) = store();
    let consumer = |acknowledged| ConsumerRecord {
        name: "tray".into(),
        acknowledged,
        at: 0,
    };
    for acknowledged in [1, 2] {
        commit(&store, |txn| {
            event_log::put_consumer(txn, &consumer(acknowledged)).unwrap();
        })
        .unwrap();
    }
    let list = event_log::consumers(&store.read()).unwrap();
    assert_eq!((list.len(), list[0].acknowledged), (1, 2));
    commit(&store, |txn| {
        assert!(event_log::remove_consumer(txn, "tray").unwrap())
    })
    .unwrap();
    assert!(
        event_log::consumer(&store.read(), "tray")
            .unwrap()
            .is_none()
    );
}

#[test]
fn answers_are_kept_a_day_and_the_table_stays_bounded() {
    const HOUR: i64 = 3_600_000;
    let (_dir, store) = store();
    let answer = |at| IdempotencyRecord {
        at,
        ..IdempotencyRecord::default()
    };
    // One call each hour of ten days.
    commit(&store, |txn| {
        for hour in 0..240 {
            let key = hour.to_string();
            idempotency::put(txn, "Send", &key, &answer(hour * HOUR)).unwrap();
        }
    })
    .unwrap();
    let now = 239 * HOUR;
    let kept = |call: &str, hour: i64, now| {
        let found = idempotency::get(&store.read(), call, &hour.to_string(), now);
        found.unwrap().is_some()
    };
    assert!((216..240).all(|hour| kept("Send", hour, now)));
    assert!((0..215).all(|hour| !kept("Send", hour, now)));
    assert!(!kept("Sen", 239, now));
    assert!(!kept("Send", 239, now + 7 * 24 * HOUR));
    assert_eq!(idempotency::rows(&store.read()).unwrap().len(), 24);
    let cleared = commit(&store, |txn| {
        idempotency::prune(txn, now + 48 * HOUR, 1_000).unwrap()
    });
    assert_eq!(cleared.unwrap(), 24);
    assert!(idempotency::rows(&store.read()).unwrap().is_empty());
    commit(&store, |txn| {
        idempotency::put(txn, "Send", "new", &answer(now)).unwrap()
    })
    .unwrap();
    assert_eq!(idempotency::rows(&store.read()).unwrap().len(), 1);
}
