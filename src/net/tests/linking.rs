//! How links come up.

use super::*;

#[tokio::test]
async fn two_rooms_link_and_frames_pass_both_ways_in_order() {
    let (mut a, mut b) = linked().await;
    for n in 0..100 {
        a.net.send(ROUTE, parcel(n)).await.unwrap();
        assert_eq!(b.frame().await, parcel(n));
        b.net
            .send(ROUTE, Frame::Custody(vec![[n; 16]]))
            .await
            .unwrap();
        assert_eq!(a.frame().await, Frame::Custody(vec![[n; 16]]));
    }
    assert_eq!(a.net.status().await.links, 1);
    assert_eq!(b.net.status().await.inbound_links, 1);
}

#[tokio::test]
async fn a_link_comes_up_over_quic_alone_and_over_tcp_alone() {
    for on in [transport::quic_on, transport::tcp_on] {
        let mut b = side().await;
        b.knows(&[KEY], Vec::new());
        let _puppet = Puppet::link(on(b.at())).await;
        assert!(b.up().await);
    }
}

#[tokio::test]
async fn one_dial_makes_one_link_although_quic_and_tcp_both_answer() {
    for _ in 0..10 {
        let (a, b) = linked().await;
        // Whatever else the dial had under way is closed without a word.
        a.net.send(ROUTE, parcel(1)).await.unwrap();
        let (mut a, mut b) = (a, b);
        assert_eq!(b.frame().await, parcel(1));
        b.net.send(ROUTE, parcel(2)).await.unwrap();
        assert_eq!(a.frame().await, parcel(2));
    }
}

#[tokio::test]
async fn whoever_has_another_key_is_turned_away_and_the_listener_tells_nobody() {
    let (mut a, b) = (side().await, side().await);
    a.knows(&[[8; 32]], vec![b.at()]);
    b.knows(&[KEY], Vec::new());
    a.net.dial(ROUTE).await;
    let event = a.next().await;
    assert!(
        matches!(
            event,
            Event::DialFailed {
                route: ROUTE,
                reason: DialFailure::NotThem
            }
        ),
        "{event:?}"
    );
    assert_eq!(b.net.status().await.links, 0);
}

#[tokio::test]
async fn a_dialer_that_is_ahead_by_one_key_gets_through_at_its_second_try() {
    let (mut a, mut b) = (side().await, side().await);
    a.knows(&[[8; 32], KEY], vec![b.at()]);
    b.knows(&[KEY], Vec::new());
    a.net.dial(ROUTE).await;
    assert!(matches!(a.next().await, Event::DialFailed { .. }));
    a.net.dial(ROUTE).await;
    assert!(!a.up().await);
    assert!(b.up().await);
}

#[tokio::test]
async fn a_listener_accepts_the_previous_key() {
    let (mut a, mut b) = (side().await, side().await);
    a.knows(&[KEY], vec![b.at()]);
    b.knows(&[[8; 32], KEY], Vec::new());
    a.net.dial(ROUTE).await;
    assert!(!a.up().await);
    assert!(b.up().await);
}

#[tokio::test]
async fn a_dead_address_beside_a_good_one_does_no_harm() {
    let (mut a, mut b) = (side().await, side().await);
    a.knows(&[KEY], vec!["127.0.0.1:1".parse().unwrap(), b.at()]);
    b.knows(&[KEY], Vec::new());
    a.net.dial(ROUTE).await;
    assert!(!a.up().await);
    assert!(b.up().await);
}

#[tokio::test]
async fn where_somebody_was_seen_is_dialled_too_and_forgotten_with_the_route() {
    let (mut a, mut b) = (side().await, side().await);
    a.net.suggest(ROUTE, PathKind::Lan, vec![b.at()]).await;
    a.knows(&[KEY], vec!["127.0.0.1:1".parse().unwrap()]);
    b.knows(&[KEY], Vec::new());
    a.net.dial(ROUTE).await;
    let failed = a.next().await;
    assert!(matches!(failed, Event::DialFailed { .. }), "{failed:?}");
    a.net.suggest(ROUTE, PathKind::Lan, vec![b.at()]).await;
    // New keys and addresses leave it alone.
    a.knows(&[KEY, [8; 32]], Vec::new());
    a.net.dial(ROUTE).await;
    assert!(!a.up().await);
    assert!(b.up().await);
    // Whoever calls knows where the address was found; whoever is called does not.
    assert_eq!(way(&a), (PathKind::Lan, false));
    assert_eq!(way(&b), (PathKind::Direct, true));
    a.net.remove_route(ROUTE).await;
    assert!(matches!(a.next().await, Event::LinkDown { .. }));
    a.knows(&[KEY], Vec::new());
    a.net.dial(ROUTE).await;
    let failed = a.next().await;
    assert!(matches!(failed, Event::DialFailed { .. }), "{failed:?}");
}

#[tokio::test]
async fn a_dial_that_hangs_hears_of_better_addresses() {
    let (mut a, mut b) = (side().await, side().await);
    // Takes connections and never says a word.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    a.knows(&[KEY], vec![mute.local_addr().unwrap()]);
    b.knows(&[KEY], Vec::new());
    a.net.dial(ROUTE).await;
    let (_held, _) = mute.accept().await.unwrap();
    a.net.suggest(ROUTE, PathKind::Lan, vec![b.at()]).await;
    assert!(!a.up().await);
    assert!(b.up().await);
}

#[test]
fn of_many_suggested_addresses_a_few_are_kept() {
    let table = super::table::Table::default();
    table.put(super::Route {
        id: ROUTE,
        keys: vec![KEY],
        addresses: (1..=30).map(|n| ([192, 0, 2, 1], n).into()).collect(),
        invite: false,
        access: Access::default(),
    });
    let many = (1..=30).map(|n| ([192, 0, 2, 2], n).into()).collect();
    assert_eq!(table.suggest(ROUTE, PathKind::Lan, many).len(), 8);
    let (addresses, _) = table.dialling(ROUTE).unwrap();
    assert_eq!(addresses.len(), 16);
    assert_eq!(addresses[0], ([192, 0, 2, 2], 1).into());
    assert_eq!(addresses[8], ([192, 0, 2, 1], 1).into());
}

#[tokio::test]
async fn a_dial_without_addresses_or_without_a_route_says_so() {
    let mut a = side().await;
    a.net.dial(ROUTE).await;
    let no_address = |event| {
        matches!(
            event,
            Event::DialFailed {
                route: ROUTE,
                reason: DialFailure::NoAddress
            }
        )
    };
    assert!(no_address(a.next().await));
    a.knows(&[KEY], Vec::new());
    a.net.dial(ROUTE).await;
    assert!(no_address(a.next().await));
}

#[tokio::test]
async fn where_nobody_listens_the_dial_fails_as_unreachable() {
    let mut a = side().await;
    a.knows(&[KEY], vec!["127.0.0.1:1".parse().unwrap()]);
    a.net.dial(ROUTE).await;
    let event = a.next().await;
    assert!(
        matches!(
            event,
            Event::DialFailed {
                reason: DialFailure::Unreachable,
                ..
            }
        ),
        "{event:?}"
    );
}

/// Follows one side's events until a frame with the given fill comes.
async fn until_parcel(side: &mut Side, fill: u8) {
    loop {
        if let Event::Frame { frame, .. } = side.next().await
            && frame == parcel(fill)
        {
            return;
        }
    }
}

#[tokio::test]
async fn two_that_dial_each_other_at_once_end_with_the_same_one_link() {
    for _ in 0..10 {
        let (mut a, mut b) = (side().await, side().await);
        a.knows(&[KEY], vec![b.at()]);
        b.knows(&[KEY], vec![a.at()]);
        futures::join!(a.net.dial(ROUTE), b.net.dial(ROUTE));
        // Events until both dials are settled may include one replacement, never a failure.
        let settled = |side: &NetStatus| side.links == 1 && side.dials == 0 && side.unproven == 0;
        loop {
            while let Ok(event) = a.events.try_recv() {
                assert!(!matches!(event, Event::DialFailed { .. }), "{event:?}");
            }
            while let Ok(event) = b.events.try_recv() {
                assert!(!matches!(event, Event::DialFailed { .. }), "{event:?}");
            }
            if settled(&a.net.status().await) && settled(&b.net.status().await) {
                break;
            }
            tokio::task::yield_now().await;
        }
        let (at_a, at_b) = (a.net.status().await, b.net.status().await);
        assert_eq!(
            at_a.inbound_links + at_b.inbound_links,
            1,
            "{at_a:?} {at_b:?}"
        );
        a.net.send(ROUTE, parcel(1)).await.unwrap();
        b.net.send(ROUTE, parcel(2)).await.unwrap();
        until_parcel(&mut b, 1).await;
        until_parcel(&mut a, 2).await;
    }
}

#[tokio::test]
async fn a_peer_that_comes_back_under_a_new_peer_id_replaces_its_old_link_at_once() {
    let mut b = side().await;
    b.knows(&[KEY], Vec::new());
    let mut first = Puppet::link(transport::tcp_on(b.at())).await;
    assert!(b.up().await);
    let mut second = Puppet::link(transport::quic_on(b.at())).await;
    assert_eq!(b.down().await, LinkDownReason::Replaced);
    assert!(b.up().await);
    assert!(first.is_hung_up_on().await);
    second.say(&parcel(3)).await;
    assert_eq!(b.frame().await, parcel(3));
}

#[tokio::test]
async fn a_free_port_is_the_same_number_for_udp_and_tcp_and_a_taken_one_is_an_error() {
    let a = side().await;
    assert_eq!(
        a.net.listen_addresses().len(),
        1,
        "{:?}",
        a.net.listen_addresses()
    );
    let mut taken = config();
    taken.listen = a.net.listen_addresses();
    let refused = Net::spawn(taken, Clock::system(), &Tasks::new()).await;
    assert!(matches!(refused, Err(NetError::Listen { .. })));
}

#[tokio::test]
async fn a_contact_who_comes_back_over_and_over_is_never_taken_for_a_stranger() {
    // No time passes for the listener, so nothing that is spent comes back by waiting.
    let hand = TestClock::at(0);
    let (mut a, mut b) = (side().await, side_with(config(), hand.clock()).await);
    a.knows(&[KEY], vec![b.at()]);
    b.knows(&[KEY], Vec::new());
    for round in 0..24 {
        a.net.dial(ROUTE).await;
        assert!(!a.up().await, "round {round}");
        assert!(b.up().await);
        a.net.disconnect(ROUTE).await;
        assert_eq!(a.down().await, LinkDownReason::Disconnected);
        b.down().await;
    }
}

#[tokio::test]
async fn a_dial_that_finds_no_room_for_a_link_is_told_to_have_failed() {
    let narrow = NetConfig {
        max_links: 1,
        ..config()
    };
    let (mut a, mut b) = (side_with(narrow, Clock::system()).await, side().await);
    let other = RouteId([2; 16]);
    let mut c = side().await;
    a.knows(&[KEY], vec![b.at()]);
    b.knows(&[KEY], Vec::new());
    a.net.dial(ROUTE).await;
    a.up().await;
    b.up().await;
    let route = |addresses| Route {
        id: other,
        keys: vec![[9; 32]],
        addresses,
        invite: false,
        access: Access::default(),
    };
    a.net.put_route(route(vec![c.at()]));
    c.net.put_route(route(Vec::new()));
    a.net.dial(other).await;
    assert!(matches!(
        a.next().await,
        Event::DialFailed { route, .. } if route == other
    ));
    // It may be tried again.
    a.net.dial(other).await;
    assert!(matches!(
        a.next().await,
        Event::DialFailed { route, .. } if route == other
    ));
    c.net.remove_route(other).await;
    drop(c.events.try_recv());
}

/// By what way the only link goes, and whether it came in.
fn way(side: &Side) -> (PathKind, bool) {
    let links = side.net.links();
    assert_eq!(links.len(), 1, "{links:?}");
    assert!(links[0].transport.is_some());
    (links[0].path, links[0].inbound)
}

#[tokio::test]
async fn what_a_link_moves_is_counted_for_it_and_for_its_path() {
    let (mut a, mut b) = linked().await;
    let moved = |side: &Side| (side.net.links()[0].bytes_in, side.net.links()[0].bytes_out);
    let (before_a, before_b) = (moved(&a), moved(&b));
    a.net.send(ROUTE, parcel(1)).await.unwrap();
    let frame = b.frame().await;
    let Frame::Parcel(bytes) = &frame else {
        panic!("{frame:?}")
    };
    let size = u64::try_from(bytes.len()).unwrap();
    assert!(moved(&a).1 - before_a.1 >= size);
    assert!(moved(&b).0 - before_b.0 >= size);
    a.net.disconnect(ROUTE).await;
    assert!(matches!(a.next().await, Event::LinkDown { .. }));
    assert_eq!(a.net.links(), []);
    let direct = a.net.traffic().into_iter();
    let mut direct = direct.filter(|one| one.path == PathKind::Direct);
    assert!(direct.next().unwrap().bytes_out >= size, "kept for the sum");
    assert!(a.net.status().await.dials_begun + b.net.status().await.dials_begun >= 1);
}

#[tokio::test]
async fn each_socket_is_known_with_its_transport() {
    let a = side().await;
    let mut kinds: Vec<_> = a.net.sockets().into_iter().map(|(_, kind)| kind).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [Transport::Quic, Transport::Tcp]);
}
