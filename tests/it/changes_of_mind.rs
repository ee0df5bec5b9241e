//! Sending twice, taking back, blocking.

use crate::deeds::{alice_and_bob, introduce};
use msgd::{
    ipc::grpc::{
        client::reply,
        proto::v1::{self, DeliveryState},
    },
    model::{ErrorCode, limits::MAX_TEXT_BYTES},
};

#[tokio::test]
async fn the_same_key_sends_once() {
    let (mut alice, bob) = alice_and_bob().await;
    let first = alice.try_send("Bob", "once", "key 1").await.expect("sent");
    let again = alice.try_send("Bob", "once", "key 1").await.expect("known");
    assert_eq!(again.id, first.id);
    let other = alice.try_send("Bob", "something else", "key 1").await;
    assert_eq!(other.expect_err("another").code, ErrorCode::Conflict);
    alice.kill();
    alice.start().await;
    let again = alice.try_send("Bob", "once", "key 1").await.expect("known");
    assert_eq!(again.id, first.id);
    let last = alice.try_send("Bob", "last", "key 2").await.expect("sent");
    alice.is_delivered(&last).await;
    bob.hears("Alice", &["once", "last"]).await;
}

#[tokio::test]
async fn a_message_taken_back_leaves_no_hole() {
    let (alice, mut bob) = alice_and_bob().await;
    bob.kill();
    alice.has_lost("Bob").await;
    alice.send("Bob", "one").await;
    let two = alice.send("Bob", "two").await;
    let three = alice.send("Bob", "three").await;
    let cancel = v1::CancelMessageRequest {
        message: two.id.clone(),
        ..Default::default()
    };
    let cancelled = reply(alice.client().outbox().cancel_message(cancel).await);
    let cancelled = cancelled.expect("taken back").message.expect("told");
    assert_eq!(cancelled.state(), DeliveryState::Cancelled);
    bob.start().await;
    bob.hears("Alice", &["one", "three"]).await;
    alice.is_delivered(&three).await;
    let four = alice.send("Bob", "four").await;
    bob.hears("Alice", &["one", "three", "four"]).await;
    alice.is_delivered(&four).await;
    let cancel = v1::CancelMessageRequest {
        message: four.id,
        ..Default::default()
    };
    let late = reply(alice.client().outbox().cancel_message(cancel).await);
    assert_eq!(late.expect_err("they have it").code, ErrorCode::Conflict);
}

#[tokio::test]
async fn a_blocked_contact_is_neither_heard_nor_written_to_until_a_new_invite() {
    let (alice, bob) = alice_and_bob().await;
    bob.send("Alice", "before").await;
    alice.hears("Bob", &["before"]).await;
    let block = v1::BlockContactRequest {
        contact: "Bob".into(),
        ..Default::default()
    };
    let blocked = reply(alice.client().contacts().block_contact(block).await);
    let blocked = blocked.expect("blocked").contact.expect("told");
    assert_eq!(blocked.state(), v1::ContactState::Blocked);
    let refused = alice.try_send("Bob", "not to you", "").await;
    assert_eq!(refused.expect_err("blocked").code, ErrorCode::Failed);
    bob.send("Alice", "can you hear me?").await;

    let unblock = v1::UnblockContactRequest {
        contact: "Bob".into(),
        ..Default::default()
    };
    let unblocked = reply(alice.client().contacts().unblock_contact(unblock).await);
    let unblocked = unblocked.expect("unblocked").contact.expect("told");
    assert_eq!(unblocked.state(), v1::ContactState::Former);
    introduce(&alice, &bob).await;
    let sent = alice.send("Bob", "again").await;
    alice.is_delivered(&sent).await;
    let back = bob.send("Alice", "at last").await;
    bob.is_delivered(&back).await;
    let heard = alice.heard("Bob").await;
    assert!(!heard.contains(&"can you hear me?".to_owned()), "{heard:?}");
    assert_eq!(heard.last().map(String::as_str), Some("at last"));
}

#[tokio::test]
async fn a_text_is_at_most_64_kib() {
    let (alice, bob) = alice_and_bob().await;
    let longest = "x".repeat(MAX_TEXT_BYTES);
    let refused = alice.try_send("Bob", &format!("{longest}x"), "").await;
    assert_eq!(refused.expect_err("too long").code, ErrorCode::Limit);
    let sent = alice.send("Bob", &longest).await;
    alice.is_delivered(&sent).await;
    bob.hears("Alice", &[longest]).await;
}

#[tokio::test]
async fn a_history_of_long_texts_comes_in_pages_that_a_client_can_take() {
    let (alice, mut bob) = alice_and_bob().await;
    bob.kill();
    // Five mebibytes: more than gRPC takes in one answer by default.
    let texts: Vec<String> = (0..80)
        .map(|number| format!("{number:04}{}", "x".repeat(MAX_TEXT_BYTES - 4)))
        .collect();
    for text in &texts {
        alice.send("Bob", text).await;
    }
    let request = v1::ListMessagesRequest {
        conversation: "Bob".into(),
        page_size: 500,
        ..Default::default()
    };
    let first = reply(alice.client().messages().list_messages(request).await).expect("a page");
    assert_eq!(first.messages.len(), 16);
    let all = alice.messages("Bob").await;
    let all: Vec<String> = all.into_iter().map(|message| message.text).collect();
    assert!(all == texts, "{} of {} messages", all.len(), texts.len());
}
