//! Strangers who mean no good.

use super::*;
use tokio::{io::AsyncWriteExt as _, net::TcpSocket};

/// Resident memory of this process in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Connects from `ip` (all of 127/8 is ours) and says `bytes`.
async fn shout(ip: [u8; 4], to: SocketAddr, bytes: &[u8]) -> Option<tokio::net::TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((ip, 0).into()).ok()?;
    let mut stream = socket.connect(to).await.ok()?;
    // The other side may hang up at any time.
    let _ = stream.write_all(bytes).await;
    Some(stream)
}

/// Opens `count` connections that say random bytes, and has a contact link meanwhile.
async fn flood(count: usize) {
    let (mut a, mut b) = (side().await, side().await);
    a.knows(&[KEY], vec![b.at()]);
    b.knows(&[KEY], Vec::new());
    let noise: Vec<u8> = (0..4_096_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let mut held = Vec::new();
    let before = resident_kib();
    for n in 0..count {
        let source = [127, 0, 1 + (n / 250 % 250) as u8, 1 + (n % 250) as u8];
        held.extend(shout(source, b.at(), &noise).await);
        let status = b.net.status().await;
        let limits = config();
        assert!(
            status.unproven <= limits.max_pending + limits.max_unproven,
            "{status:?}"
        );
        if n == count / 2 {
            a.net.dial(ROUTE).await;
        }
    }
    // The contact got its link and uses it while the strangers still hang on.
    assert!(!a.up().await);
    assert!(b.up().await);
    a.net.send(ROUTE, parcel(1)).await.unwrap();
    assert_eq!(b.frame().await, parcel(1));
    let grown = resident_kib().saturating_sub(before);
    assert!(
        grown < 16 * 1024,
        "{grown} KiB more after {count} connections"
    );
    assert_eq!(held.len(), count, "every connection was made");
}

/// Runs the test `name` in a process of its own, since memory is counted by process and other
/// tests take some at the same time. Whether this is that process.
fn is_alone(name: &str) -> bool {
    const ALONE: &str = "MSGD_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let program = std::env::current_exe().unwrap();
    let test = format!("net::tests::hostile::{name}");
    let alone = std::process::Command::new(program)
        .args(["--exact", &test])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&alone.stdout);
    assert!(
        alone.status.success() && said.contains("1 passed"),
        "{said}"
    );
    false
}

#[tokio::test]
async fn two_hundred_shouting_strangers_neither_fill_memory_nor_keep_a_contact_out() {
    if is_alone("two_hundred_shouting_strangers_neither_fill_memory_nor_keep_a_contact_out") {
        flood(200).await;
    }
}

#[tokio::test]
async fn two_thousand_shouting_strangers_do_not_either() {
    if is_alone("two_thousand_shouting_strangers_do_not_either") {
        flood(2_000).await;
    }
}

#[tokio::test]
async fn one_address_that_connects_over_and_over_is_soon_refused() {
    let b = side().await;
    let mut held = Vec::new();
    for _ in 0..100 {
        held.extend(shout([127, 9, 9, 9], b.at(), &[]).await);
    }
    let limit = config().max_unproven_per_ip;
    while b.net.status().await.refused < 60 {
        assert!(b.net.status().await.unproven <= limit);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stranger_who_opens_the_stream_and_says_nothing_is_dropped_after_five_seconds() {
    let hand = TestClock::at(0);
    let b = side_with(config(), hand.clock()).await;
    b.knows(&[KEY], Vec::new());
    for on in [transport::tcp_on, transport::quic_on] {
        let mut puppet = Puppet::connect(on(b.at())).await;
        // The stream is ours as soon as its first byte has gone out.
        puppet.say_bytes(&[0]).await;
        while b.net.status().await.unproven == 0 {
            tokio::task::yield_now().await;
        }
        hand.advance(Duration::from_secs(5));
        assert!(puppet.is_hung_up_on().await);
        while b.net.status().await.unproven > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_wrong_proof_is_answered_by_hanging_up() {
    let b = side().await;
    b.knows(&[KEY], Vec::new());
    for on in [transport::tcp_on, transport::quic_on] {
        let mut puppet = Puppet::connect(on(b.at())).await;
        puppet.say_bytes(&[0x5a; 32]).await;
        assert!(puppet.is_hung_up_on().await);
    }
}

#[tokio::test]
async fn a_proof_without_a_frame_after_it_makes_no_link() {
    let hand = TestClock::at(0);
    let b = side_with(config(), hand.clock()).await;
    b.knows(&[KEY], Vec::new());
    let mut puppet = Puppet::connect(transport::tcp_on(b.at())).await;
    proof::dial(&mut puppet.stream, &puppet.ends, &KEY)
        .await
        .unwrap();
    assert_eq!(b.net.status().await.links, 0);
    hand.advance(Duration::from_secs(5));
    assert!(puppet.is_hung_up_on().await);
    assert_eq!(b.net.status().await.links, 0);
}

#[tokio::test]
async fn a_contact_whose_frame_is_too_large_is_put_down_and_may_come_back() {
    let mut b = side().await;
    b.knows(&[KEY], Vec::new());
    let headers: [&[u8]; 6] = [
        &[1, 0, 4],
        &[1, 0xff, 0xff],
        &[2, 0, 0],
        &[2, 1, 1],
        &[3, 0, 9],
        &[6, 0, 1],
    ];
    for header in headers {
        let mut puppet = Puppet::link(transport::tcp_on(b.at())).await;
        assert!(b.up().await);
        puppet.say_bytes(header).await;
        assert_eq!(b.down().await, LinkDownReason::Broken, "{header:?}");
        assert!(puppet.is_hung_up_on().await);
    }
}

#[tokio::test]
async fn who_asks_without_end_and_takes_no_answer_is_not_listened_to_and_slows_nobody() {
    const OTHER: RouteId = RouteId([2; 16]);
    let (mut a, mut b) = (side().await, side().await);
    b.knows(&[KEY], Vec::new());
    let mut puppet = Puppet::link(transport::tcp_on(b.at())).await;
    assert!(b.up().await);
    let to_b = |id, addresses| Route {
        id,
        keys: vec![[9; 32]],
        addresses,
        invite: false,
        access: Access::default(),
    };
    a.net.put_route(to_b(ROUTE, vec![b.at()]));
    b.net.put_route(to_b(OTHER, Vec::new()));

    let mut pings = Vec::new();
    for number in 0..6_000 {
        wire::encode(&Frame::Ping(number), &mut pings).unwrap();
    }
    // The flood goes on until it has been stuck for many turns of the scheduler.
    let (mut said, mut stuck) = (0, 0);
    while stuck < 2_000 {
        let rest = &pings[said % pings.len()..];
        match futures::poll!(Box::pin(puppet.stream.write(rest))) {
            std::task::Poll::Ready(count) => (said, stuck) = (said + count.unwrap(), 0),
            std::task::Poll::Pending => {
                stuck += 1;
                tokio::task::yield_now().await;
            }
        }
        assert!(said < 64 << 20, "64 MiB of pings and nobody is held back");
    }

    a.net.dial(ROUTE).await;
    assert!(!a.up().await);
    let up = b.next().await;
    assert!(matches!(up, Event::LinkUp { route: OTHER, .. }), "{up:?}");
    for n in 0..100 {
        a.net.send(ROUTE, parcel(n)).await.unwrap();
        match b.next().await {
            Event::Frame {
                route: OTHER,
                frame,
            } => assert_eq!(frame, parcel(n)),
            other => panic!("not a frame: {other:?}"),
        }
    }
}
