//! Either daemon dies at any moment while messages stream; nothing is lost, doubled or moved.
//!
//! `MSGD_TEST_KILLS` says how often; `tests/suites/kill9.sh` sets it to a hundred.

use crate::world::{Daemon, alice_and_bob};
use msgd::ipc::grpc::proto::v1::DeliveryState;

const KILLS: usize = 6;
const PER_KILL: usize = 10;

#[tokio::test]
async fn each_message_arrives_once_and_in_order_whoever_is_killed() {
    let kills = match std::env::var("MSGD_TEST_KILLS") {
        Ok(count) => count.parse().expect("MSGD_TEST_KILLS is a number"),
        Err(_) => KILLS,
    };
    let (mut alice, mut bob) = alice_and_bob().await;
    let mut sent: Vec<String> = Vec::new();
    let mut expected = 0;
    for kill in 1..=kills {
        let (of_alice, after) = (random().is_multiple_of(2), usize::from(random() % 24));
        eprintln!("kill {kill}: Alice {of_alice}, after {after} events");
        let victim = if of_alice { &alice } else { &bob };
        let mut watch = victim.watch().await;
        expected += PER_KILL;
        // The kill may fall between a call and its answer: the same key asks again.
        tokio::select! {
            () = send_up_to(&alice, &mut sent, expected) => {}
            () = watch.pass(after) => {}
        }
        let victim = if of_alice { &mut alice } else { &mut bob };
        victim.kill();
        victim.start().await;
    }
    send_up_to(&alice, &mut sent, expected).await;
    let texts: Vec<String> = (0..expected).map(text).collect();
    bob.hears("Alice", &texts).await;
    let last = sent.last().expect("something was sent");
    assert_eq!(
        alice.wait(last, DeliveryState::Delivered).await,
        DeliveryState::Delivered
    );
    // What was shown once stays shown once, and each `send` that returned is among it.
    bob.kill();
    bob.start().await;
    let heard = bob.messages("Alice").await;
    let ids: Vec<&String> = heard.iter().map(|message| &message.id).collect();
    assert_eq!(ids, sent.iter().collect::<Vec<_>>());
    assert_eq!(bob.heard("Alice").await, texts);
}

/// Sends until `count` calls have returned; `sent` holds the ids they returned.
async fn send_up_to(alice: &Daemon, sent: &mut Vec<String>, count: usize) {
    while sent.len() < count {
        let text = text(sent.len());
        let message = alice.try_send("Bob", &text, &text).await.expect("sent");
        sent.push(message.id);
    }
}

fn text(number: usize) -> String {
    format!("message {number}")
}

fn random() -> u8 {
    let mut byte = [0];
    getrandom::fill(&mut byte).expect("random bytes");
    byte[0]
}
