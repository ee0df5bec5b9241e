//! What is left of invites and requests once they are over.

use super::*;
use crate::{
    model::{InviteState, RequestState},
    store::records::{InviteRecord, RequestRecord},
};

impl Person {
    fn invite_row(&self, id: InviteId) -> InviteRecord {
        invite_rows::get(&self.contacts.store().read(), &id)
            .unwrap()
            .unwrap()
    }

    fn only_request(&self) -> RequestRecord {
        let rows = request_rows::list(&self.contacts.store().read()).unwrap();
        assert_eq!(rows.len(), 1);
        rows.into_iter().next().unwrap()
    }
}

fn is_shredded(invite: &InviteRecord) -> bool {
    invite.offer.is_empty() && invite.secret.is_empty() && invite.link.is_empty()
}

fn is_emptied(request: &RequestRecord) -> bool {
    request.handshake.is_empty() && request.link.is_empty() && request.parcel.is_empty()
}

#[tokio::test]
async fn an_invite_that_expires_loses_its_keys_and_is_told() {
    let alice = Person::new("Alice").await;
    let (id, _) = alice.invite(true).await;
    alice.contacts.sweep().await.unwrap();
    assert!(!is_shredded(&alice.invite_row(id)));
    alice.hand.advance(Duration::from_secs(86_401));
    let told = alice.contacts.0.bus.newest().unwrap();
    alice.contacts.sweep().await.unwrap();
    assert_eq!(alice.contacts.0.bus.newest(), Some(told + 1));
    // For a day whoever comes is told that it is over.
    assert!(!is_shredded(&alice.invite_row(id)));
    assert!(alice.route(RouteId(id.0)).is_some());
    alice.hand.advance(Duration::from_secs(86_400));
    alice.contacts.sweep().await.unwrap();
    assert!(is_shredded(&alice.invite_row(id)));
    assert!(alice.route(RouteId(id.0)).is_none());
    assert_eq!(alice.contacts.route_kind(RouteId(id.0)), None);
    let shown = alice.contacts.list_invites().unwrap();
    assert_eq!(shown[0].state, InviteState::Expired);
    alice.contacts.sweep().await.unwrap();
    assert_eq!(alice.contacts.0.bus.newest(), Some(told + 1), "told once");
}

#[tokio::test]
async fn a_finished_handshake_leaves_no_secret_of_its_own() {
    let (alice, bob) = (Person::new("Alice").await, Person::new("Bob").await);
    let invite = alice.invite(true).await;
    let way = bob.uses(&alice, &invite).await;
    let route = RouteId(invite.0.0);
    alice.takes(route, bob.waiting(way)).await.unwrap();
    assert!(is_shredded(&alice.invite_row(invite.0)));
    assert!(is_emptied(&alice.only_request()));
    bob.takes(way, alice.waiting(route)).await.unwrap();
    assert!(is_emptied(&bob.only_request()));
}

#[tokio::test]
async fn requests_that_nobody_decides_lose_their_secrets_when_they_expire() {
    let (alice, bob) = (Person::new("Alice").await, Person::new("Bob").await);
    let invite = alice.invite(false).await;
    let way = bob.uses(&alice, &invite).await;
    let route = RouteId(invite.0.0);
    alice.takes(route, bob.waiting(way)).await.unwrap();
    for person in [&alice, &bob] {
        person.contacts.sweep().await.unwrap();
        assert!(!is_emptied(&person.only_request()));
        person.hand.advance(Duration::from_secs(31 * 86_400));
        person.contacts.sweep().await.unwrap();
        assert!(is_emptied(&person.only_request()));
        let shown = person.contacts.list_requests().unwrap();
        assert_eq!(shown[0].state, RequestState::Expired);
    }
    assert!(is_shredded(&alice.invite_row(invite.0)));
    assert!(bob.route(way).is_none());
    assert!(alice.route(route).is_none());
}
