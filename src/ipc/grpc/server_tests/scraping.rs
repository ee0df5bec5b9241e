//! Plain HTTP/1.1 on the socket: `GET /metrics`, by whoever may.

use super::{House, send};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

/// What the door says to a request of one line.
async fn ask(house: &House, line: &str) -> String {
    let mut socket = UnixStream::connect(&house.socket).await.expect("connected");
    let request = format!("{line}\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.expect("written");
    let mut said = String::new();
    socket.read_to_string(&mut said).await.expect("an answer");
    said
}

#[tokio::test]
async fn another_user_gets_no_figures() {
    let house = House::open(|settings| settings.uid += 1);
    let said = ask(&house, "GET /metrics HTTP/1.1").await;
    assert!(said.starts_with("HTTP/1.1 403 "), "{said}");
    assert!(!said.contains("msgd_"), "{said}");
}

#[tokio::test]
async fn a_scraper_too_many_is_told() {
    let house = House::open(|settings| (settings.seats.served, settings.seats.told) = (1, 1));
    let first = house.client().await;
    send(&first, "hi".into()).await.expect("sent");
    let said = ask(&house, "GET /metrics HTTP/1.1").await;
    assert!(said.starts_with("HTTP/1.1 503 "), "{said}");
    assert!(said.contains("too many clients"), "{said}");
}

#[tokio::test]
async fn what_cannot_be_told_now_is_a_refusal_and_only_get_is_known() {
    let house = House::open(|_| ());
    let said = ask(&house, "GET /metrics HTTP/1.1").await;
    assert!(said.starts_with("HTTP/1.1 503 "), "{said}");
    assert!(said.contains("try again shortly"), "{said}");
    let said = ask(&house, "POST /metrics HTTP/1.1").await;
    assert!(said.starts_with("HTTP/1.1 405 "), "{said}");
    let mut nonsense = UnixStream::connect(&house.socket).await.expect("connected");
    let line = b"BREW /metrics COFFEE/1 of the house\r\n\r\n";
    nonsense.write_all(line).await.expect("written");
    // It ends, however it ends; a live connection would keep this from returning.
    let _ = nonsense.read_to_end(&mut Vec::new()).await;
    send(&house.client().await, "still here".into())
        .await
        .expect("sent");
}
