//! Calls that go well, calls that fail, and clients that misbehave.

use super::{
    super::{
        client::{ClientError, reply},
        proto::v1,
    },
    House, send,
};
use crate::model::{
    ErrorCode,
    limits::{MAX_API_REQUEST_BYTES, MAX_TEXT_BYTES},
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

#[tokio::test]
async fn a_call_is_answered_and_the_longest_message_fits() {
    let house = House::open(|_| ());
    let text = "x".repeat(MAX_TEXT_BYTES);
    let done = send(&house.client().await, text.clone())
        .await
        .expect("sent");
    assert_eq!(done.message.expect("a message").text, text);
}

#[tokio::test]
async fn an_error_arrives_as_the_service_said_it() {
    let house = House::open(|_| ());
    let call = house
        .client()
        .await
        .messages()
        .get_message(v1::GetMessageRequest::default())
        .await;
    let said = ClientError {
        code: ErrorCode::Ambiguous,
        subject: "message".into(),
        message: "two fit: say more".into(),
        candidates: vec!["ab01 Ada".into(), "ab02 Bob".into()],
    };
    assert_eq!(reply(call).expect_err("refused"), said);
}

#[tokio::test]
async fn an_oversized_request_is_refused_with_a_detail_and_the_connection_stays() {
    let house = House::open(|_| ());
    let client = house.client().await;
    let error = send(&client, "x".repeat(MAX_API_REQUEST_BYTES))
        .await
        .expect_err("refused");
    assert_eq!(
        (error.code, error.subject.as_str()),
        (ErrorCode::Limit, "request")
    );
    send(&client, "small".into()).await.expect("sent");
}

#[tokio::test]
async fn a_panic_is_the_error_of_its_call_alone() {
    let house = House::open(|_| ());
    let client = house.client().await;
    let call = client
        .messages()
        .list_messages(v1::ListMessagesRequest::default())
        .await;
    assert_eq!(reply(call).expect_err("failed").code, ErrorCode::Internal);
    send(&client, "on".into()).await.expect("sent");
}

#[tokio::test]
async fn another_user_is_denied_everything() {
    let house = House::open(|settings| settings.uid += 1);
    let client = house.client().await;
    assert_eq!(
        send(&client, "hi".into()).await.expect_err("refused").code,
        ErrorCode::Denied
    );
}

#[tokio::test]
async fn a_client_too_many_is_told_and_the_next_is_hung_up_on() {
    let house = House::open(|settings| (settings.seats.served, settings.seats.told) = (1, 1));
    let first = house.client().await;
    send(&first, "hi".into()).await.expect("sent");
    let second = house.client().await;
    assert_eq!(
        send(&second, "hi".into()).await.expect_err("refused").code,
        ErrorCode::Limit
    );
    let mut third = UnixStream::connect(&house.socket).await.expect("connected");
    assert_eq!(third.read(&mut [0; 1]).await.expect("hung up"), 0);
    send(&first, "still here".into()).await.expect("sent");
}

#[tokio::test]
async fn a_seat_is_free_again_when_its_client_goes() {
    let house = House::open(|settings| (settings.seats.served, settings.seats.told) = (1, 1));
    for round in 0..20 {
        // The one before may still be on its way out: then this one is told so and comes again.
        while let Err(error) = send(&house.client().await, format!("{round}")).await {
            assert!(
                matches!(error.code, ErrorCode::Limit | ErrorCode::Unreachable),
                "{error:?}"
            );
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn who_does_not_say_hello_is_hung_up_on() {
    let house = House::open(|settings| settings.seats.greeting = Duration::from_millis(20));
    let mut silent = UnixStream::connect(&house.socket).await.expect("connected");
    let mut slow = UnixStream::connect(&house.socket).await.expect("connected");
    slow.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .expect("written");
    let mut heard = Vec::new();
    // Both end, however they end; a live connection would keep this from returning.
    let _ = silent.read_to_end(&mut heard).await;
    let _ = slow.read_to_end(&mut heard).await;
    let quick = house.client().await;
    send(&quick, "hello".into()).await.expect("sent");
}
