//! What is queued is seen at once, reaches the disk in order, and stays there.

use super::*;
use crate::store::{
    Read, event_log,
    records::{EventHead, EventRecord},
};
use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn what_was_committed_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    commit(&store, |txn| set(txn, "a", b"1")).unwrap();
    drop(store);
    assert_eq!(value(&open(dir.path()).read(), "a").unwrap(), b"1");
}

#[tokio::test]
async fn a_closed_store_frees_its_folder_and_serves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut txn = store.begin();
    set(&mut txn, "a", b"1");
    store.commit(txn).await.unwrap();
    let late = store.clone();
    store.close().await.unwrap();
    let again = open(dir.path());
    assert_eq!(value(&again.read(), "a").unwrap(), b"1");
    assert!(matches!(
        late.read().get::<SettingRecord>(b"a"),
        Err(StoreError::Closed)
    ));
    assert!(matches!(late.queue(late.begin()), Err(StoreError::Closed)));
    late.close().await.unwrap();
}

#[test]
fn what_is_queued_is_read_at_once_but_not_as_settled() {
    let dir = tempfile::tempdir().unwrap();
    let (tell, plan) = hand();
    let groups = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&groups);
    let store = open_with(dir.path(), move |group| {
        counted.fetch_add(1, Ordering::SeqCst);
        plan(group)
    });
    let tickets: Vec<_> = (0..10_u8)
        .map(|n| {
            let mut txn = store.begin();
            let seen = value(&txn, "counter").map_or(0, |value| value[0]);
            assert_eq!(seen, n);
            set(&mut txn, "counter", &[n + 1]);
            store.queue(txn).unwrap()
        })
        .collect();
    assert_eq!(value(&store.read(), "counter").unwrap(), [10]);
    assert_eq!(value(&store.read_settled(), "counter"), None);
    tell.send(Fault::None).unwrap();
    for ticket in tickets {
        ticket.wait().unwrap();
    }
    assert_eq!(value(&store.read_settled(), "counter").unwrap(), [10]);
    assert_eq!(groups.load(Ordering::SeqCst), 1, "all in one group");
}

#[test]
fn a_kill_after_the_ticket_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for n in 0..50_u8 {
        commit(&store, |txn| {
            set(txn, &n.to_string(), &[n; 700]);
            event_log::append(txn, EventRecord::default()).unwrap()
        })
        .unwrap();
        if n % 10 == 9 {
            let left = image(dir.path());
            let again = open(left.path());
            for n in 0..=n {
                assert_eq!(value(&again.read(), &n.to_string()).unwrap(), [n; 700]);
            }
            let next = commit(&again, |txn| {
                event_log::append(txn, EventRecord::default()).unwrap()
            });
            assert_eq!(next.unwrap(), u64::from(n) + 2);
        }
    }
}

#[test]
fn threads_that_count_together_lose_no_count() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    commit(&store, |txn| {
                        txn.edit::<EventHead>(b"count").unwrap().next += 1;
                        event_log::append(txn, EventRecord::default()).unwrap();
                    })
                    .unwrap();
                }
            });
        }
    });
    let count = store.read().get::<EventHead>(b"count").unwrap().unwrap();
    assert_eq!(count.next, 200);
    let (_, events) = event_log::read(&store, 0, 1_000).unwrap();
    let seqs: Vec<_> = events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (1..=200).collect::<Vec<_>>());
}

#[test]
fn an_abandoned_transaction_never_was() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut txn = store.begin();
    set(&mut txn, "a", b"1");
    drop(txn);
    assert_eq!(value(&store.begin(), "a"), None);
}

#[test]
fn a_transaction_sees_its_own_writes_and_removals() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    commit(&store, |txn| set(txn, "a", b"old")).unwrap();
    let mut txn = store.begin();
    txn.delete::<SettingRecord>(b"a").unwrap();
    assert!(!txn.contains::<SettingRecord>(b"a").unwrap());
    assert!(missing::<SettingRecord>(
        &txn.edit_existing::<SettingRecord>(b"a").err().unwrap()
    ));
    let record = txn.edit::<SettingRecord>(b"a").unwrap();
    assert!(record.value.is_empty(), "a removed record comes back empty");
    record.value = b"new".to_vec();
    assert_eq!(value(&txn, "a").unwrap(), b"new");
    assert_eq!(value(&store.read(), "a").unwrap(), b"old");
    store.queue(txn).unwrap().wait().unwrap();
    assert_eq!(value(&store.read_settled(), "a").unwrap(), b"new");
}

#[test]
fn what_is_removed_stays_removed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    commit(&store, |txn| set(txn, "a", b"1")).unwrap();
    commit(&store, |txn| txn.delete::<SettingRecord>(b"a").unwrap()).unwrap();
    assert_eq!(value(&store.read(), "a"), None);
    drop(store);
    assert_eq!(value(&open(dir.path()).read(), "a"), None);
}

#[test]
fn a_step_that_fails_leaves_what_was_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    commit(&store, |txn| set(txn, "disk", b"old")).unwrap();
    let mut txn = store.begin();
    set(&mut txn, "before", b"kept");
    let failed: Result<(), ()> = txn.attempt(|txn| {
        let inner: Result<(), ()> = txn.attempt(|txn| {
            let before = txn.edit::<SettingRecord>(b"before").unwrap();
            before.value = b"changed".to_vec();
            Ok(())
        });
        inner?;
        set(txn, "disk", b"new");
        set(txn, "step", b"gone");
        txn.delete::<SettingRecord>(b"before").unwrap();
        Err(())
    });
    assert!(failed.is_err());
    let done: Result<(), ()> = txn.attempt(|txn| {
        set(txn, "second", b"kept");
        Ok(())
    });
    assert!(done.is_ok());
    store.queue(txn).unwrap().wait().unwrap();
    let view = store.read();
    assert_eq!(value(&view, "before").unwrap(), b"kept");
    assert_eq!(value(&view, "second").unwrap(), b"kept");
    assert_eq!(value(&view, "disk").unwrap(), b"old");
    assert_eq!(value(&view, "step"), None);
}
