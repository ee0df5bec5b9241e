//! What days do to keys and invites.

use super::*;
use crate::{
    model::{ContactId, InviteState, RequestState},
    store::contacts,
};

const HOUR: Duration = Duration::from_secs(3_600);

async fn alice_and_bob(hand: &TestClock) -> (Person, Person) {
    let clock = hand.clock();
    let ready = |name| Person::ready(name, &clock);
    tokio::join!(ready("Alice"), ready("Bob"))
}

/// The certificate that `person` seals to when they write to `name`.
async fn cert_of(person: &Person, name: &str) -> Vec<u8> {
    let (route, _) = person.route_to(name).await;
    let row = contacts::get(&person.store().read(), &ContactId(route.0)).unwrap();
    row.unwrap().device_cert
}

/// Alice writes until Bob has heard of her new keys, which travel with what she writes.
async fn until_new_keys(alice: &Person, bob: &Person, old: &[u8]) -> Vec<u8> {
    for _ in 0..50 {
        let sent = alice.send("Bob", "my keys are new").await;
        alice.has_got(sent, DeliveryState::Delivered).await;
        let cert = cert_of(bob, "Alice").await;
        if cert != old {
            return cert;
        }
    }
    panic!("Alice's keys are those of yesterday");
}

#[tokio::test]
async fn keys_change_daily_and_what_was_sealed_to_the_old_ones_still_opens() {
    let hand = running_clock();
    let (mut alice, bob) = alice_and_bob(&hand).await;
    introduce(&alice, &bob).await;
    let mut texts = vec!["the first day".to_owned()];
    let sent = bob.send("Alice", &texts[0]).await;
    bob.has_got(sent, DeliveryState::Delivered).await;
    let mut cert = cert_of(&bob, "Alice").await;

    // Both are up when the day ends.
    hand.advance(25 * HOUR);
    cert = until_new_keys(&alice, &bob, &cert).await;
    texts.push("to the second day's keys".into());
    let sent = bob.send("Alice", &texts[1]).await;
    bob.has_got(sent, DeliveryState::Delivered).await;

    // Alice is away for two days; what was sealed on the first of them waits for her.
    alice.stop().await;
    texts.push("to keys that will be old when you read this".into());
    let sent = bob.send("Alice", &texts[2]).await;
    hand.advance(50 * HOUR);
    alice.start().await;
    alice.is_linked_to("Bob").await;
    bob.has_got(sent, DeliveryState::Delivered).await;
    until_new_keys(&alice, &bob, &cert).await;
    texts.push("to the newest".into());
    let sent = bob.send("Alice", &texts[3]).await;
    bob.has_got(sent, DeliveryState::Delivered).await;
    alice.hears("Bob", &texts).await;
}

#[tokio::test]
async fn an_invite_ends_by_itself_and_who_comes_late_is_told() {
    let hand = running_clock();
    let (alice, bob) = alice_and_bob(&hand).await;
    let (invite, link) = alice.invite(Some(HOUR)).await;
    let state = async || {
        let invites = alice.service().list_invites(PageRequest::default()).await;
        invites.unwrap().rows[0].state
    };
    hand.advance(HOUR - Duration::from_secs(60));
    assert_eq!(state().await, InviteState::Open);
    hand.advance(Duration::from_secs(60));
    assert_eq!(state().await, InviteState::Expired);
    bob.add(&link).await;
    bob.settles("the end of the request", async || {
        let requests = bob.service().list_requests(PageRequest::default()).await;
        let state = requests.unwrap().rows[0].state;
        (state == RequestState::Expired).then_some(())
    })
    .await;
    for person in [&alice, &bob] {
        let contacts = person.service().list_contacts(PageRequest::default()).await;
        assert!(contacts.unwrap().rows.is_empty());
    }
    // A day later nothing is left that could still be used.
    hand.advance(25 * HOUR);
    let route = RouteId(invite.id.0);
    // Nothing is told of it: it was over before.
    let gone = async {
        while routes::get(&alice.store().read(), &route)
            .unwrap()
            .is_some()
        {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("its keys are gone");
    assert_eq!(state().await, InviteState::Expired);
}
