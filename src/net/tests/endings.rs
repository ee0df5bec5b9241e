//! How links end.

use super::*;

async fn with_puppet() -> (TestClock, Side, Puppet) {
    let hand = TestClock::at(0);
    let mut b = side_with(config(), hand.clock()).await;
    b.knows(&[KEY], Vec::new());
    let puppet = Puppet::link(transport::tcp_on(b.at())).await;
    assert!(b.up().await);
    (hand, b, puppet)
}

#[tokio::test]
async fn a_peer_that_falls_silent_after_a_parcel_is_down_within_five_seconds() {
    let (hand, mut b, mut puppet) = with_puppet().await;
    b.net.send(ROUTE, parcel(1)).await.unwrap();
    assert_eq!(puppet.hear().await, Some(parcel(1)));
    hand.advance(Duration::from_millis(2_000));
    assert!(matches!(puppet.hear().await, Some(Frame::Ping(_))));
    hand.advance(Duration::from_millis(2_500));
    assert_eq!(b.down().await, LinkDownReason::NoAnswer);
    assert!(puppet.is_hung_up_on().await);
}

#[tokio::test]
async fn a_peer_that_answers_pings_stays_linked_although_it_vouches_for_nothing() {
    let (hand, mut b, mut puppet) = with_puppet().await;
    b.net.send(ROUTE, parcel(1)).await.unwrap();
    assert_eq!(puppet.hear().await, Some(parcel(1)));
    hand.advance(Duration::from_millis(2_000));
    let Some(Frame::Ping(number)) = puppet.hear().await else {
        panic!("no ping");
    };
    puppet.say(&Frame::Pong(number)).await;
    puppet.say(&parcel(2)).await;
    assert_eq!(b.frame().await, parcel(2));
    hand.advance(Duration::from_secs(45));
    b.net.send(ROUTE, parcel(3)).await.unwrap();
    assert_eq!(puppet.hear().await, Some(parcel(3)), "no ping in between");
}

#[tokio::test]
async fn an_idle_peer_is_asked_after_a_minute_and_given_up_twenty_seconds_later() {
    let (hand, mut b, mut puppet) = with_puppet().await;
    hand.advance(Duration::from_secs(70));
    assert!(matches!(puppet.hear().await, Some(Frame::Ping(_))));
    hand.advance(Duration::from_secs(20));
    assert_eq!(b.down().await, LinkDownReason::NoAnswer);
}

#[tokio::test]
async fn a_frame_of_no_known_kind_ends_the_link() {
    let (_hand, mut b, mut puppet) = with_puppet().await;
    puppet.say_bytes(&[0xff; 64]).await;
    assert_eq!(b.down().await, LinkDownReason::Broken);
}

#[tokio::test]
async fn a_broken_connection_ends_the_link() {
    let (_hand, mut b, puppet) = with_puppet().await;
    drop(puppet);
    assert_eq!(b.down().await, LinkDownReason::Closed);
}

#[tokio::test]
async fn a_room_that_stops_says_goodbye_and_leaves_no_laggard() {
    let (mut a, mut b) = linked().await;
    a.net.send(ROUTE, parcel(1)).await.unwrap();
    let late = a.tasks.shut_down(Duration::from_secs(5)).await;
    assert_eq!(late, Vec::<&str>::new());
    assert_eq!(b.frame().await, parcel(1), "what was queued still goes out");
    assert_eq!(b.down().await, LinkDownReason::Bye);
    assert_eq!(a.down().await, LinkDownReason::Stopping);
    assert_eq!(a.net.try_send(ROUTE, parcel(2)), Err(SendError::NoLink));
}

#[tokio::test]
async fn a_new_epoch_brings_a_new_peer_id_on_the_same_ports() {
    let (mut a, mut b) = linked().await;
    let (before, at) = (Puppet::connect(transport::tcp_on(b.at())).await, b.at());
    b.net.rotate().await;
    assert_eq!(b.down().await, LinkDownReason::Rotated);
    assert_eq!(a.down().await, LinkDownReason::Bye);
    // The address is told again once it is listened on again.
    while b.net.listen_addresses() != [at] || b.net.status().await.links > 0 {
        tokio::task::yield_now().await;
    }
    let after = Puppet::connect(transport::quic_on(at)).await;
    assert_ne!(before.ends.listener, after.ends.listener);
    a.net.dial(ROUTE).await;
    assert!(!a.up().await);
    assert!(b.up().await);
}

#[tokio::test]
async fn an_epoch_ends_by_itself_at_a_random_moment_of_its_span() {
    let hand = TestClock::at(0);
    let mut b = side_with(config(), hand.clock()).await;
    b.knows(&[KEY], Vec::new());
    let mut puppet = Puppet::link(transport::tcp_on(b.at())).await;
    assert!(b.up().await);
    hand.advance(NetConfig::default().epoch);
    while puppet.hear().await.expect("a goodbye before the end") != Frame::Bye {}
    drop(puppet);
    assert_eq!(b.down().await, LinkDownReason::Rotated);
}

#[tokio::test]
async fn a_route_that_is_removed_loses_its_link_and_cannot_come_back() {
    let (mut a, mut b) = linked().await;
    b.net.remove_route(ROUTE).await;
    assert_eq!(b.down().await, LinkDownReason::Disconnected);
    assert_eq!(a.down().await, LinkDownReason::Bye);
    a.net.dial(ROUTE).await;
    let event = a.next().await;
    assert!(
        matches!(
            event,
            Event::DialFailed {
                reason: DialFailure::NotThem,
                ..
            }
        ),
        "{event:?}"
    );
}

#[tokio::test]
async fn a_link_from_an_address_that_is_gone_ends_at_once_and_is_not_waited_for() {
    let (mut a, mut b) = linked().await;
    a.net.table.review(|ip| !ip.is_loopback());
    assert_eq!(a.down().await, LinkDownReason::Closed);
    assert_eq!(b.down().await, LinkDownReason::Closed);
    a.net.dial(ROUTE).await;
    assert!(!a.up().await);
    assert!(b.up().await);
    // Those that stay only make sure of each other.
    b.net.table.review(|_| true);
    b.net.doubt_links();
    a.net.send(ROUTE, parcel(3)).await.unwrap();
    assert_eq!(b.frame().await, parcel(3));
}
