//! Full queues and slow readers.

use super::*;

#[tokio::test]
async fn a_reader_that_takes_nothing_stops_the_sender_and_loses_nothing() {
    let (mut a, mut b) = linked().await;
    let numbered = |n: u32| {
        let mut bytes = vec![0; PARCEL_BYTES[2]];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        Frame::Parcel(bytes)
    };
    // The sender goes on until its queue has stayed full for many turns of the scheduler.
    let (mut sent, mut refused) = (0, 0);
    while refused < 2_000 {
        match a.net.try_send(ROUTE, numbered(sent)) {
            Ok(()) => (sent, refused) = (sent + 1, 0),
            Err(SendError::Full) => {
                refused += 1;
                tokio::task::yield_now().await;
            }
            Err(error) => panic!("{error}"),
        }
        assert!(
            sent < 2_000,
            "128 MiB are under way and nobody is held back"
        );
    }
    for n in 0..sent {
        assert_eq!(b.frame().await, numbered(n));
    }
    assert!(matches!(a.next().await, Event::Writable { route: ROUTE }));
    assert!(a.net.room(ROUTE) > 0);
    a.net.try_send(ROUTE, numbered(sent)).unwrap();
    assert_eq!(b.frame().await, numbered(sent));
}

#[tokio::test]
async fn a_waiting_send_goes_on_when_there_is_room_and_fails_when_the_link_ends() {
    let (a, mut b) = linked().await;
    let net = a.net.clone();
    let many = async {
        for n in 0..200 {
            net.send(ROUTE, parcel(n)).await.unwrap();
        }
    };
    let all = async {
        for n in 0..200 {
            assert_eq!(b.frame().await, parcel(n));
        }
    };
    futures::join!(many, all);
    a.net.disconnect(ROUTE).await;
    assert_eq!(b.down().await, LinkDownReason::Bye);
    assert_eq!(a.net.send(ROUTE, parcel(0)).await, Err(SendError::NoLink));
    assert_eq!(a.net.room(ROUTE), 0);
}

#[tokio::test]
async fn without_a_link_a_frame_is_refused() {
    let a = side().await;
    assert_eq!(a.net.try_send(ROUTE, parcel(0)), Err(SendError::NoLink));
}

#[tokio::test]
async fn a_frame_that_the_wire_does_not_know_is_refused_at_the_door() {
    let (a, _b) = linked().await;
    for frame in [
        Frame::Parcel(vec![0; 4_095]),
        Frame::Custody(Vec::new()),
        Frame::Custody(vec![[0; 16]; 257]),
    ] {
        assert_eq!(
            a.net.try_send(ROUTE, frame.clone()),
            Err(SendError::Misshapen)
        );
        assert_eq!(a.net.send(ROUTE, frame).await, Err(SendError::Misshapen));
    }
}
