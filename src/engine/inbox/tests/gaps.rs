//! A missing text holds up what was written after it for a moment, and for no longer.

use super::*;
use crate::engine::event_bus::Cursor;
use crate::model::{Event, EventKind, EventType};
use std::time::Duration;

impl Bench {
    pub(super) fn start(&self) -> Inbox {
        Inbox::spawn(self.rooms.clone(), self.hand.clock(), &self.tasks)
    }

    fn watch(&self) -> Cursor {
        let newest = self.rooms.bus.newest();
        self.rooms.bus.cursor(newest, vec![EventType::Message])
    }
}

/// Sends a text of `author` through, so that whatever was handed in before it is done.
async fn fence(inbox: &Inbox, cursor: &mut Cursor, author: &mut Author) {
    let text = author.text("fence");
    inbox.take_parcel(text.0, text.1).await;
    hears(cursor, author, 1).await;
}

/// Returns when `count` messages of `author` came.
async fn hears(cursor: &mut Cursor, author: &Author, count: usize) {
    let heard = tokio::time::timeout(Duration::from_secs(30), hear(cursor, author, count));
    heard.await.expect("in time");
}

async fn hear(cursor: &mut Cursor, author: &Author, count: usize) {
    let mut left = count;
    while left > 0 {
        let events: Vec<Event> = cursor.read().await.unwrap();
        if events.is_empty() {
            assert!(cursor.changed().await);
        }
        left -= events
            .iter()
            .filter(|event| {
                matches!(event.kind, EventKind::MessageReceived { conversation, .. }
                    if conversation == author.conversation)
            })
            .count();
    }
}

#[tokio::test]
async fn a_gap_is_waited_for_two_seconds_and_what_comes_late_is_shown_once() {
    let bench = Bench::new().await;
    let (mut alice, mut carol) = (bench.meet(1).await, bench.meet(2).await);
    let (one, two, three) = (alice.text("1"), alice.text("2"), alice.text("3"));
    let inbox = bench.start();
    let mut cursor = bench.watch();
    inbox.take_parcel(one.0, one.1).await;
    inbox.take_parcel(three.0, three.1.clone()).await;
    hears(&mut cursor, &alice, 1).await;
    fence(&inbox, &mut cursor, &mut carol).await;
    // Not a moment earlier.
    bench.hand.advance(Duration::from_millis(1_999));
    fence(&inbox, &mut cursor, &mut carol).await;
    assert_eq!(bench.texts(&alice), ["1"]);

    bench.hand.advance(Duration::from_millis(1));
    hears(&mut cursor, &alice, 1).await;
    assert_eq!(bench.texts(&alice), ["1", "3"]);
    let four = alice.text("4");
    inbox.take_parcel(four.0, four.1).await;
    hears(&mut cursor, &alice, 1).await;
    inbox.take_parcel(two.0, two.1.clone()).await;
    inbox.take_parcel(two.0, two.1).await;
    hears(&mut cursor, &alice, 1).await;
    let five = alice.text("5");
    inbox.take_parcel(five.0, five.1).await;
    hears(&mut cursor, &alice, 1).await;
    assert_eq!(bench.texts(&alice), ["1", "3", "4", "2", "5"]);
}

#[tokio::test]
async fn a_kind_of_a_later_version_is_kept_and_counts() {
    let mut bench = Bench::new().await;
    let mut alice = bench.meet(1).await;
    let body = Body::Unknown {
        kind: 77,
        bytes: b"later".to_vec(),
    };
    alice.seq += 1;
    let sent = vec![alice.parcel(body, 1), alice.text("2")];
    bench.take(sent).await.unwrap();
    let stored = bench.messages(&alice);
    assert_eq!(
        (stored[0].kind, stored[0].body.as_slice()),
        (77, &b"later"[..])
    );
    let page = bench.rooms.messages.page(alice.conversation, None, 9);
    let texts: Vec<_> = page.unwrap().into_iter().map(|one| one.text).collect();
    assert_eq!(texts, ["2", "[this message needs a newer msgd]"]);
}

#[tokio::test]
async fn withholding_the_first_text_does_not_make_a_record_grow() {
    let mut bench = Bench::new().await;
    let mut mallory = bench.meet(1).await;
    let _withheld = mallory.text("1");
    let long = "x".repeat(60_000);
    for count in 1..=20_usize {
        let text = mallory.text(&long);
        bench.take(vec![text]).await.unwrap();
        let record = conversations::get(&bench.store().read(), &mallory.conversation);
        let record = record.unwrap().unwrap();
        assert!(record.held.len() <= 17, "{} wait", record.held.len());
        assert_eq!(record.held.len() + bench.texts(&mallory).len(), count);
    }
    // What is short adds up too.
    let mut bench = Bench::new().await;
    let mut mallory = bench.meet(1).await;
    let _withheld = mallory.text("1");
    let sent: Vec<_> = (0..63).map(|_| mallory.text("short")).collect();
    for part in sent.chunks(16) {
        bench.take(part.to_vec()).await.unwrap();
    }
    assert_eq!(bench.texts(&mallory).len(), 0);
    let last = vec![mallory.text("short"), mallory.text("short")];
    bench.take(last).await.unwrap();
    assert_eq!(bench.texts(&mallory).len(), 65);
}

#[tokio::test]
async fn what_waited_at_a_restart_is_shown_and_stays_shown_once() {
    let mut bench = Bench::new().await;
    let (mut alice, mut carol) = (bench.meet(1).await, bench.meet(2).await);
    let (lost, two, three) = (alice.text("1"), alice.text("2"), alice.text("3"));
    bench.take(vec![two]).await.unwrap();
    assert_eq!(bench.texts(&alice), [] as [&str; 0]);

    // Nothing but the disk knows of it now.
    let inbox = bench.start();
    let mut cursor = bench.watch();
    inbox.on_unlock().await;
    inbox.on_link_up(alice.route).await;
    inbox.take_parcel(three.0, three.1).await;
    fence(&inbox, &mut cursor, &mut carol).await;
    bench.hand.advance(Duration::from_secs(2));
    hears(&mut cursor, &alice, 2).await;
    assert_eq!(bench.texts(&alice), ["2", "3"]);

    // A second restart neither shows it again nor waits again.
    let inbox = bench.start();
    inbox.on_unlock().await;
    let four = alice.text("4");
    inbox.take_parcel(four.0, four.1).await;
    hears(&mut cursor, &alice, 1).await;
    inbox.take_parcel(lost.0, lost.1).await;
    hears(&mut cursor, &alice, 1).await;
    assert_eq!(bench.texts(&alice), ["2", "3", "4", "1"]);
}
