//! Routes whose key is in many hands.

use super::*;
use std::collections::HashSet;

/// A room with [`ROUTE`] as a shared route.
async fn host(config: NetConfig) -> Side {
    let host = side_with(config, Clock::system()).await;
    host.net.put_route(Route {
        id: ROUTE,
        keys: vec![KEY],
        addresses: Vec::new(),
        invite: false,
        access: Access::Shared,
    });
    host
}

/// A room that may only dial [`ROUTE`].
async fn guest(to: SocketAddr) -> Side {
    let guest = side().await;
    guest.net.put_route(Route {
        id: ROUTE,
        keys: vec![KEY],
        addresses: vec![to],
        invite: false,
        access: Access::DialOnly,
    });
    guest
}

async fn guest_up(host: &mut Side) -> RouteId {
    match host.next().await {
        Event::LinkUp {
            route,
            inbound: true,
            key: LinkKey(KEY),
        } => route,
        other => panic!("not a guest: {other:?}"),
    }
}

#[tokio::test]
async fn many_link_at_the_same_time_each_under_a_name_of_its_own() {
    let mut host = host(config()).await;
    let (mut guests, mut names) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let mut guest = guest(host.at()).await;
        guest.net.dial(ROUTE).await;
        assert!(!guest.up().await);
        names.push(guest_up(&mut host).await);
        guests.push(guest);
    }
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), 3);
    let ways = host.net.links().into_iter().chain(guests[0].net.links());
    assert!(
        ways.map(|link| link.path)
            .all(|path| path == PathKind::Mailbox)
    );
    assert!(!names.contains(&ROUTE));
    for (n, (guest, name)) in (0..).zip(guests.iter_mut().zip(&names)) {
        guest.net.send(ROUTE, parcel(n)).await.unwrap();
        match host.next().await {
            Event::Frame { route, frame } => {
                assert_eq!((route, frame), (*name, parcel(n)));
            }
            other => panic!("not a frame: {other:?}"),
        }
        host.net
            .send(*name, Frame::Custody(vec![[n; 16]]))
            .await
            .unwrap();
        assert_eq!(guest.frame().await, Frame::Custody(vec![[n; 16]]));
    }
    let status = host.net.status().await;
    assert_eq!((status.links, status.shared_links), (3, 3));
    // One goes, the others stay.
    host.net.disconnect(names[0]).await;
    assert_eq!(guests[0].down().await, LinkDownReason::Bye);
    guests[1].net.send(ROUTE, parcel(9)).await.unwrap();
    let mut seen = (false, false);
    while seen != (true, true) {
        match host.next().await {
            Event::LinkDown { route, .. } => seen.0 |= route == names[0],
            Event::Frame { route, .. } => seen.1 |= route == names[1],
            other => panic!("{other:?}"),
        }
    }
    // With the route all of them go.
    host.net.remove_route(ROUTE).await;
    assert_eq!(guests[1].down().await, LinkDownReason::Bye);
    assert_eq!(guests[2].down().await, LinkDownReason::Bye);
}

#[tokio::test]
async fn one_too_many_ends_the_oldest_and_takes_no_contact_s_place() {
    let mut host = host(NetConfig {
        max_links: 1,
        max_shared_per_route: 2,
        ..config()
    })
    .await;
    let other = RouteId([2; 16]);
    host.net.put_route(Route {
        id: other,
        keys: vec![[8; 32]],
        addresses: Vec::new(),
        invite: false,
        access: Access::Pair,
    });
    let mut guests = Vec::new();
    for n in 0..3 {
        let mut guest = guest(host.at()).await;
        guest.net.dial(ROUTE).await;
        assert!(!guest.up().await);
        guests.push(guest);
        let mut up = false;
        let mut down = n < 2;
        while !(up && down) {
            match host.next().await {
                Event::LinkUp { .. } => up = true,
                Event::LinkDown { reason, .. } => {
                    assert_eq!(reason, LinkDownReason::Disconnected);
                    down = true;
                }
                event => panic!("{event:?}"),
            }
        }
    }
    assert_eq!(guests[0].down().await, LinkDownReason::Bye);
    // The one place for contacts is still free.
    let mut contact = side().await;
    contact.knows(&[[8; 32]], vec![host.at()]);
    contact.net.dial(ROUTE).await;
    assert!(!contact.up().await);
    assert!(matches!(host.next().await, Event::LinkUp { route, .. } if route == other));
}

#[tokio::test]
async fn above_the_total_the_route_with_the_most_links_gives_one_up() {
    let mut host = host(NetConfig {
        max_shared: 2,
        ..config()
    })
    .await;
    let other = RouteId([2; 16]);
    host.net.put_route(Route {
        id: other,
        keys: vec![[8; 32]],
        addresses: Vec::new(),
        invite: false,
        access: Access::Shared,
    });
    let mut crowd = Vec::new();
    for _ in 0..2 {
        let mut guest = guest(host.at()).await;
        guest.net.dial(ROUTE).await;
        assert!(!guest.up().await);
        guest_up(&mut host).await;
        crowd.push(guest);
    }
    let mut lone = side().await;
    lone.knows(&[[8; 32]], vec![host.at()]);
    lone.net.dial(ROUTE).await;
    assert!(!lone.up().await);
    assert_eq!(crowd[0].down().await, LinkDownReason::Bye);
    let mut seen = (false, false);
    while seen != (true, true) {
        match host.next().await {
            Event::LinkUp { key, .. } => seen.0 |= key == LinkKey([8; 32]),
            Event::LinkDown { .. } => seen.1 = true,
            event => panic!("{event:?}"),
        }
    }
    // The link that ended leaves its place a moment after its last word.
    while host.net.status().await.shared_links > 2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_fellow_holder_of_the_key_cannot_pose_as_the_host() {
    let guest = guest("192.0.2.1:9".parse().unwrap()).await;
    let mut fellow = side().await;
    fellow.knows(&[KEY], vec![guest.at()]);
    fellow.net.dial(ROUTE).await;
    assert!(matches!(
        fellow.next().await,
        Event::DialFailed {
            route: ROUTE,
            reason: DialFailure::NotThem
        }
    ));
}

#[tokio::test]
async fn guests_are_charged_like_strangers() {
    let mut host = host(NetConfig {
        burst_per_ip: 3,
        rate_per_ip: 0,
        ..config()
    })
    .await;
    let address = transport::tcp_on(host.at());
    let mut puppets = Vec::new();
    for _ in 0..3 {
        puppets.push(Puppet::link(address.clone()).await);
        guest_up(&mut host).await;
    }
    // The fourth is not even let in: nothing was given back for the three.
    let stream = tokio::net::TcpStream::connect(host.at()).await;
    if let Ok(mut stream) = stream {
        use tokio::io::AsyncReadExt as _;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    assert_eq!(host.net.status().await.refused, 1);
}
