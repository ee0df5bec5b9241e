//! Blocked, with a handshake under way.

use super::*;
use crate::model::{ContactState, RequestState};

#[tokio::test]
async fn a_confirm_that_comes_after_blocking_brings_nobody_back() {
    let (alice, bob) = (Person::new("Alice").await, Person::new("Bob").await);
    let invite = alice.invite(true).await;
    let way = bob.uses(&alice, &invite).await;
    let route = RouteId(invite.0.0);
    alice.takes(route, bob.waiting(way)).await.unwrap();
    bob.takes(way, alice.waiting(route)).await.unwrap();
    assert!(dial(&bob, &alice).await);

    let back = bob.invite(true).await;
    let answer = alice.uses(&bob, &back).await;
    let hello = alice.waiting(answer);
    bob.takes(RouteId(back.0.0), hello).await.unwrap();
    let confirm = bob.waiting(RouteId(back.0.0));
    let blocked = alice.contacts.block(alice.friend_id()).await.unwrap();
    assert_eq!(blocked.state, ContactState::Blocked);
    alice.takes(answer, confirm).await.unwrap();
    assert_eq!(
        alice.contacts.list().unwrap()[0].state,
        ContactState::Blocked
    );
    assert!(alice.friend_route().is_none());
    assert!(alice.route(answer).is_none());
    let declined = |request: &Request| request.state == RequestState::Declined;
    assert!(alice.contacts.list_requests().unwrap().iter().any(declined));
    let read = alice.contacts.store().read();
    assert!(sessions::get(&read, &alice.friend_id()).unwrap().is_none());
    assert!(
        sessions::rival(&read, &alice.friend_id())
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_route_that_is_not_on_disk_is_taken_back() {
    let alice = Person::new("Alice").await;
    let (id, _) = alice.invite(true).await;
    let route = RouteId(id.0);
    // As if the removal had been cut off after its transaction.
    let mut txn = alice.contacts.begin();
    routes::remove(&mut txn, &route).unwrap();
    alice.contacts.commit(txn).await.unwrap();
    alice.contacts.load_routes().await.unwrap();
    assert_eq!(alice.contacts.route_kind(route), None);
}
