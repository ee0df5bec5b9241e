//! Links that somebody else has seen.

use super::*;
use crate::model::{InviteState, RequestState};

/// Alice's invite, waiting with Bob's request.
async fn asked() -> (Person, Person, (InviteId, String), Vec<u8>) {
    let (alice, bob) = (Person::new("Alice").await, Person::new("Bob").await);
    let invite = alice.invite(false).await;
    let way = bob.uses(&alice, &invite).await;
    let hello = bob.waiting(way);
    let route = RouteId(invite.0.0);
    alice.takes(route, hello.clone()).await.unwrap();
    (alice, bob, invite, hello)
}

#[tokio::test]
async fn noise_behind_the_right_tag_freezes_nobody() {
    let (alice, _bob, invite, hello) = asked().await;
    let mut noise = hello.clone();
    noise[16..].fill(7);
    let route = RouteId(invite.0.0);
    assert!(alice.takes(route, noise).await.is_err());
    alice.takes(route, hello).await.unwrap();
    let shown = alice.contacts.list_invites().unwrap();
    assert_eq!(shown[0].state, InviteState::Used);
    let requests = alice.contacts.list_requests().unwrap();
    assert_eq!(requests[0].state, RequestState::Pending);
}

#[tokio::test]
async fn a_second_hello_that_opens_freezes_both() {
    let (alice, _bob, invite, _) = asked().await;
    let eve = Person::new("Eve").await;
    let way = eve.uses(&alice, &invite).await;
    let route = RouteId(invite.0.0);
    alice.takes(route, eve.waiting(way)).await.unwrap();
    let shown = alice.contacts.list_invites().unwrap();
    assert_eq!(shown[0].state, InviteState::Compromised);
    let requests = alice.contacts.list_requests().unwrap();
    assert_eq!(requests[0].state, RequestState::Frozen);
    assert!(alice.route(route).is_none());
}
