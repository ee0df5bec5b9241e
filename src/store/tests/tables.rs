//! What each table promises beyond keeping rows.

use super::*;
use crate::model::{ContactId, ConversationId, MessageId, RouteId};
use crate::store::{
    contacts, conversations, messages, outbox,
    records::{ContactRecord, MessageSegment, MessageText, OutboxRow, RouteRecord, SpoolRow},
    routes, spool,
};

const ROUTE: RouteId = RouteId([4; 16]);
const TALK: ConversationId = ConversationId([1; 16]);

pub(super) fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    commit(&store, |txn| {
        conversations::put(txn, &conversation(1)).unwrap();
        let route = RouteRecord {
            id: ROUTE.0.to_vec(),
            ..RouteRecord::default()
        };
        routes::put(txn, &route).unwrap();
    })
    .unwrap();
    (dir, store)
}

fn contact(id: u8, name: &str) -> ContactRecord {
    ContactRecord {
        id: vec![id; 16],
        name: name.into(),
        ..ContactRecord::default()
    }
}

#[test]
fn rows_are_listed_in_the_order_they_came() {
    let (_dir, store) = store();
    let names = || -> Vec<String> {
        let rows = contacts::list(&store.read()).unwrap();
        rows.into_iter().map(|row| row.name).collect()
    };
    commit(&store, |txn| {
        for (id, name) in [(9, "Zoe"), (3, "Anna"), (5, "Ben")] {
            contacts::put(txn, &contact(id, name)).unwrap();
        }
    })
    .unwrap();
    commit(&store, |txn| {
        contacts::put(txn, &contact(9, "Zoey")).unwrap();
        assert!(contacts::remove(txn, &ContactId([3; 16])).unwrap());
        assert!(!contacts::remove(txn, &ContactId([3; 16])).unwrap());
    })
    .unwrap();
    assert_eq!(names(), ["Zoey", "Ben"]);
    let nameless = ContactRecord::default();
    let refused = commit(&store, |txn| contacts::put(txn, &nameless)).unwrap();
    assert!(matches!(refused, Err(StoreError::Malformed { .. })));
}

#[test]
fn messages_are_paged_over_segments_newest_first() {
    let (_dir, store) = store();
    commit(&store, |txn| {
        for n in 0..150 {
            let index = messages::append(txn, &TALK, message(n, &n.to_string())).unwrap();
            assert_eq!(index, n);
        }
    })
    .unwrap();
    let view = store.read();
    let mut before = None;
    let mut seen = Vec::new();
    loop {
        let page = messages::page(&view, &TALK, before, 40, usize::MAX).unwrap();
        let Some((oldest, _)) = page.last() else {
            break;
        };
        before = Some(*oldest);
        for (index, message) in page {
            assert_eq!(message.text, index.to_string());
            seen.push(index);
        }
    }
    assert_eq!(seen, (0..150).rev().collect::<Vec<_>>());
    assert!(messages::get(&view, &TALK, 150).unwrap().is_none());
    let place = messages::find(&view, &MessageId::from_slice(&message(77, "").id).unwrap());
    let place = place.unwrap().unwrap();
    assert_eq!((place.index, place.contact), (77, vec![7; 16]));
}

#[test]
fn a_page_ends_where_its_text_would_grow_too_long() {
    let (_dir, store) = store();
    let long = "x".repeat(64 * 1024);
    commit(&store, |txn| {
        for n in 0..5 {
            messages::append(txn, &TALK, message(n, &long)).unwrap();
        }
    })
    .unwrap();
    let view = store.read();
    let indices = |before, bytes| -> Vec<u64> {
        let page = messages::page(&view, &TALK, before, 500, bytes).unwrap();
        page.into_iter().map(|(index, _)| index).collect()
    };
    assert_eq!(indices(None, 2 * long.len()), [4, 3]);
    assert_eq!(indices(Some(3), 3 * long.len() - 1), [2, 1]);
    assert_eq!(indices(Some(1), 3 * long.len()), [0]);
    // One row there is always: otherwise no further page would ever come.
    assert_eq!(indices(None, 1), [4]);
}

#[test]
fn a_message_is_stored_once_and_only_in_a_conversation() {
    let (_dir, store) = store();
    let mut txn = store.begin();
    messages::append(&mut txn, &TALK, message(1, "a")).unwrap();
    assert!(matches!(
        messages::append(&mut txn, &TALK, message(1, "b")),
        Err(StoreError::Exists { .. })
    ));
    let nowhere = ConversationId([9; 16]);
    assert!(messages::append(&mut txn, &nowhere, message(2, "c")).is_err());
    store.queue(txn).unwrap().wait().unwrap();
    let page = messages::page(&store.read(), &TALK, None, 9, usize::MAX);
    assert_eq!(page.unwrap().len(), 1);
}

#[test]
fn long_texts_stand_apart_without_anybody_noticing() {
    let (_dir, store) = store();
    let (short, long) = ("s".repeat(2_048), "l".repeat(2_049));
    commit(&store, |txn| {
        messages::append(txn, &TALK, message(0, &short)).unwrap();
        messages::append(txn, &TALK, message(1, &long)).unwrap();
    })
    .unwrap();
    let apart = |n: u64| {
        let text = crate::store::Read::get::<MessageText>(&store.read(), &message(n, "").id);
        text.unwrap().is_some()
    };
    assert!(!apart(0) && apart(1));
    let text = |n| {
        messages::get(&store.read(), &TALK, n)
            .unwrap()
            .unwrap()
            .text
    };
    assert_eq!((text(0), text(1)), (short.clone(), long.clone()));
    // Swap which of the two is long, and touch one without its text.
    commit(&store, |txn| {
        messages::update(txn, &TALK, 1, |m| m.state = 4).unwrap();
        messages::update(txn, &TALK, 0, |m| m.text = long.clone()).unwrap();
    })
    .unwrap();
    assert!(apart(0) && apart(1));
    assert_eq!((text(0), text(1)), (long.clone(), long));
    commit(&store, |txn| {
        messages::update(txn, &TALK, 1, |m| m.text = short.clone()).unwrap();
    })
    .unwrap();
    assert!(!apart(1));
    assert_eq!(text(1), short);
    let changed = messages::get(&store.read(), &TALK, 1).unwrap().unwrap();
    assert_eq!(changed.state, 4);
}

#[test]
fn writing_a_conversation_keeps_its_message_count() {
    let (_dir, store) = store();
    commit(&store, |txn| {
        let mut stale = conversations::get(txn, &TALK).unwrap().unwrap();
        messages::append(txn, &TALK, message(0, "a")).unwrap();
        stale.unread = 1;
        conversations::put(txn, &stale).unwrap();
        assert_eq!(messages::append(txn, &TALK, message(1, "b")).unwrap(), 1);
    })
    .unwrap();
    let record = conversations::get(&store.read(), &TALK).unwrap().unwrap();
    assert_eq!((record.message_count, record.unread), (2, 1));
}

#[test]
fn a_removed_conversation_takes_its_messages_along() {
    let (_dir, store) = store();
    commit(&store, |txn| {
        for n in 0..70 {
            messages::append(txn, &TALK, message(n, &"t".repeat(3_000))).unwrap();
        }
    })
    .unwrap();
    let before = store.count().unwrap();
    commit(&store, |txn| {
        assert!(conversations::remove(txn, &TALK).unwrap())
    })
    .unwrap();
    // The conversation, 2 segments, 70 texts, 70 places.
    assert_eq!(before - store.count().unwrap(), 143);
    let gone = crate::store::Read::contains::<MessageSegment>(&store.read(), &[1; 24]);
    assert!(!gone.unwrap());
}

#[test]
fn the_outbox_head_moves_over_gone_rows() {
    let (_dir, store) = store();
    let row = |n: u8| OutboxRow {
        parcel: vec![n; 100],
        ..OutboxRow::default()
    };
    let state = |txn: &Txn| {
        let head = outbox::head(txn, &ROUTE).unwrap();
        (head.head, head.tail, head.live)
    };
    let mut txn = store.begin();
    for n in 0..5_u8 {
        assert_eq!(
            outbox::push(&mut txn, &ROUTE, &row(n)).unwrap(),
            u64::from(n)
        );
    }
    assert!(outbox::remove(&mut txn, &ROUTE, 1).unwrap());
    assert!(!outbox::remove(&mut txn, &ROUTE, 1).unwrap());
    assert_eq!(state(&txn), (0, 5, 4));
    assert!(outbox::remove(&mut txn, &ROUTE, 0).unwrap());
    assert_eq!(state(&txn), (2, 5, 3));
    outbox::update(&mut txn, &ROUTE, 3, |row| row.attempts += 1).unwrap();
    let gone = outbox::update(&mut txn, &ROUTE, 0, |row| row.attempts += 1);
    assert!(missing::<OutboxRow>(&gone.unwrap_err()));
    let rows = outbox::scan(&txn, &ROUTE, 0, u64::MAX, 2).unwrap();
    let numbers: Vec<_> = rows.iter().map(|(n, row)| (*n, row.attempts)).collect();
    assert_eq!(numbers, [(2, 0), (3, 1)]);
    for n in 2..5 {
        outbox::remove(&mut txn, &ROUTE, n).unwrap();
    }
    assert_eq!(state(&txn), (5, 5, 0));
    assert_eq!(outbox::push(&mut txn, &ROUTE, &row(9)).unwrap(), 5);
}

#[test]
fn rows_without_a_message_are_counted_apart() {
    let (_dir, store) = store();
    let row = |message: &[u8]| OutboxRow {
        message: message.to_vec(),
        ..OutboxRow::default()
    };
    let state = |txn: &Txn| {
        let head = outbox::head(txn, &ROUTE).unwrap();
        (head.live, head.silent)
    };
    let mut txn = store.begin();
    outbox::push(&mut txn, &ROUTE, &row(&[])).unwrap();
    outbox::push(&mut txn, &ROUTE, &row(&[7; 32])).unwrap();
    assert_eq!(state(&txn), (2, 1));
    outbox::remove(&mut txn, &ROUTE, 1).unwrap();
    assert_eq!(state(&txn), (1, 1));
    outbox::remove(&mut txn, &ROUTE, 0).unwrap();
    assert_eq!(state(&txn), (0, 0));
}

#[test]
fn the_spool_keeps_its_own_numbers() {
    let (_dir, store) = store();
    let parcel = |n: u8| SpoolRow {
        parcel: vec![n],
        at: 1,
        ..SpoolRow::default()
    };
    let mut txn = store.begin();
    for n in 0..3_u8 {
        assert_eq!(
            spool::push(&mut txn, &ROUTE, &parcel(n)).unwrap(),
            u64::from(n)
        );
    }
    let mut route = routes::get(&txn, &ROUTE).unwrap().unwrap();
    (route.spool_head, route.spool_tail) = (0, 0);
    routes::put(&mut txn, &route).unwrap();
    spool::remove(&mut txn, &ROUTE, 0).unwrap();
    let size = spool::size(&txn, &ROUTE).unwrap();
    assert_eq!((size.parcels, size.bytes), (2, 2));
    let rows = spool::scan(&txn, &ROUTE, 0, 9).unwrap();
    let numbers: Vec<_> = rows.iter().map(|(n, row)| (*n, row.parcel[0])).collect();
    assert_eq!(numbers, [(1, 1), (2, 2)]);
    assert!(missing::<RouteRecord>(
        &spool::push(&mut txn, &RouteId([9; 16]), &parcel(0)).unwrap_err()
    ));
    outbox::push(&mut txn, &ROUTE, &OutboxRow::default()).unwrap();
    assert!(routes::remove(&mut txn, &ROUTE).unwrap());
    let after = outbox::push(&mut txn, &ROUTE, &OutboxRow::default()).unwrap();
    assert_eq!(after, 1, "a number given out stays used");
    assert!(outbox::remove(&mut txn, &ROUTE, after).unwrap());
    store.queue(txn).unwrap().wait().unwrap();
    assert!(spool::scan(&store.read(), &ROUTE, 0, 9).unwrap().is_empty());
    assert!(
        outbox::scan(&store.read(), &ROUTE, 0, u64::MAX, 9)
            .unwrap()
            .is_empty()
    );
}
