//! A message that was sent arrives: once, in order, whatever happens meanwhile.

use crate::deeds::{alice_and_bob, numbered};
use crate::world::Daemon;
use msgd::ipc::grpc::{
    client::reply,
    proto::v1::{self, DeliveryState},
};
use std::sync::Arc;

#[tokio::test]
async fn a_message_is_delivered_and_answered() {
    let (alice, bob) = alice_and_bob().await;
    let hello = alice.send("Bob", "hello").await;
    bob.hears("Alice", &["hello"]).await;
    alice.is_delivered(&hello).await;
    let answer = bob.send("Alice", "hello to you").await;
    alice.hears("Bob", &["hello to you"]).await;
    bob.is_delivered(&answer).await;
    // The same message has the same id on both sides.
    assert_eq!(bob.messages("Alice").await[0].id, hello.id);
}

#[tokio::test]
async fn what_send_returned_for_survives_a_kill_at_once() {
    let (mut alice, mut bob) = alice_and_bob().await;
    let first = alice.send("Bob", "link up").await;
    alice.kill();
    alice.start().await;
    bob.hears("Alice", &["link up"]).await;
    alice.is_delivered(&first).await;

    bob.kill();
    let second = alice.send("Bob", "nobody there").await;
    alice.kill();
    alice.start().await;
    bob.start().await;
    bob.hears("Alice", &["link up", "nobody there"]).await;
    alice.is_delivered(&second).await;
}

#[tokio::test]
async fn ten_that_waited_are_delivered_when_the_contact_is_back() {
    let (alice, mut bob) = alice_and_bob().await;
    assert!(bob.stop().await.success());
    let texts = numbered(10);
    let mut sent = Vec::new();
    for text in &texts {
        sent.push(alice.send("Bob", text).await);
    }
    assert_eq!(
        alice.wait(&sent[9].id, DeliveryState::Queued).await,
        DeliveryState::Queued
    );
    bob.start().await;
    bob.hears("Alice", &texts).await;
    for message in &sent {
        alice.is_delivered(message).await;
    }
}

#[tokio::test]
async fn a_thousand_from_eight_tasks_arrive_in_the_order_of_their_author() {
    const TASKS: usize = 8;
    const EACH: usize = 125;
    let (alice, bob) = alice_and_bob().await;
    let alice = Arc::new(alice);
    let writers: Vec<_> = (0..TASKS)
        .map(|task| {
            let alice = Arc::clone(&alice);
            tokio::spawn(async move { write(&alice, task, EACH).await })
        })
        .collect();
    for writer in writers {
        writer.await.expect("a writer");
    }
    let all = TASKS * EACH;
    let heard = bob
        .settles("a thousand messages", async |client| {
            let heard = crate::deeds::messages(client, "Alice").await;
            (heard.len() >= all).then_some(heard)
        })
        .await;
    let seqs: Vec<u64> = heard.iter().map(|message| message.author_seq).collect();
    assert_eq!(seqs, (1..=1000).collect::<Vec<u64>>());
    for task in 0..TASKS {
        let mark = format!("{task}:");
        let of_task = heard
            .iter()
            .filter(|message| message.text.starts_with(&mark));
        let texts: Vec<&str> = of_task.map(|message| message.text.as_str()).collect();
        let written: Vec<String> = (0..EACH).map(|number| format!("{mark}{number}")).collect();
        assert_eq!(texts, written);
    }
    let last = heard.last().expect("a thousand");
    assert_eq!(
        alice.wait(&last.id, DeliveryState::Delivered).await,
        DeliveryState::Delivered
    );
}

async fn write(alice: &Daemon, task: usize, count: usize) {
    for number in 0..count {
        alice.send("Bob", &format!("{task}:{number}")).await;
    }
}

#[tokio::test]
async fn the_outbox_is_listed_page_by_page_without_repeating_a_row() {
    let (alice, mut bob) = alice_and_bob().await;
    bob.kill();
    let mut sent = Vec::new();
    for text in numbered(5) {
        sent.push(alice.send("Bob", &text).await.id);
    }
    let (mut listed, mut token) = (Vec::new(), String::new());
    loop {
        let request = v1::ListOutboxRequest {
            page_size: 2,
            page_token: token,
            ..Default::default()
        };
        let page = reply(alice.client().outbox().list_outbox(request).await).expect("a page");
        listed.extend(page.entries.into_iter().map(|entry| entry.message));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, sent);
}
