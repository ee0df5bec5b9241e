//! Two who are never there together, with a host between them; whoever is killed, at any
//! moment, each message arrives once and in order.
//!
//! `MSGD_TEST_KILLS` says how often; the moments are drawn from a seed that is printed, and
//! `MSGD_TEST_SEED` repeats it.

use crate::deeds::introduce;
use crate::moments::{draw, kills, seeded};
use crate::world::{Daemon, PATIENCE};
use msgd::ipc::grpc::{
    client::reply,
    proto::v1::{DeliveryState, ListMailboxesRequest},
};
use std::fs;
use tokio::time::timeout;

const KILLS: u64 = 3;
const PER_KILL: usize = 6;
/// Events of the victim's after which it may be killed: about as many as a round has.
const MOMENTS: u64 = 14;

/// Somebody who asks their mailbox often.
async fn person(name: &'static str) -> Daemon {
    let mut person = Daemon::ready(name).await;
    person.kill();
    let folder = person.home().join(".config/msgd");
    fs::create_dir_all(&folder).expect("a folder");
    let text = "[mailbox]\npoll_seconds = 5\nreceipt_seconds = 1\n";
    fs::write(folder.join("config.toml"), text).expect("a file");
    person.start().await;
    person
}

fn said(daemon: &Daemon, line: &[&str]) -> String {
    let output = daemon.msgctl(line);
    assert!(output.status.success(), "{line:?}: {output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    text.trim().to_owned()
}

/// Has `owner` use a mailbox at `host`, and `contact` know of it.
async fn keeps_for(host: &Daemon, owner: &Daemon, contact: &Daemon) {
    let code = said(host, &["mailbox", "offer", owner.name()]);
    said(owner, &["mailbox", "accept", &code, "--note", "a friend's"]);
    let asked = async {
        loop {
            let list = ListMailboxesRequest::default();
            let list = reply(owner.client().mailboxes().list_mailboxes(list).await);
            let list = list.expect("a list").mailboxes;
            if list.iter().all(|mailbox| mailbox.polled_at_ms.is_some()) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, asked).await.expect("asked in time");
    // What is sent now comes after the announcement.
    let hello = owner.send(contact.name(), "hello").await;
    owner.is_delivered(&hello).await;
}

#[tokio::test]
async fn each_message_waits_at_a_mailbox_and_arrives_once_whoever_is_killed() {
    let kills = usize::try_from(kills(KILLS)).expect("few");
    let mut random = seeded();
    let (mut alice, mut bob) = (person("Alice").await, person("Bob").await);
    let mut host = Daemon::ready("Host").await;
    introduce(&alice, &bob).await;
    keeps_for(&host, &alice, &bob).await;
    keeps_for(&host, &bob, &alice).await;
    alice.kill();
    bob.kill();
    let mut texts = vec!["hello".to_owned()];
    for kill in 1..=kills {
        bob.start().await;
        let (takes_host, after) = (draw(&mut random, 2) == 0, draw(&mut random, MOMENTS));
        eprintln!("kill {kill}: the host {takes_host}, after {after} events of Bob's");
        let mut watch = bob.watch().await;
        let wanted = kill * PER_KILL + 1;
        tokio::select! {
            () = write(&bob, &mut texts, wanted) => {}
            () = watch.pass(after.try_into().expect("few")) => {}
        }
        let victim = if takes_host { &mut host } else { &mut bob };
        victim.kill();
        victim.start().await;
        write(&bob, &mut texts, wanted).await;
        let last = bob.messages("Alice").await.into_iter().next_back();
        let last = last.expect("it was sent").id;
        let state = bob.wait(&last, DeliveryState::Stored).await;
        assert_eq!(state, DeliveryState::Stored);
        bob.kill();

        alice.start().await;
        let (takes_host, after) = (draw(&mut random, 2) == 0, draw(&mut random, MOMENTS));
        eprintln!("kill {kill}: the host {takes_host}, after {after} events of Alice's");
        let mut watch = alice.watch().await;
        tokio::select! {
            () = alice.hears("Bob", &texts) => {}
            () = watch.pass(after.try_into().expect("few")) => {}
        }
        let victim = if takes_host { &mut host } else { &mut alice };
        victim.kill();
        victim.start().await;
        alice.hears("Bob", &texts).await;
        alice.kill();
    }
    // At last they meet: all of it is there already, and now Bob hears so.
    alice.start().await;
    bob.start().await;
    alice.hears("Bob", &texts).await;
    for message in bob.messages("Alice").await {
        if message.text != "hello" {
            bob.is_delivered(&message).await;
        }
    }
    alice.hears("Bob", &texts).await;
}

/// Sends until there are `count` texts. A kill may fall between a call and its answer: the
/// same key asks again.
async fn write(bob: &Daemon, texts: &mut Vec<String>, count: usize) {
    while texts.len() < count {
        let text = format!("text {}", texts.len());
        let sent = bob.try_send("Alice", &text, &text).await;
        sent.expect("sent");
        texts.push(text);
    }
}
