//! Tests of the directory, over a network of nodes on this machine and over liars.

use super::*;
use crate::{base::TestClock, wire::signable};
use mainline::{SigningKey, Testnet};
use std::{
    net::{Ipv4Addr, UdpSocket},
    sync::mpsc::{Receiver, TrySendError, sync_channel},
};

fn item(seed: u8, seq: i64, filling: u8) -> SignedItem {
    let signer = SigningKey::from_bytes(&[seed; 32]);
    let made = MutableItem::new(signer, &[filling; ITEM_BYTES], seq, None);
    to_signed(made)
}

fn network(nodes: usize) -> Testnet {
    Testnet::builder(nodes)
        .bind_address(Ipv4Addr::LOCALHOST)
        .build()
        .unwrap()
}

fn directory(bootstrap: &[String], hand: &TestClock, tasks: &Tasks) -> Directory {
    let config = DirectoryConfig {
        bootstrap: bootstrap.to_vec(),
        ..DirectoryConfig::default()
    };
    Directory::spawn(config, hand.clock(), tasks)
}

async fn answers(directory: &Directory, keys: &[[u8; 32]]) -> Vec<SignedItem> {
    let (sender, mut receiver) = mpsc::channel(MAX_ANSWERS);
    directory.look_up(keys, sender).await.unwrap();
    let mut items = Vec::new();
    while let Some(item) = receiver.recv().await {
        items.push(item);
    }
    items
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_leaves_another_finds_and_the_nodes_end_when_idle() {
    let (network, hand, tasks) = (network(12), TestClock::at(0), Tasks::new());
    let alice = directory(&network.bootstrap, &hand, &tasks);
    let bob = directory(&network.bootstrap, &hand, &tasks);
    assert_eq!(*alice.status().borrow(), DirectoryStatus::default());
    let left = item(1, 5, 0xaa);
    assert!(alice.publish(&left).await.unwrap() > 0);
    let keys = [left.key, item(2, 1, 0).key];
    assert_eq!(answers(&bob, &keys).await, [left]);
    // Both before the clock moves, which is one for the two.
    let statuses = [alice.status(), bob.status()];
    assert!(statuses.iter().all(|status| status.borrow().running));
    for mut status in statuses {
        let ended = async {
            while status.borrow_and_update().running {
                hand.advance(Duration::from_secs(11));
                tokio::select! {
                    changed = status.changed() => changed.unwrap(),
                    // The keeper may not yet have begun to wait.
                    () = tokio::task::yield_now() => {}
                }
            }
        };
        ended.await;
    }
    // The next call starts another.
    assert!(answers(&alice, &[item(3, 1, 0).key]).await.is_empty());
    assert_eq!(alice.status().borrow().starts, 2);
    assert!(tasks.shut_down(Duration::from_secs(5)).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_item_replaces_an_older_one_and_not_the_reverse() {
    let (network, hand, tasks) = (network(12), TestClock::at(0), Tasks::new());
    let alice = directory(&network.bootstrap, &hand, &tasks);
    alice.publish(&item(1, 5, 0xaa)).await.unwrap();
    alice.publish(&item(1, 6, 0xbb)).await.unwrap();
    let outdated = alice.publish(&item(1, 4, 0xcc)).await;
    assert!(
        matches!(outdated, Err(DirectoryError::Outdated)),
        "{outdated:?}"
    );
    let bob = directory(&network.bootstrap, &hand, &tasks);
    assert_eq!(
        answers(&bob, &[item(1, 0, 0).key]).await,
        [item(1, 6, 0xbb)]
    );
}

#[tokio::test]
async fn without_a_first_node_nothing_is_tried() {
    let (hand, tasks) = (TestClock::at(0), Tasks::new());
    // IPv6 is of no use to the library.
    let directory = directory(&["[::1]:9".to_owned()], &hand, &tasks);
    let failed = directory.publish(&item(1, 1, 0)).await;
    assert!(
        matches!(failed, Err(DirectoryError::NoFirstNode)),
        "{failed:?}"
    );
    assert_eq!(directory.status().borrow().starts, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_the_directory() {
    let (hand, tasks) = (TestClock::at(0), Tasks::new());
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let bootstrap = [silent.local_addr().unwrap().to_string()];
    let directory = directory(&bootstrap, &hand, &tasks);
    let call = {
        let directory = directory.clone();
        async move { directory.publish(&item(1, 1, 0)).await }
    };
    let mut call = Box::pin(call);
    let mut status = directory.status();
    tokio::select! {
        ended = &mut call => panic!("{ended:?}"),
        changed = status.changed() => changed.unwrap(),
    }
    let (late, ended) = tokio::join!(tasks.shut_down(Duration::from_secs(5)), call);
    assert!(late.is_empty(), "{late:?}");
    assert!(matches!(ended, Err(DirectoryError::Stopped)), "{ended:?}");
}

/// A node that answers every query with each of `lies`, given the query's transaction.
fn liar(lies: fn(&[u8]) -> Vec<Vec<u8>>) -> (String, Receiver<()>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let (told, heard) = sync_channel(1);
    std::thread::spawn(move || {
        let mut query = [0; 2048];
        while let Ok((len, from)) = socket.recv_from(&mut query) {
            let query = &query[..len];
            let marker = b"1:t4:";
            let at = query.windows(marker.len()).position(|w| w == marker);
            let Some(transaction) = at.and_then(|at| query.get(at + 5..at + 9)) else {
                continue;
            };
            for lie in lies(transaction) {
                let _ = socket.send_to(&lie, from);
            }
            if matches!(told.try_send(()), Err(TrySendError::Disconnected(()))) {
                break;
            }
        }
    });
    (address, heard)
}

fn answer(transaction: &[u8], item: &SignedItem) -> Vec<u8> {
    let mut bytes = b"d1:rd2:id20:iiiiiiiiiiiiiiiiiiii1:k32:".to_vec();
    bytes.extend_from_slice(&item.key);
    bytes.extend_from_slice(format!("5:nodes0:3:seqi{}e3:sig64:", item.seq).as_bytes());
    bytes.extend_from_slice(&item.signature);
    bytes.extend_from_slice(format!("5:token4:abcd1:v{}:", item.value.len()).as_bytes());
    bytes.extend_from_slice(&item.value);
    bytes.extend_from_slice(b"e1:t4:");
    bytes.extend_from_slice(transaction);
    bytes.extend_from_slice(b"1:y1:re");
    bytes
}

async fn asked_of(lies: fn(&[u8]) -> Vec<Vec<u8>>) -> Vec<SignedItem> {
    let (address, heard) = liar(lies);
    let (hand, tasks) = (TestClock::at(0), Tasks::new());
    let directory = directory(&[address], &hand, &tasks);
    let found = answers(&directory, &[item(1, 0, 0).key]).await;
    assert!(heard.try_recv().is_ok(), "the liar was not even asked");
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_answer_of_this_form_is_taken() {
    assert_eq!(
        asked_of(|t| vec![answer(t, &item(1, 7, 9))]).await,
        [item(1, 7, 9)]
    );
    assert_eq!(
        signable(7, &[9; ITEM_BYTES]).len(),
        "3:seqi7e1:v960:".len() + ITEM_BYTES
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn items_of_others_forged_or_of_another_length_are_ignored() {
    let found = asked_of(|t| {
        let mut forged = item(1, 7, 9);
        forged.value[3] ^= 1;
        let signer = SigningKey::from_bytes(&[1; 32]);
        let short = to_signed(MutableItem::new(signer, b"short", 8, None));
        vec![match t[3] % 3 {
            0 => answer(t, &forged),
            1 => answer(t, &item(2, 7, 9)),
            _ => answer(t, &short),
        }]
    });
    assert!(found.await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_of_every_kind_is_survived() {
    let found = asked_of(|t| {
        let mut half = answer(t, &item(1, 7, 9));
        half.truncate(500);
        let huge = b"d1:rd2:id999999999999999999:".to_vec();
        let negative = [
            b"d1:rd2:id20:iiiiiiiiiiiiiiiiiiii3:seqi-9223372036854775808ee1:t4:".as_slice(),
            t,
            b"1:y1:re",
        ]
        .concat();
        vec![
            Vec::new(),
            vec![0xff; 2000],
            vec![b'l'; 2040],
            vec![b'd'; 2040],
            [b"d1:q".as_slice(), &vec![b'l'; 2000]].concat(),
            [b"d1:x".as_slice(), &vec![b'l'; 2000]].concat(),
            huge,
            half,
            negative,
            b"i-0e".to_vec(),
        ]
    });
    assert!(found.await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_answer_is_enough_for_who_wants_no_more() {
    let (network, hand, tasks) = (network(12), TestClock::at(0), Tasks::new());
    let alice = directory(&network.bootstrap, &hand, &tasks);
    alice.publish(&item(1, 5, 0xaa)).await.unwrap();
    let (sender, mut receiver) = mpsc::channel(1);
    let keys = [item(1, 0, 0).key];
    let look_up = alice.look_up(&keys, sender);
    let taken = async {
        let item = receiver.recv().await;
        drop(receiver);
        item
    };
    let (ended, taken) = tokio::join!(look_up, taken);
    ended.unwrap();
    assert_eq!(taken, Some(item(1, 5, 0xaa)));
}
