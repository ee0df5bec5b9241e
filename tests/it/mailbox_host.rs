//! A host of mailboxes that needs nobody to unlock it, and loses nothing that it said it has.
//!
//! Owner and depositor are links in this test's hand.

use crate::moments::{draw, kills, seeded};
use crate::world::{Daemon, PATIENCE};
use msgd::{
    base::{Clock, Tasks},
    crypto::{Random, Secret, SeededRandom},
    model::RouteId,
    net::{Access, Event, Net, NetConfig, Route},
    protocol::{MailboxCode, mailbox_hash},
    wire::{Frame, MailboxFrame, PARCEL_BYTES, TagSet},
};
use std::{collections::BTreeMap, net::SocketAddr};
use tokio::{sync::mpsc, time::timeout};

const ROUTE: RouteId = RouteId([1; 16]);
const KILLS: u64 = 5;
/// Deposits in each round, all sent before the first answer is awaited.
const PER_KILL: u64 = 24;

struct Link {
    net: Net,
    events: mpsc::Receiver<Event>,
    tasks: Tasks,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.tasks.close();
    }
}

impl Link {
    async fn to(key: &Secret<32>, address: SocketAddr) -> Self {
        let tasks = Tasks::new();
        let config = NetConfig::default();
        let (net, events) = Net::spawn(config, Clock::system(), &tasks)
            .await
            .expect("a network");
        net.put_route(Route {
            id: ROUTE,
            keys: vec![*key.as_bytes()],
            addresses: vec![address],
            invite: false,
            access: Access::DialOnly,
        });
        let mut link = Self { net, events, tasks };
        // A host that has just started may not have read yet whom it is to let in.
        let dialled = async {
            loop {
                link.net.dial(ROUTE).await;
                match link.next().await {
                    Event::LinkUp { .. } => return,
                    Event::DialFailed { .. } => {}
                    other => panic!("not a link: {other:?}"),
                }
            }
        };
        timeout(PATIENCE, dialled).await.expect("a link in time");
        link
    }

    async fn next(&mut self) -> Event {
        loop {
            let event = timeout(PATIENCE, self.events.recv())
                .await
                .expect("in time");
            match event.expect("it runs") {
                Event::Addresses(_) => {}
                event => return event,
            }
        }
    }

    async fn ask(&mut self, frame: MailboxFrame) -> MailboxFrame {
        self.net
            .send(ROUTE, Frame::Mailbox(frame))
            .await
            .expect("a link");
        match self.next().await {
            Event::Frame {
                frame: Frame::Mailbox(frame),
                ..
            } => frame,
            other => panic!("not an answer: {other:?}"),
        }
    }
}

/// A running host, and the code of a mailbox.
async fn host() -> (Daemon, MailboxCode) {
    let mut host = Daemon::at_home("Host");
    host.is_there_for("mailbox");
    // The code names where it listens; that is to stay.
    host.start().await;
    let offered = host.msgctl(&["mailbox", "offer", "mum"]);
    assert!(offered.status.success(), "{offered:?}");
    let code = String::from_utf8(offered.stdout).expect("text");
    (host, code.trim().parse().expect("a code"))
}

fn parcel(number: u64) -> Vec<u8> {
    let mut random = SeededRandom::new(number);
    let mut parcel = vec![0; PARCEL_BYTES[usize::from(number.is_multiple_of(5))]];
    random.fill(&mut parcel);
    parcel[..8].copy_from_slice(&number.to_be_bytes());
    parcel
}

fn hash_of(parcel: &[u8]) -> [u8; 16] {
    mailbox_hash(parcel.first_chunk().expect("a tag"))
}

#[tokio::test]
async fn a_host_needs_no_passphrase_and_is_nothing_but_a_host() {
    let (mut host, code) = host().await;
    assert!(
        host.log_text()
            .contains("made a vault that opens by itself")
    );
    let refused = host.msgctl(&["identity", "create", "Mallory"]);
    assert_eq!(refused.status.code(), Some(10), "{refused:?}");
    host.kill();
    host.reboots();
    host.start().await;
    let keys = code.keys();
    let mut owner = Link::to(&keys.owner, code.addresses[0]).await;
    let MailboxFrame::Quota(quota) = owner.ask(MailboxFrame::Stat).await else {
        panic!("no quota");
    };
    assert_eq!(quota.max_bytes, 64 << 20);
    let hosted = host.msgctl(&["mailbox", "hosted"]);
    let hosted = String::from_utf8(hosted.stdout).expect("text");
    assert!(
        hosted.contains("mum") && hosted.contains("here"),
        "{hosted}"
    );
    let stat = host.msgctl(&["mailbox", "stat", "--json"]);
    assert!(String::from_utf8_lossy(&stat.stdout).contains("\"mailboxes\":1"));
    let ended = host.msgctl(&["mailbox", "revoke", "mum"]);
    assert!(ended.status.success(), "{ended:?}");
    assert!(matches!(owner.next().await, Event::LinkDown { .. }));
}

#[tokio::test]
async fn what_a_host_said_it_has_survives_any_kill() {
    let mut random = seeded();
    let (mut host, code) = host().await;
    let (keys, address) = (code.keys(), code.addresses[0]);
    // What the host has acknowledged and not been told to forget.
    let mut owed = BTreeMap::new();
    for round in 0..kills(KILLS) {
        let numbers: Vec<u64> = (round * PER_KILL..(round + 1) * PER_KILL).collect();
        let mut owner = Link::to(&keys.owner, address).await;
        // One of what survived is forgotten for good, if there is any.
        if let Some(hash) = owed.keys().next().copied() {
            let answer = owner.ask(MailboxFrame::Delete(vec![hash])).await;
            assert_eq!(answer, MailboxFrame::Deleted { parcels: 1 });
            owed.remove(&hash);
            let missing = owner.ask(MailboxFrame::Fetch(hash)).await;
            assert_eq!(missing, MailboxFrame::Missing(hash));
        }
        let mut hashes: Vec<_> = numbers.iter().map(|n| hash_of(&parcel(*n))).collect();
        hashes.extend((0..40_u8).map(|n| [n; 16]));
        hashes.sort_unstable();
        let set = TagSet {
            hashes,
            replace: true,
            max_class: 1,
            valid_until: u32::MAX,
        };
        let answer = owner.ask(MailboxFrame::Register(set)).await;
        assert!(matches!(
            answer,
            MailboxFrame::Registered { taken: true, .. }
        ));
        let mut depositor = Link::to(&keys.deposit, address).await;
        for number in &numbers {
            let put = Frame::Mailbox(MailboxFrame::Put(parcel(*number)));
            depositor.net.send(ROUTE, put).await.expect("a link");
        }
        let answers = draw(&mut random, PER_KILL + 1);
        eprintln!("kill {round}: after {answers} answers");
        for number in numbers.iter().take(usize::try_from(answers).expect("few")) {
            match depositor.next().await {
                Event::Frame {
                    frame: Frame::Mailbox(MailboxFrame::PutOk(_)),
                    ..
                } => drop(owed.insert(hash_of(&parcel(*number)), parcel(*number))),
                other => panic!("not taken: {other:?}"),
            }
        }
        // At once, so that the others are being written.
        host.kill();
        host.start().await;
    }
    let mut owner = Link::to(&keys.owner, address).await;
    let (mut entries, mut after) = (Vec::new(), 0);
    loop {
        let answer = owner.ask(MailboxFrame::List { after }).await;
        let MailboxFrame::Listing {
            entries: page,
            next,
            more,
        } = answer
        else {
            panic!("no listing");
        };
        entries.extend(page);
        after = next;
        if !more {
            break;
        }
    }
    assert!(entries.len() >= owed.len());
    for (hash, parcel) in &owed {
        assert!(entries.iter().any(|entry| entry.hash == *hash));
        assert_eq!(
            owner.ask(MailboxFrame::Fetch(*hash)).await,
            MailboxFrame::Fetched(parcel.clone())
        );
    }
    // Of what was never answered, each is whole or not there.
    for entry in entries {
        let answer = owner.ask(MailboxFrame::Fetch(entry.hash)).await;
        let MailboxFrame::Fetched(found) = answer else {
            panic!("listed and not there");
        };
        let number = u64::from_be_bytes(*found.first_chunk().expect("a number"));
        assert_eq!(found, parcel(number));
    }
    let doctor = host.msgctl(&["doctor"]);
    assert!(doctor.status.success(), "{doctor:?}");
}
