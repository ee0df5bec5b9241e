//! People who are never there at the same time, and somebody who keeps parcels for them.

use super::*;
use crate::{
    crypto::Secret,
    model::{ContactId, MailboxId, RouteId},
    net::{Access, Event, Net, NetConfig, Route},
    protocol::{MailboxCode, MailboxKeys, mailbox_hash},
    service::{AcceptMailbox, OfferMailbox},
    store::{deposits, mailbox_tags, own_mailboxes},
    wire::{Frame, Listed, MailboxFrame},
};
use tokio::sync::mpsc;

impl Person {
    /// The code of a mailbox that this person keeps for somebody.
    async fn offers_mailbox(&self) -> String {
        let wish = OfferMailbox::default();
        let offered = self
            .service()
            .offer_mailbox(wish, IdempotencyKey::default());
        offered.await.unwrap().code
    }

    async fn accepts_mailbox(&self, code: String) {
        let wish = AcceptMailbox {
            code,
            ..AcceptMailbox::default()
        };
        let accepted = self
            .service()
            .accept_mailbox(wish, IdempotencyKey::default());
        accepted.await.unwrap();
    }

    /// How many mailboxes of `name` this person knows.
    async fn knows_mailboxes_of(&self, name: &str) -> usize {
        let (route, _) = self.route_to(name).await;
        let record = mailbox_tags::send(&self.store().read(), &ContactId(route.0));
        record.unwrap().map_or(0, |record| record.paths.len())
    }

    fn has_deposits_for(&self, route: RouteId) -> bool {
        let read = self.store().read();
        !deposits::scan(&read, &route, 0, 1).unwrap().is_empty()
    }
}

/// Alice and Bob, each with a mailbox at the host's, each knowing of the other's.
async fn settled(clock: &Clock) -> (Person, Person, Person) {
    let alice = Person::ready("Alice", clock).await;
    let bob = Person::ready("Bob", clock).await;
    let host = Person::ready("Host", clock).await;
    introduce(&alice, &bob).await;
    for (owner, other) in [(&alice, &bob), (&bob, &alice)] {
        owner.accepts_mailbox(host.offers_mailbox().await).await;
        // Whatever is sent after the announcement comes after it.
        let until = async {
            while other.knows_mailboxes_of(owner.name).await == 0 {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, until).await.expect("an announcement");
    }
    (alice, bob, host)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_never_meet_write_to_each_other() {
    let hand = running_clock();
    let (mut alice, mut bob, host) = settled(&hand.clock()).await;
    alice.stop().await;
    let texts: Vec<String> = (1..=20).map(|n| format!("text {n}")).collect();
    let mut sent = Vec::new();
    for text in &texts {
        sent.push(bob.send("Alice", text).await);
    }
    for message in &sent {
        bob.has_got(*message, DeliveryState::Stored).await;
    }
    bob.stop().await;

    alice.start().await;
    alice.hears("Bob", &texts).await;
    let (route, _) = alice.route_to("Bob").await;
    let reply = alice.send("Bob", "reply").await;
    alice.has_got(reply, DeliveryState::Stored).await;
    assert!(!alice.has_deposits_for(route));
    alice.stop().await;

    bob.start().await;
    bob.hears("Alice", &["reply".to_owned()]).await;
    for message in &sent {
        bob.has_got(*message, DeliveryState::Delivered).await;
    }
    drop(host);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn contacts_hear_that_a_mailbox_was_left_though_the_daemon_was_killed() {
    let hand = running_clock();
    let (mut alice, bob, host) = settled(&hand.clock()).await;
    // As far as leaving it came before the end.
    let store = alice.store();
    let mut txn = store.begin();
    let rows = own_mailboxes::list(&txn).unwrap();
    let id = MailboxId::from_slice(&rows[0].id).unwrap();
    own_mailboxes::remove(&mut txn, &id).unwrap();
    store.commit(txn).await.unwrap();
    alice.stop().await;
    alice.start().await;
    let told = async {
        while bob.knows_mailboxes_of("Alice").await > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, told).await.expect("a withdrawal");
    drop(host);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_host_forgets_what_it_holds_for_who_has_left() {
    let hand = running_clock();
    let (alice, bob, host) = settled(&hand.clock()).await;
    let hosted = async || {
        let page = PageRequest::default();
        let page = host.service().list_hosted_mailboxes(page).await.unwrap();
        page.rows.iter().filter(|row| row.hashes > 0).count()
    };
    assert_eq!(hosted().await, 2);
    let page = PageRequest::default();
    let own = alice.service().list_mailboxes(page).await.unwrap();
    let which = Selector(own.rows[0].id.to_string());
    let removed = alice
        .service()
        .remove_mailbox(which, IdempotencyKey::default());
    removed.await.unwrap();
    let forgotten = async {
        while hosted().await > 1 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, forgotten).await.expect("a wiped mailbox");
    let told = async {
        while bob.knows_mailboxes_of("Alice").await > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, told).await.expect("a withdrawal");
}

/// A host that does all it can to lose, repeat, mix up and forge, but for throwing away.
struct Liar {
    net: Net,
    events: mpsc::Receiver<Event>,
    owner: [u8; 32],
    _tasks: Tasks,
    parcels: Vec<([u8; 16], Vec<u8>)>,
    /// Links of the owner.
    owners: Vec<RouteId>,
    /// How often each parcel was asked for.
    asked: std::collections::HashMap<[u8; 16], u32>,
}

impl Liar {
    /// A host, and the code of its mailbox.
    async fn new() -> (Self, String) {
        let tasks = Tasks::new();
        let config = NetConfig {
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            ..NetConfig::default()
        };
        let (net, events) = Net::spawn(config, Clock::system(), &tasks).await.unwrap();
        let code = MailboxCode::new(Secret::new([7; 32]), &net.listen_addresses());
        let keys = code.keys();
        let both = [
            (keys.owner, [1; 16], Access::Pair),
            (keys.deposit, [2; 16], Access::Shared),
        ];
        let owner = *MailboxKeys::derive(&[7; 32]).owner.as_bytes();
        for (key, id, access) in both {
            net.put_route(Route {
                id: RouteId(id),
                keys: vec![*key.as_bytes()],
                addresses: Vec::new(),
                invite: false,
                access,
            });
        }
        let liar = Self {
            net,
            events,
            owner,
            _tasks: tasks,
            parcels: Vec::new(),
            owners: Vec::new(),
            asked: std::collections::HashMap::new(),
        };
        (liar, code.to_text())
    }

    async fn serve(mut self) {
        while let Some(event) = self.events.recv().await {
            match event {
                Event::LinkUp { route, key, .. } if key.0 == self.owner => self.owners.push(route),
                Event::Frame {
                    route,
                    frame: Frame::Mailbox(frame),
                } => {
                    for answer in self.answers(frame) {
                        let _ = self.net.send(route, Frame::Mailbox(answer)).await;
                    }
                }
                _ => {}
            }
        }
    }

    fn answers(&mut self, frame: MailboxFrame) -> Vec<MailboxFrame> {
        match frame {
            MailboxFrame::Register(set) => {
                let hashes = u32::try_from(set.hashes.len()).unwrap();
                let taken = true;
                vec![MailboxFrame::Registered { taken, hashes }]
            }
            MailboxFrame::Put(parcel) => {
                let tag: [u8; 16] = *parcel.first_chunk().unwrap();
                self.parcels.push((mailbox_hash(&tag), parcel));
                // Somebody else's answer, then twice the right one.
                let ok = MailboxFrame::PutOk(tag);
                vec![MailboxFrame::PutOk([0; 16]), ok.clone(), ok]
            }
            // The latest first, each twice, and one that nobody left.
            MailboxFrame::List { .. } => {
                let hashes = self.parcels.iter().rev().map(|(hash, _)| *hash);
                let hashes = hashes.flat_map(|hash| [hash, hash]).chain([[9; 16]]);
                let entry = |hash| Listed {
                    hash,
                    class: 0,
                    day: 0,
                };
                vec![MailboxFrame::Listing {
                    entries: hashes.map(entry).collect(),
                    next: 1,
                    more: false,
                }]
            }
            MailboxFrame::Fetch(hash) => vec![self.fetched(hash)],
            // Nothing is ever forgotten.
            MailboxFrame::Delete(_) => vec![MailboxFrame::Deleted { parcels: 0 }],
            _ => Vec::new(),
        }
    }

    fn fetched(&mut self, hash: [u8; 16]) -> MailboxFrame {
        let times = self.asked.entry(hash).or_default();
        *times += 1;
        let right = self.parcels.iter().find(|(known, _)| *known == hash);
        let other = self.parcels.iter().find(|(known, _)| *known != hash);
        match (*times, right, other) {
            (1, _, Some((_, other))) => MailboxFrame::Fetched(other.clone()),
            (2, Some((_, right)), _) => {
                let mut forged = right.clone();
                forged[100] ^= 1;
                MailboxFrame::Fetched(forged)
            }
            (_, Some((_, right)), _) => MailboxFrame::Fetched(right.clone()),
            _ => MailboxFrame::Missing(hash),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lying_host_costs_time_and_nothing_else() {
    let hand = running_clock();
    let clock = hand.clock();
    let mut alice = Person::ready("Alice", &clock).await;
    let mut bob = Person::ready("Bob", &clock).await;
    introduce(&alice, &bob).await;
    let (liar, code) = Liar::new().await;
    let serving = Tasks::new();
    serving.detach(liar.serve());
    alice.accepts_mailbox(code).await;
    let told = async {
        while bob.knows_mailboxes_of("Alice").await == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, told).await.expect("an announcement");
    alice.stop().await;
    let texts: Vec<String> = (1..=12).map(|n| format!("text {n}")).collect();
    for text in &texts {
        let sent = bob.send("Alice", text).await;
        bob.has_got(sent, DeliveryState::Stored).await;
    }
    bob.stop().await;
    alice.start().await;
    alice.hears("Bob", &texts).await;
    bob.start().await;
    let last = bob.send("Alice", "the last").await;
    bob.has_got(last, DeliveryState::Delivered).await;
    // The mailbox still shows all of it.
    let all: Vec<_> = texts.into_iter().chain(["the last".to_owned()]).collect();
    alice.hears("Bob", &all).await;
    serving.shut_down(PATIENCE).await;
}
