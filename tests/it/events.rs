//! A client that comes back with its cursor gets all it missed.

use crate::deeds::{alice_and_bob, numbered};
use crate::world::{Daemon, PASSPHRASE, PATIENCE};
use msgd::{
    ipc::grpc::{
        client::reply,
        proto::v1::{self, event::Kind, subscribe_request::Since, subscribe_response::Item},
    },
    model::ErrorCode,
};
use tokio::time::timeout;

#[tokio::test]
async fn a_named_consumer_misses_no_event_across_a_kill() {
    let (mut alice, bob) = alice_and_bob().await;
    let consumer = || Since::Consumer("widget".into());
    let mut watch = alice.subscribe(consumer()).await;
    bob.send("Alice", "one").await;
    let first = next_received(&mut watch).await;
    let acknowledge = v1::AcknowledgeEventsRequest {
        consumer: "widget".into(),
        seq: first,
        ..Default::default()
    };
    let done = reply(
        alice
            .client()
            .events()
            .acknowledge_events(acknowledge)
            .await,
    );
    let done = done.expect("acknowledged").consumer.expect("told");
    assert_eq!(done.acknowledged, first);

    bob.send("Alice", "two").await;
    let second = next_received(&mut watch).await;
    alice.kill();
    bob.send("Alice", "three").await;
    alice.start().await;

    let mut watch = alice.subscribe(consumer()).await;
    let mut numbers = Vec::new();
    let mut messages = Vec::new();
    while messages.len() < 2 {
        let event = timeout(PATIENCE, watch.next()).await.expect("an event");
        numbers.push(event.seq);
        if let Some(Kind::MessageReceived(_)) = event.kind {
            messages.push(event.seq);
        }
    }
    // Nothing is left out, and what was seen but not acknowledged comes again.
    let unbroken: Vec<u64> = (first + 1..).take(numbers.len()).collect();
    assert_eq!(numbers, unbroken);
    assert_eq!(messages[0], second);
}

#[tokio::test]
async fn what_is_stored_is_told_from_the_first_event_on() {
    let (alice, bob) = alice_and_bob().await;
    let texts = numbered(20);
    for text in &texts {
        bob.send("Alice", text).await;
    }
    alice.hears("Bob", &texts).await;
    let events = stored(&alice, 0, vec![]).await;
    let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..).take(events.len()).collect::<Vec<u64>>());
    let kinds = vec![v1::EventType::Message.into()];
    let received = stored(&alice, 0, kinds).await;
    assert_eq!(received.len(), texts.len());
    let named: Vec<String> = received.into_iter().filter_map(message).collect();
    let shown = alice.messages("Bob").await;
    let shown: Vec<String> = shown.into_iter().map(|message| message.id).collect();
    assert_eq!(named, shown);
}

/// What is stored after `since`, to its end.
async fn stored(daemon: &Daemon, since: u64, types: Vec<i32>) -> Vec<v1::Event> {
    let request = v1::SubscribeRequest {
        since: Some(Since::SinceSeq(since)),
        types,
        follow: false,
    };
    let mut stream = daemon.client().subscribe(request).await.expect("a stream");
    let mut events = Vec::new();
    while let Some(item) = stream.next().await.expect("an item") {
        if let Item::Event(event) = item {
            events.push(event);
        }
    }
    events
}

async fn next_received(watch: &mut crate::world::Watch) -> u64 {
    let search = async {
        loop {
            let event = watch.next().await;
            if let Some(Kind::MessageReceived(_)) = event.kind {
                return event.seq;
            }
        }
    };
    timeout(PATIENCE, search).await.expect("a message")
}

fn message(event: v1::Event) -> Option<String> {
    match event.kind {
        Some(Kind::MessageReceived(received)) => Some(received.message),
        _ => None,
    }
}

#[tokio::test]
async fn now_before_the_first_unlock_is_not_the_beginning() {
    let mut bob = Daemon::guarded("Bob").await;
    bob.kill();
    // As after a reboot: what the runtime folder held is gone.
    std::fs::remove_dir_all(bob.runtime_dir().join("msgd")).expect("a clean boot");
    bob.start().await;
    assert_eq!(bob.vault_state().await, v1::VaultState::Sealed);
    let mut watch = bob.watch().await;
    assert_eq!(bob.unlock(PASSPHRASE).await, Ok(v1::VaultState::Unlocked));
    let first = timeout(PATIENCE, watch.next()).await.expect("an event");
    let told = matches!(&first.kind, Some(Kind::VaultChanged(_)));
    assert!(told && first.seq > 2, "{first:?} is from before");
}

#[tokio::test]
async fn a_number_from_another_log_is_refused() {
    let alice = Daemon::ready("Alice").await;
    let request = v1::SubscribeRequest {
        since: Some(Since::SinceSeq(1_000_000)),
        follow: true,
        ..Default::default()
    };
    let refused = async { alice.client().subscribe(request).await?.next().await };
    let refused = refused.await.expect_err("it has not happened");
    assert_eq!(refused.code, ErrorCode::InvalidArgument);
}
