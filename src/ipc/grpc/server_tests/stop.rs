//! The two stages of the stop.

use super::{
    super::{
        client::{Client, reply},
        proto::v1,
    },
    House, send,
};
use crate::model::ErrorCode;
use std::time::Duration;

#[tokio::test]
async fn calls_in_flight_finish_and_nothing_new_begins_while_closing() {
    let house = House::open(|_| ());
    let client = house.client().await;
    let mut messages = client.messages();
    let mut waiting = Box::pin(messages.wait_message(v1::WaitMessageRequest::default()));
    tokio::select! {
        _ = &mut waiting => panic!("answered too early"),
        () = house.started.notified() => {}
    }
    house.tasks.close();
    let refused = send(&client, "late".into()).await.expect_err("refused");
    assert!(
        matches!(
            refused.code,
            ErrorCode::Unavailable | ErrorCode::Unreachable
        ),
        "{refused:?}"
    );
    house.finish.notify_one();
    reply(waiting.await).expect("finished");
    assert!(
        house
            .tasks
            .shut_down(Duration::from_secs(5))
            .await
            .is_empty()
    );
    assert!(!house.socket.exists());
    let gone = Client::connect(&house.socket)
        .await
        .expect_err("nobody is there");
    assert_eq!(gone.code, ErrorCode::Unreachable);
}

#[tokio::test]
async fn a_wait_that_never_finishes_is_cut_when_the_grace_is_over() {
    let house = House::open(|settings| settings.grace = Duration::from_millis(10));
    let mut messages = house.client().await.messages();
    let mut endless = Box::pin(messages.wait_message(v1::WaitMessageRequest::default()));
    tokio::select! {
        _ = &mut endless => panic!("answered"),
        () = house.started.notified() => {}
    }
    let (call, late) = tokio::join!(endless, house.tasks.shut_down(Duration::from_secs(5)));
    assert_eq!(reply(call).expect_err("cut").code, ErrorCode::Unreachable);
    assert!(late.is_empty(), "{late:?}");
    house.followed_up.notified().await;
}

#[tokio::test]
async fn a_call_that_never_finishes_is_abandoned_at_the_deadline_and_its_client_told() {
    let house = House::open(|_| ());
    let mut messages = house.client().await.messages();
    let mut endless = Box::pin(messages.explain_message(v1::ExplainMessageRequest::default()));
    tokio::select! {
        _ = &mut endless => panic!("answered"),
        () = house.started.notified() => {}
    }
    let stopping = async { house.tasks.shut_down(Duration::from_millis(100)).await };
    let (call, late) = tokio::join!(endless, stopping);
    assert_eq!(reply(call).expect_err("late").code, ErrorCode::Unavailable);
    assert_eq!(late.first(), Some(&"calls"));
    house.followed_up.notified().await;
}
