//! People who are never there at the same time, and somebody who keeps parcels for them.

use super::*;
use crate::{
    model::{ContactId, RouteId},
    service::{AcceptMailbox, OfferMailbox},
    store::{deposits, mailbox_tags},
};

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
