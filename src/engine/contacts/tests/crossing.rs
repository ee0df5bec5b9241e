//! Both sides use an invite of the other's.

use super::*;

/// Who carries which message: the two Hellos and the two Confirms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    BobsHello,
    AlicesHello,
    AlicesConfirm,
    BobsConfirm,
}

/// Every order in which each Confirm comes after the Hello that it answers.
const ORDERS: [[Step; 4]; 6] = {
    use Step::{AlicesConfirm, AlicesHello, BobsConfirm, BobsHello};
    [
        [BobsHello, AlicesHello, AlicesConfirm, BobsConfirm],
        [BobsHello, AlicesHello, BobsConfirm, AlicesConfirm],
        [AlicesHello, BobsHello, AlicesConfirm, BobsConfirm],
        [AlicesHello, BobsHello, BobsConfirm, AlicesConfirm],
        [BobsHello, AlicesConfirm, AlicesHello, BobsConfirm],
        [AlicesHello, BobsConfirm, BobsHello, AlicesConfirm],
    ]
};

/// The ways of the two handshakes on both sides.
struct Crossed {
    alice: Person,
    bob: Person,
    /// Alice's invite, and Bob's request by it.
    hers: (RouteId, RouteId),
    /// Bob's invite, and Alice's request by it.
    his: (RouteId, RouteId),
}

impl Crossed {
    async fn begin(mut alice: Person, mut bob: Person) -> Self {
        alice.reborn("Alice").await;
        bob.reborn("Bob").await;
        let (of_alice, of_bob) = (alice.invite(true).await, bob.invite(true).await);
        let his_request = bob.uses(&alice, &of_alice).await;
        let her_request = alice.uses(&bob, &of_bob).await;
        Self {
            hers: (RouteId(of_alice.0.0), his_request),
            his: (RouteId(of_bob.0.0), her_request),
            alice,
            bob,
        }
    }

    async fn carry(&self, step: Step) {
        let (alice, bob, hers, his) = (&self.alice, &self.bob, self.hers, self.his);
        let (to, on, parcel) = match step {
            Step::BobsHello => (alice, hers.0, bob.waiting(hers.1)),
            Step::AlicesHello => (bob, his.0, alice.waiting(his.1)),
            Step::AlicesConfirm => (bob, hers.1, alice.waiting(hers.0)),
            Step::BobsConfirm => (alice, his.1, bob.waiting(his.0)),
        };
        to.takes(on, parcel).await.unwrap();
    }

    /// What one seals now, the other opens, both ways.
    fn agree(&self) -> bool {
        let (alice, bob) = (&self.alice, &self.bob);
        let (hers, his) = (alice.friend().unwrap(), bob.friend().unwrap());
        hers.conversation == his.conversation
            && hers.inviter != his.inviter
            && alice.session().pair == bob.session().pair
            && alice.session().send_key == bob.friend_route().unwrap().recv_key
            && bob.session().send_key == alice.friend_route().unwrap().recv_key
            && alice.friend_route().unwrap().keys[0] == bob.friend_route().unwrap().keys[0]
    }

    async fn unlink(&self) {
        for person in [&self.alice, &self.bob] {
            if person.friend().is_some() {
                person.unlinked().await;
            }
        }
    }

    async fn settle(&self) {
        for person in [&self.alice, &self.bob] {
            let id = person.friend_id();
            person.contacts.settle_session(id).await.unwrap();
        }
    }

    fn end(self) -> (Person, Person) {
        (self.alice, self.bob)
    }
}

#[tokio::test]
async fn whatever_the_order_of_two_crossing_handshakes_both_sides_choose_one_session() {
    let (mut alice, mut bob) = (Person::new("Alice").await, Person::new("Bob").await);
    for order in ORDERS {
        let story = Crossed::begin(alice, bob).await;
        for step in order {
            story.carry(step).await;
        }
        assert!(story.agree(), "{order:?}");
        // Whoever dials is recognised at once.
        assert!(dial(&story.bob, &story.alice).await, "{order:?}");
        assert!(story.agree(), "{order:?}");
        story.settle().await;
        for person in [&story.alice, &story.bob] {
            assert_eq!(person.friend_route().unwrap().keys.len(), 1, "{order:?}");
            let read = person.contacts.store().read();
            let rival = sessions::rival(&read, &person.friend_id()).unwrap();
            assert!(rival.is_none(), "{order:?}");
        }
        assert!(story.agree(), "{order:?}");
        (alice, bob) = story.end();
    }
}

#[tokio::test]
async fn a_link_between_any_two_steps_leaves_both_sides_with_one_session() {
    let (mut alice, mut bob) = (Person::new("Alice").await, Person::new("Bob").await);
    for order in ORDERS {
        // What a link after the last step does is told above.
        for (after, bob_dials) in [(1, true), (1, false), (2, true), (2, false)] {
            use Step::{AlicesConfirm, BobsConfirm};
            let finished = |step: &Step| matches!(step, AlicesConfirm | BobsConfirm);
            if !order.iter().take(after + 1).any(finished) {
                // Nobody has anybody to dial.
                continue;
            }
            let story = Crossed::begin(alice, bob).await;
            for (at, step) in order.into_iter().enumerate() {
                story.carry(step).await;
                if at != after {
                    continue;
                }
                let (from, to) = if bob_dials {
                    (&story.bob, &story.alice)
                } else {
                    (&story.alice, &story.bob)
                };
                if dial(from, to).await {
                    assert!(story.agree(), "{order:?} {after} {bob_dials}");
                }
            }
            story.unlink().await;
            assert!(dial(&story.alice, &story.bob).await);
            assert!(story.agree(), "{order:?} {after} {bob_dials}");
            story.settle().await;
            assert!(story.agree(), "{order:?} {after} {bob_dials}");
            (alice, bob) = story.end();
        }
    }
}

#[tokio::test]
async fn a_contact_who_lost_everything_is_reached_under_the_new_session() {
    let (alice, bob) = (Person::new("Alice").await, Person::new("Bob").await);
    let story = Crossed::begin(alice, bob).await;
    story.carry(Step::BobsHello).await;
    story.carry(Step::AlicesConfirm).await;
    assert!(dial(&story.alice, &story.bob).await);
    story.unlink().await;
    let before = story.alice.friend().unwrap().conversation;

    // The Confirm is under way; until it has arrived the old session goes on.
    let id = story.bob.friend_id();
    story.carry(Step::AlicesHello).await;
    assert!(dial(&story.bob, &story.alice).await);
    assert!(story.agree());
    story.unlink().await;
    assert_eq!(story.alice.friend().unwrap().conversation, before);

    let mut txn = story.bob.contacts.begin();
    let rival = sessions::rival(&txn, &id).unwrap().unwrap();
    let mut row = story.bob.contacts.contact_row(&txn, id).unwrap();
    sessions::remove(&mut txn, &id).unwrap();
    let route = story.bob.friend_route().unwrap();
    session::enter(&mut txn, &mut row, rival, route.addresses, None).unwrap();
    story.bob.contacts.commit(txn).await.unwrap();
    story.carry(Step::BobsConfirm).await;
    assert_eq!(story.alice.friend().unwrap().conversation, before);
    assert!(dial(&story.alice, &story.bob).await);
    assert!(story.agree());
    assert_ne!(story.alice.friend().unwrap().conversation, before);
}
