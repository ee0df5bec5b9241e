//! Daemons that move, and contacts that fall silent: the two find each other again.

use crate::deeds::{alice_and_bob, introduce};
use crate::world::Daemon;
use rustix::process::Signal;
use std::{
    net::{TcpListener, UdpSocket},
    time::Duration,
};
use tokio::time::timeout;

/// A silent contact is down after four and a half seconds; the rest is for a busy machine. A
/// link that nobody asks about would stand for a minute.
const SOON: Duration = Duration::from_secs(20);

/// An address on this machine that nobody listens at.
fn elsewhere() -> String {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    free.expect("a free port").to_string()
}

#[tokio::test]
async fn who_comes_back_on_another_port_is_found_again_by_those_who_were_away() {
    let (mut alice, mut bob) = alice_and_bob().await;
    let before = bob.address().await;
    alice.kill();
    assert!(bob.stop().await.success());
    bob.moves_to(&elsewhere());
    bob.start().await;
    assert_ne!(bob.address().await, before);
    let waiting = bob.send("Alice", "from my new place").await;
    alice.start().await;
    // Alice knows the old address only, Bob hers: he finds her, and tells her.
    bob.is_delivered(&waiting).await;
    let after = bob.send("Alice", "and this is where it is").await;
    bob.is_delivered(&after).await;
    let both = ["from my new place", "and this is where it is"];
    alice.hears("Bob", &both).await;
    let told = alice.send("Bob", "so that is where you are").await;
    alice.is_delivered(&told).await;

    // Now Alice moves, so that only what she was told can bring them together.
    assert!(alice.stop().await.success());
    bob.has_lost("Alice").await;
    alice.moves_to(&elsewhere());
    alice.start().await;
    let found = alice.send("Bob", "I moved too").await;
    alice.is_delivered(&found).await;
    bob.kill();
    let last = alice.send("Bob", "and you know where to").await;
    bob.start().await;
    alice.is_delivered(&last).await;
    let all = [
        "so that is where you are",
        "I moved too",
        "and you know where to",
    ];
    bob.hears("Alice", &all).await;
}

#[tokio::test]
async fn two_meet_and_write_over_ipv6() {
    if let Err(error) = UdpSocket::bind("[::1]:0") {
        println!("SKIPPED: no IPv6 here: {error}");
        return;
    }
    let (alice, mut bob) = tokio::join!(
        Daemon::ready_at("Alice", "[::1]:0"),
        Daemon::ready_at("Bob", "[::1]:0")
    );
    assert!(alice.address().await.is_ipv6() && bob.address().await.is_ipv6());
    introduce(&alice, &bob).await;
    let there = alice.send("Bob", "six").await;
    let back = bob.send("Alice", "times sixteen").await;
    alice.is_delivered(&there).await;
    bob.is_delivered(&back).await;
    bob.kill();
    let later = alice.send("Bob", "again").await;
    bob.start().await;
    alice.is_delivered(&later).await;
    bob.hears("Alice", &["six", "again"]).await;
}

#[tokio::test]
async fn a_contact_who_falls_silent_with_messages_under_way_is_soon_noticed_and_gets_them_later() {
    let (alice, mut bob) = alice_and_bob().await;
    bob.signal(Signal::STOP);
    let first = alice.send("Bob", "are you asleep?").await;
    let noticed = timeout(SOON, alice.has_lost("Bob")).await;
    noticed.expect("with something under way a dead link is not waited for");
    bob.signal(Signal::CONT);
    alice.is_delivered(&first).await;

    alice.is_linked_to("Bob").await;
    bob.signal(Signal::STOP);
    let second = alice.send("Bob", "again?").await;
    let noticed = timeout(SOON, alice.has_lost("Bob")).await;
    noticed.expect("the second time too");
    bob.kill();
    bob.start().await;
    alice.is_delivered(&second).await;
    bob.hears("Alice", &["are you asleep?", "again?"]).await;
}
