//! Two sides of the local network over the loopback.

use super::{lan::Search, policy};
use crate::{
    base::{Clock, Tasks, TestClock},
    crypto::Secret,
    engine::contacts::{Meeting, MeetingSecret, RouteKind},
    model::RouteId,
    net::{Lan, LanConfig, LanEvent, LanPlace, Net, NetConfig},
};
use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::timeout};

const ROUTE: RouteId = RouteId([1; 16]);

struct Side {
    search: Search,
    heard: mpsc::Receiver<LanEvent>,
    net: Net,
    hand: TestClock,
    tasks: Tasks,
}

impl Drop for Side {
    fn drop(&mut self) {
        self.tasks.close();
    }
}

async fn side(port: u16) -> Side {
    let (tasks, hand) = (Tasks::new(), TestClock::at(1_800_000_000_000));
    let listen: Vec<SocketAddr> = vec!["127.0.0.1:0".parse().unwrap()];
    let config = LanConfig {
        enabled: true,
        loopback: true,
        listen: listen.clone(),
        port,
        ..LanConfig::default()
    };
    // Sockets wait in real time, everything that is decided here goes by the test's.
    let (lan, heard) = Lan::spawn(config, Clock::system(), &tasks).unwrap();
    let config = NetConfig {
        listen,
        ..NetConfig::default()
    };
    let (net, _) = Net::spawn(config, hand.clock(), &tasks).await.unwrap();
    Side {
        search: Search::new(lan, hand.clock()),
        heard,
        net,
        hand,
        tasks,
    }
}

/// Two sides that hear nobody else.
async fn pair() -> (Side, Side) {
    let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    (side(port).await, side(port).await)
}

fn meeting(secret: u8, kind: RouteKind, inviter: bool) -> Arc<Meeting> {
    let secret = MeetingSecret {
        secret: Secret::new([secret; 32]),
        inviter,
    };
    Arc::new(Meeting {
        route: ROUTE,
        kind,
        secrets: vec![secret],
    })
}

impl Side {
    async fn next(&mut self) -> LanEvent {
        let next = timeout(Duration::from_secs(20), self.heard.recv()).await;
        next.expect("silence").expect("a room")
    }

    async fn ask(&mut self) {
        self.search.ask(&BTreeSet::from([ROUTE])).await;
    }

    /// Waits for a query and deals with it.
    async fn hear(&mut self) -> (LanPlace, SocketAddr, Vec<u8>) {
        let LanEvent::Query {
            place,
            from,
            datagram,
        } = self.next().await
        else {
            panic!("a reply astray");
        };
        let heard = self.search.on_query(place, from, &datagram, &self.net);
        heard.await;
        (place, from, datagram)
    }

    async fn found(&mut self) -> Option<(RouteId, Vec<SocketAddr>)> {
        loop {
            if let LanEvent::Reply { from, datagram } = self.next().await {
                return self.search.on_reply(from, &datagram);
            }
        }
    }
}

#[tokio::test]
async fn who_uses_an_invite_finds_its_maker() {
    let (mut host, mut guest) = pair().await;
    let news = host
        .search
        .update(vec![meeting(7, RouteKind::Invite, true)]);
    assert!(news.is_empty(), "an open invite looks for nobody");
    let news = guest
        .search
        .update(vec![meeting(7, RouteKind::Outgoing, false)]);
    assert_eq!(news, [ROUTE]);
    guest.ask().await;
    host.hear().await;
    let (route, addresses) = guest.found().await.expect("readable");
    assert_eq!(route, ROUTE);
    assert_eq!(addresses, host.net.listen_addresses());
}

#[tokio::test]
async fn a_query_that_is_repeated_gets_no_second_reply() {
    let (mut a, mut b) = pair().await;
    a.search.update(vec![meeting(7, RouteKind::Contact, true)]);
    b.search.update(vec![meeting(7, RouteKind::Contact, false)]);
    a.ask().await;
    let (place, from, query) = b.hear().await;
    assert!(a.found().await.is_some());
    b.search.on_query(place, from, &query, &b.net).await;
    // Had it been answered, this would be the second of three.
    a.ask().await;
    b.hear().await;
    assert!(a.found().await.is_some());
    assert!(a.heard.is_empty());
}

#[tokio::test]
async fn a_reply_that_comes_too_late_is_read_by_nobody() {
    let (mut a, mut b) = pair().await;
    a.search.update(vec![meeting(7, RouteKind::Contact, true)]);
    b.search.update(vec![meeting(7, RouteKind::Contact, false)]);
    a.ask().await;
    a.hand.advance(Duration::from_secs(6));
    a.search.ask(&BTreeSet::new()).await;
    b.hear().await;
    assert_eq!(a.found().await, None);
}

#[tokio::test]
async fn strangers_and_those_with_other_secrets_get_silence() {
    let (mut a, mut b) = pair().await;
    a.search.update(vec![meeting(7, RouteKind::Contact, true)]);
    b.search.update(vec![meeting(8, RouteKind::Contact, false)]);
    a.ask().await;
    b.hear().await;
    // With the right secret again: this reply is the first.
    b.search.update(vec![meeting(7, RouteKind::Contact, false)]);
    a.ask().await;
    b.hear().await;
    assert!(a.found().await.is_some());
    assert!(a.heard.is_empty());
}

#[tokio::test]
async fn one_contact_who_asks_without_end_gets_some_replies_a_minute() {
    let (mut side, _other) = pair().await;
    assert!(!side.search.may_reply(ROUTE), "nobody knows them");
    side.search
        .update(vec![meeting(7, RouteKind::Contact, false)]);
    for _ in 0..3 {
        let replies = (0..100).filter(|_| side.search.may_reply(ROUTE)).count();
        assert_eq!(replies, 24);
        side.hand.advance(Duration::from_secs(60));
    }
}

#[test]
fn only_an_open_invite_is_not_looked_for() {
    for kind in [
        RouteKind::Contact,
        RouteKind::Outgoing,
        RouteKind::Confirming,
    ] {
        assert!(policy::looks_for(kind) && policy::is_found_by(kind));
    }
    assert!(!policy::looks_for(RouteKind::Invite));
    assert!(policy::is_found_by(RouteKind::Invite));
}
