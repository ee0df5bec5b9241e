//! Two people become contacts: an invite, a request, a decision.

use crate::world::Daemon;
use msgd::ipc::grpc::{client::reply, proto::v1};

#[tokio::test]
async fn a_request_waits_for_a_decision_and_then_both_write() {
    let (alice, bob) = tokio::join!(Daemon::ready("Alice"), Daemon::ready("Bob"));
    let (_, link) = alice.invite(false).await;
    bob.add(&link).await.expect("the link is good");
    let request = pending(&alice).await;
    assert_eq!(
        (request.name.as_str(), request.greeting.as_str()),
        ("Bob", "Bob here")
    );
    assert_eq!(request.direction(), v1::Direction::Incoming);
    // They have it and have not decided: that is all that Bob is told.
    outgoing(&bob, v1::RequestState::Sent).await;

    let accept = v1::AcceptRequestRequest {
        request: request.id,
        ..Default::default()
    };
    let accepted = reply(alice.client().requests().accept_request(accept).await);
    let accepted = accepted.expect("accepted").request.expect("told");
    assert_eq!(accepted.state(), v1::RequestState::Accepted);
    let theirs = bob.knows("Alice").await;
    let ours = alice.knows("Bob").await;
    assert_eq!(ours.conversation, theirs.conversation);
    assert_eq!(
        safety_number(&alice, "Bob").await,
        safety_number(&bob, "Alice").await
    );

    bob.send("Alice", "one").await;
    bob.send("Alice", "two").await;
    alice.hears("Bob", &["one", "two"]).await;
    assert_eq!(unread(&alice, "Bob").await, 2);
    let read = v1::MarkReadRequest {
        conversation: "Bob".into(),
        ..Default::default()
    };
    let marked = reply(alice.client().conversations().mark_read(read).await);
    assert_eq!(marked.expect("read").conversation.expect("told").unread, 0);
    let back = alice.send("Bob", "three").await;
    bob.hears("Alice", &["three"]).await;
    alice.is_delivered(&back).await;
    assert_eq!(unread(&bob, "Alice").await, 1);
}

#[tokio::test]
async fn a_declined_request_leaves_no_contact_and_tells_nothing() {
    let (alice, bob) = tokio::join!(Daemon::ready("Alice"), Daemon::ready("Bob"));
    let (_, link) = alice.invite(false).await;
    bob.add(&link).await.expect("the link is good");
    let request = pending(&alice).await;
    outgoing(&bob, v1::RequestState::Sent).await;
    let decline = v1::DeclineRequestRequest {
        request: request.id,
        ..Default::default()
    };
    let declined = reply(alice.client().requests().decline_request(decline).await);
    let declined = declined.expect("declined").request.expect("told");
    assert_eq!(declined.state(), v1::RequestState::Declined);
    for daemon in [&alice, &bob] {
        let list = v1::ListContactsRequest::default();
        let contacts = reply(daemon.client().contacts().list_contacts(list).await);
        assert!(contacts.expect("a list").contacts.is_empty());
    }
    outgoing(&bob, v1::RequestState::Sent).await;
}

async fn pending(daemon: &Daemon) -> v1::ContactRequest {
    one_request(daemon, v1::RequestState::Pending).await
}

async fn outgoing(daemon: &Daemon, state: v1::RequestState) {
    let request = one_request(daemon, state).await;
    assert_eq!(request.direction(), v1::Direction::Outgoing);
}

async fn one_request(daemon: &Daemon, state: v1::RequestState) -> v1::ContactRequest {
    daemon
        .settles("a request", async |client| {
            let list = v1::ListRequestsRequest::default();
            let page = reply(client.requests().list_requests(list).await).expect("a list");
            page.requests
                .into_iter()
                .find(|request| request.state() == state)
        })
        .await
}

async fn unread(daemon: &Daemon, with: &str) -> u64 {
    let get = v1::GetConversationRequest {
        conversation: with.to_owned(),
    };
    let found = reply(daemon.client().conversations().get_conversation(get).await);
    found.expect("found").conversation.expect("told").unread
}

async fn safety_number(daemon: &Daemon, with: &str) -> String {
    let get = v1::GetSafetyNumberRequest {
        contact: with.to_owned(),
    };
    let number = reply(daemon.client().contacts().get_safety_number(get).await);
    number.expect("a number").safety_number
}
