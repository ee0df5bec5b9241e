//! Clients that go in the middle of a call.

use super::{
    super::{client::Client, proto::v1},
    House, SLOW, send,
};

/// A house with one seat: who gets it knows that the client before is gone for good.
fn one_seat() -> House {
    House::open(|settings| (settings.seats.served, settings.seats.told) = (1, 1))
}

/// Begins a call and returns once the daemon is in the middle of it and its client gone.
async fn walk_away(house: &House, call: impl AsyncFnOnce(Client)) {
    let client = house.client().await;
    tokio::select! {
        () = call(client) => panic!("answered too early"),
        () = house.started.notified() => {}
    }
    while send(&house.client().await, "next".into()).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_call_is_finished_though_its_client_went() {
    let house = one_seat();
    walk_away(&house, async |client| {
        drop(send(&client, SLOW.into()).await)
    })
    .await;
    house.finish.notify_one();
    house.followed_up.notified().await;
}

#[tokio::test]
async fn a_wait_ends_with_its_client() {
    let house = one_seat();
    walk_away(&house, async |client| {
        let request = v1::WaitMessageRequest::default();
        drop(client.messages().wait_message(request).await);
    })
    .await;
    house.followed_up.notified().await;
}
