//! Datagrams over the loopback, and what is left alone.

use super::{
    interfaces::{Interfaces, made, usable},
    *,
};
use proptest::prelude::*;
use tokio::time::{Duration, timeout};

struct Side {
    lan: Lan,
    events: mpsc::Receiver<LanEvent>,
    tasks: Tasks,
}

/// Of a port that no other test uses.
fn config() -> LanConfig {
    let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    LanConfig {
        port: free.local_addr().unwrap().port(),
        enabled: true,
        loopback: true,
        // The loopback and nothing else: no test speaks to a real network.
        listen: vec!["127.0.0.1:1".parse().unwrap()],
        ..LanConfig::default()
    }
}

fn side(config: LanConfig) -> Side {
    let tasks = Tasks::new();
    let (lan, events) = Lan::spawn(config, Clock::system(), &tasks).unwrap();
    Side { lan, events, tasks }
}

impl Side {
    async fn next(&mut self) -> LanEvent {
        let next = timeout(Duration::from_secs(20), self.events.recv()).await;
        next.expect("silence").expect("a room")
    }

    async fn query(&mut self, wanted: &[u8]) -> (LanPlace, SocketAddr) {
        loop {
            if let LanEvent::Query {
                place,
                from,
                datagram,
            } = self.next().await
                && datagram == wanted
            {
                return (place, from);
            }
        }
    }

    async fn reply(&mut self) -> Vec<u8> {
        loop {
            if let LanEvent::Reply { datagram, .. } = self.next().await {
                return datagram;
            }
        }
    }
}

#[tokio::test]
async fn all_daemons_of_one_machine_hear_a_query_and_the_asker_alone_hears_the_reply() {
    let config = config();
    let [mut a, mut b, mut c] = [(); 3].map(|()| side(config.clone()));
    let [place] = a.lan.places()[..] else {
        panic!("the loopback is one place: {:?}", a.lan.places());
    };
    let own = a.lan.addresses(place);
    assert!(own.contains(&"127.0.0.1".parse().unwrap()), "{own:?}");
    let asked: Vec<u8> = (0..=255).chain(0..16).collect();
    a.lan.ask(place, asked.clone()).await;
    for other in [&mut b, &mut c] {
        let (place, from) = other.query(&asked).await;
        assert_ne!(from.port(), config.port);
        other.lan.reply(place, from, vec![7; 256]).await;
    }
    assert_eq!(a.reply().await, [7; 256]);
    assert_eq!(a.reply().await, [7; 256]);
    // Their own query comes back to them as to everybody.
    a.lan.ask(place, vec![9; 16]).await;
    for other in [&mut b, &mut c] {
        other.query(&[9; 16]).await;
        assert!(other.events.try_recv().is_err(), "a reply went astray");
    }
    drop((a.tasks, b.tasks, c.tasks));
}

#[tokio::test]
async fn who_is_hushed_or_off_hears_and_says_nothing() {
    let config = config();
    let (mut a, b) = (side(config.clone()), side(config.clone()));
    let off = side(LanConfig {
        enabled: false,
        ..config
    });
    assert!(off.lan.places().is_empty());
    let place = a.lan.places()[0];
    b.lan.hush(true).await;
    b.lan.ask(place, vec![1; 16]).await;
    b.lan.hush(false).await;
    b.lan.ask(place, vec![2; 16]).await;
    let LanEvent::Query { datagram, .. } = a.next().await else {
        panic!("no query");
    };
    assert_eq!(datagram, [2; 16]);
}

#[tokio::test]
async fn of_a_flood_little_is_passed_on() {
    let mut a = side(config());
    let place = a.lan.places()[0];
    for n in 0..1_000_u32 {
        a.lan.ask(place, n.to_be_bytes().to_vec()).await;
    }
    let mut passed = 0;
    while let Ok(Some(_)) = timeout(Duration::from_millis(300), a.events.recv()).await {
        passed += 1;
    }
    assert!((1..=20).contains(&passed), "{passed}");
}

#[test]
fn only_networks_that_are_meant_are_used() {
    let mut all = Interfaces::new();
    all.insert(1, made("lo", &["127.0.0.1", "::1"]));
    all.insert(2, made("wlan0", &["192.0.2.7", "fe80::7"]));
    all.insert(3, made("docker0", &["172.17.0.1"]));
    all.insert(4, made("eth0", &["198.51.100.9", "2001:db8:1::9"]));
    let used =
        |config: &LanConfig| -> Vec<u32> { usable(&all, config).map(|(index, _)| index).collect() };
    let listen = |text: &str| vec![text.parse().unwrap()];
    let mut config = LanConfig {
        listen: listen("0.0.0.0:4001"),
        ..LanConfig::default()
    };
    assert_eq!(used(&config), [2, 3, 4]);
    config.exclude = vec!["docker*".parse().unwrap(), "198.51.0.0/16".parse().unwrap()];
    assert_eq!(used(&config), [2]);
    config.exclude = vec!["wlan0".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    assert_eq!(used(&config), [3]);
    config.exclude = vec!["0.0.0.0/0".parse().unwrap()];
    assert_eq!(used(&config), [0_u32; 0]);
    config.exclude.clear();
    config.listen = listen("192.0.2.7:4001");
    assert_eq!(used(&config), [2]);
    config.listen = listen("127.0.0.1:4001");
    assert_eq!(used(&config), [0_u32; 0], "this machine only");
    config.loopback = true;
    assert_eq!(used(&config), [1]);
    config.listen.clear();
    assert_eq!(used(&config), [1, 2, 3, 4], "whoever only dials may ask");
    let dialled = all[&2].dialled();
    assert_eq!(dialled, ["192.0.2.7".parse::<IpAddr>().unwrap()]);
}

#[test]
fn a_network_to_leave_alone_has_a_name_or_a_range() {
    for text in [
        "",
        "a b",
        "sixteen-letters-",
        "192.0.2.0/33",
        "::/129",
        "/24",
        "x/1",
        "*a",
        "eth0:1",
    ] {
        assert!(text.parse::<LanExclude>().is_err(), "{text:?}");
    }
    assert_eq!(
        "::/0".parse(),
        Ok(LanExclude::Addresses("::".parse().unwrap(), 0))
    );
    assert_eq!("*".parse(), Ok(LanExclude::Name("*".to_owned())));
}

proptest! {
    #[test]
    fn any_text_is_an_exclusion_or_none(text in ".{0,40}") {
        if let Ok(LanExclude::Name(name)) = text.parse() {
            prop_assert_eq!(name, text);
        }
    }
}
