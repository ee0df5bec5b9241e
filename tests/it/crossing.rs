//! Two people use each other's invites.

use crate::world::Daemon;
use msgd::ipc::grpc::{client::reply, proto::v1};

#[tokio::test]
async fn two_who_use_each_other_s_invites_at_once_write_to_each_other() {
    let (alice, bob) = tokio::join!(Daemon::ready("Alice"), Daemon::ready("Bob"));
    let ((_, of_alice), (_, of_bob)) = tokio::join!(alice.invite(true), bob.invite(true));
    let (by_alice, by_bob) = tokio::join!(alice.add(&of_bob), bob.add(&of_alice));
    by_alice.expect("the link is good");
    by_bob.expect("the link is good");
    they_write_to_each_other(&alice, &bob).await;
}

#[tokio::test]
async fn one_after_the_other_does_as_well() {
    let (alice, bob) = tokio::join!(Daemon::ready("Alice"), Daemon::ready("Bob"));
    let ((_, of_alice), (_, of_bob)) = tokio::join!(alice.invite(true), bob.invite(true));
    bob.add(&of_alice).await.expect("the link is good");
    they_write_to_each_other(&alice, &bob).await;
    let again = alice.add(&of_bob).await.expect("the link is good");
    accepted(&alice, &again.id).await;
    they_write_to_each_other(&bob, &alice).await;
}

#[tokio::test]
async fn each_accepts_the_other_s_request_while_the_other_is_away() {
    for alice_returns_first in [true, false] {
        let (mut alice, mut bob) = tokio::join!(Daemon::ready("Alice"), Daemon::ready("Bob"));
        let ((_, of_alice), (_, of_bob)) = tokio::join!(alice.invite(false), bob.invite(false));
        let by_alice = alice.add(&of_bob).await.expect("the link is good");
        let by_bob = bob.add(&of_alice).await.expect("the link is good");
        for (daemon, own) in [(&alice, &by_alice.id), (&bob, &by_bob.id)] {
            becomes(daemon, own, v1::RequestState::Sent).await;
        }
        let (asked_alice, asked_bob) = (incoming(&alice).await, incoming(&bob).await);
        bob.stop().await;
        accept(&alice, asked_alice).await;
        alice.stop().await;
        bob.start().await;
        accept(&bob, asked_bob).await;
        if alice_returns_first {
            alice.start().await;
        } else {
            bob.stop().await;
            alice.start().await;
            bob.start().await;
        }
        they_write_to_each_other(&alice, &bob).await;
    }
}

async fn they_write_to_each_other(one: &Daemon, other: &Daemon) {
    let (one_s, other_s) = tokio::join!(one.knows(other.name()), other.knows(one.name()));
    tokio::join!(
        one.is_linked_to(other.name()),
        other.is_linked_to(one.name())
    );
    assert_ne!(one_s.id, other_s.id);
    let there = one.send(other.name(), "there").await;
    one.is_delivered(&there).await;
    let back = other.send(one.name(), "back").await;
    other.is_delivered(&back).await;
    let (one_s, other_s) = tokio::join!(one.knows(other.name()), other.knows(one.name()));
    assert_eq!(one_s.conversation, other_s.conversation);
}

async fn incoming(daemon: &Daemon) -> String {
    daemon
        .settles("an incoming request", async |client| {
            let list = v1::ListRequestsRequest::default();
            let page = reply(client.requests().list_requests(list).await).expect("a list");
            let theirs =
                |request: &v1::ContactRequest| request.direction() == v1::Direction::Incoming;
            page.requests.into_iter().find(theirs).map(|found| found.id)
        })
        .await
}

async fn accept(daemon: &Daemon, request: String) {
    let accept = v1::AcceptRequestRequest {
        request,
        ..Default::default()
    };
    reply(daemon.client().requests().accept_request(accept).await).expect("accepted");
}

async fn accepted(daemon: &Daemon, request: &str) {
    becomes(daemon, request, v1::RequestState::Accepted).await;
}

async fn becomes(daemon: &Daemon, request: &str, state: v1::RequestState) {
    daemon
        .settles(&format!("a request that is {state:?}"), async |client| {
            let get = v1::GetRequestRequest {
                request: request.to_owned(),
            };
            let found = reply(client.requests().get_request(get).await).ok()?;
            (found.request?.state() == state).then_some(())
        })
        .await;
}
