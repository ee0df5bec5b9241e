//! Two who know no address of each other meet through a directory that is anybody's: a network
//! of BitTorrent's DHT on this machine.

use crate::world::Daemon;
use mainline::{MutableItem, SigningKey, Testnet};
use msgd::{
    ipc::grpc::{client::reply, proto::v1},
    protocol::InviteLink,
};
use std::{
    net::{Ipv4Addr, TcpListener, UdpSocket},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

/// For two who share nothing but a link, from its use on.
const LINKED_WITHIN: Duration = Duration::from_secs(6);
/// A busy machine gets so many times that.
const SLACK: u32 = 4;

fn network() -> Testnet {
    Testnet::builder(50)
        .bind_address(Ipv4Addr::LOCALHOST)
        .build()
        .expect("a network")
}

fn first_nodes(network: &Testnet) -> String {
    network.bootstrap[..3].join(",")
}

/// The link without the addresses that it names.
fn bare(link: &str) -> String {
    let mut link: InviteLink = link.parse().expect("a link");
    assert!(!link.hints.is_empty());
    link.hints.clear();
    link.to_string()
}

fn elsewhere() -> String {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    free.expect("a free port").to_string()
}

fn has_node(daemon: &Daemon) -> bool {
    let threads = daemon.threads();
    threads.iter().any(|name| name.starts_with("Mainline"))
}

/// Waits until the daemon's node of the directory has ended. Nothing tells of it, so this looks.
async fn rests(daemon: &Daemon) {
    let limit = Instant::now() + Duration::from_secs(60);
    while has_node(daemon) {
        assert!(
            Instant::now() < limit,
            "{}: its node runs on",
            daemon.name()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_share_only_a_link_meet_and_meet_again_after_both_have_moved() {
    let network = network();
    let nodes = first_nodes(&network);
    let (mut alice, mut bob) = tokio::join!(
        Daemon::ready_with_directory("Alice", "on", &nodes),
        Daemon::ready_with_directory("Bob", "on", &nodes)
    );
    assert!(!has_node(&alice), "nobody needs the directory yet");
    let (_, link) = alice.invite(true).await;
    let begun = Instant::now();
    bob.add(&bare(&link)).await.expect("the link is good");
    tokio::join!(bob.knows("Alice"), alice.knows("Bob"));
    let took = begun.elapsed();
    println!("an invite without addresses: contacts after {took:.1?}");
    assert!(took < LINKED_WITHIN * SLACK, "{took:?}");
    tokio::join!(bob.is_linked_to("Alice"), alice.is_linked_to("Bob"));
    tokio::join!(rests(&alice), rests(&bob));

    assert!(alice.stop().await.success());
    assert!(bob.stop().await.success());
    alice.moves_to(&elsewhere());
    bob.moves_to(&elsewhere());
    alice.start().await;
    bob.start().await;
    let begun = Instant::now();
    let sent = bob.send("Alice", "where are you now?").await;
    bob.is_delivered(&sent).await;
    println!("both moved: delivered after {:.1?}", begun.elapsed());
    alice.hears("Bob", &["where are you now?"]).await;
    tokio::join!(rests(&alice), rests(&bob));
}

/// What is said at `socket` is counted, and answered by `answers`.
fn node(answers: fn(&[u8]) -> Vec<Vec<u8>>) -> (String, Receiver<()>) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address").to_string();
    let (told, heard) = channel();
    std::thread::spawn(move || {
        let mut query = [0; 2048];
        while let Ok((len, from)) = socket.recv_from(&mut query) {
            for answer in answers(&query[..len]) {
                let _ = socket.send_to(&answer, from);
            }
            if told.send(()).is_err() {
                break;
            }
        }
    });
    (address, heard)
}

/// Bob, waiting for whoever made the link; Alice is not there.
async fn bob_waits(mode: &'static str, nodes: &str) -> Daemon {
    let alice = Daemon::ready("Alice").await;
    let (_, link) = alice.invite(true).await;
    drop(alice);
    let bob = Daemon::ready_with_directory("Bob", mode, nodes).await;
    bob.add(&bare(&link)).await.expect("the link is good");
    bob
}

async fn waiting_requests(daemon: &Daemon) -> usize {
    let list = v1::ListRequestsRequest::default();
    let list = reply(daemon.client().requests().list_requests(list).await);
    let requests = list.expect("a list").requests;
    let waits = |request: &&v1::ContactRequest| {
        matches!(
            request.state(),
            v1::RequestState::Pending | v1::RequestState::Sent
        )
    };
    requests.iter().filter(waits).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_of_liars_does_no_harm() {
    fn lies(query: &[u8]) -> Vec<Vec<u8>> {
        let find = |marker: &[u8], len: usize| {
            let at = query.windows(marker.len()).position(|w| w == marker)?;
            query.get(at + marker.len()..at + marker.len() + len)
        };
        let Some(transaction) = find(b"1:t4:", 4) else {
            return Vec::new();
        };
        let signer = SigningKey::from_bytes(&[1; 32]);
        let item = MutableItem::new(signer, &[7; 960], 1, None);
        let mut reply = b"d1:rd2:id20:iiiiiiiiiiiiiiiiiiii1:k32:".to_vec();
        reply.extend_from_slice(item.key());
        reply.extend_from_slice(b"5:nodes0:3:seqi1e3:sig64:");
        reply.extend_from_slice(item.signature());
        reply.extend_from_slice(b"5:token4:abcd1:v960:");
        reply.extend_from_slice(item.value());
        reply.extend_from_slice(b"e1:t4:");
        reply.extend_from_slice(transaction);
        reply.extend_from_slice(b"1:y1:re");
        vec![
            vec![b'l'; 2040],
            [b"d1:x".as_slice(), &[b'd'; 2000]].concat(),
            b"d1:rd2:id99999999999999999999:".to_vec(),
            query.to_vec(),
            Vec::new(),
            reply,
        ]
    }
    let (address, heard) = node(lies);
    let bob = bob_waits("on", &address).await;
    // The search, and the item that Bob leaves: both are asked of the liar.
    for _ in 0..8 {
        let asked = heard.recv_timeout(Duration::from_secs(30));
        asked.expect("the directory is asked");
    }
    assert_eq!(waiting_requests(&bob).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_is_asked_for_whoever_waits_and_told_nothing_when_it_is_off() {
    let ((on, asked), (off, not_asked)) = (node(|_| Vec::new()), node(|_| Vec::new()));
    let silent = bob_waits("off", &off).await;
    let bob = bob_waits("on", &on).await;
    // Both wait for somebody who cannot be dialled. Once the second has asked more than once,
    // the first would have as well.
    for _ in 0..8 {
        let asked = asked.recv_timeout(Duration::from_secs(30));
        asked.expect("the directory is asked");
    }
    assert!(has_node(&bob), "it asks by a node of its own");
    assert!(not_asked.try_recv().is_err(), "it is off and was asked");
    assert!(!has_node(&silent));
    assert_eq!(waiting_requests(&silent).await, 1);
    assert_eq!(waiting_requests(&bob).await, 1);
}
