//! Strangers who speak the transport's language come to a running daemon: each is shown the
//! door, and the contact who writes meanwhile notices nothing.

use crate::{
    deeds::alice_and_bob,
    stranger::{Over, Stranger},
    world::{Daemon, PATIENCE},
};
use futures::future::join_all;
use msgd::{
    crypto::{Secret, SystemRandom, Tag, derive, seal_single},
    ipc::grpc::{client::reply, proto::v1},
    protocol::{InviteLink, hello_tag},
    wire::{BUNDLE_BYTES, Frame, PARCEL_BYTES},
};
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
};
use tokio::time::timeout;

/// What a daemon may take at its highest, strangers or not.
const MOST_KIB: u64 = 64 * 1024;
/// Messages that must get through while an attack goes on.
const LEAST_MESSAGES: usize = 3;

/// Alice writes to Bob from the attack's begin to its end; then every message must have come,
/// and Bob must have kept his memory and his temper.
async fn besiege(alice: &Daemon, bob: &Daemon, attack: impl AsyncFnOnce(SocketAddr)) {
    let at = bob.address().await;
    let over = AtomicBool::new(false);
    let attack = async {
        attack(at).await;
        over.store(true, Ordering::SeqCst);
    };
    let writing = async {
        let mut texts = Vec::new();
        while !over.load(Ordering::SeqCst) || texts.len() < LEAST_MESSAGES {
            let text = format!("still here {}", texts.len());
            let sent = alice.send("Bob", &text).await;
            alice.is_delivered(&sent).await;
            texts.push(text);
        }
        texts
    };
    let ((), texts) = tokio::join!(attack, writing);
    bob.hears("Alice", &texts).await;
    let highest = bob.memory_kib("VmHWM:");
    assert!(highest < MOST_KIB, "{highest} KiB");
    let log = bob.log_text();
    assert!(!log.contains("panicked"), "{log}");
}

#[tokio::test]
async fn a_wrong_proof_or_a_frame_too_long_ends_a_strangers_connection() {
    let (alice, bob) = alice_and_bob().await;
    besiege(&alice, &bob, async |at| {
        let words: [&[u8]; 5] = [
            // A proof that proves nothing.
            &[0x5a; 32],
            // Headers that promise more than any frame has: a parcel of no class, of custody
            // more tags than allowed, and a type that is not known.
            &[&[0x5a; 32][..], &[1, 0xff, 0xff]].concat(),
            &[&[0x5a; 32][..], &[2, 0xff, 0xff]].concat(),
            &[0xff; 4_096],
            // The largest parcel there is, instead of a proof and of what follows it.
            &[1; PARCEL_BYTES[3]],
        ];
        for (number, words) in (1..).zip(words) {
            for over in Over::BOTH {
                // Each from an address of its own: a failed proof makes the next ones wait.
                let stranger = Stranger::connect([127, 1, 1, number], at, over).await;
                let mut stranger = stranger.expect("nobody knows that it is a stranger");
                let mut talk = stranger.link_stream().await.expect("a stream");
                // It may be out before it has said all.
                let _ = talk.say_bytes(words).await;
                assert!(talk.is_hung_up_on().await, "{over:?} {number}");
                stranger.is_out().await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn strangers_who_open_all_they_can_and_stall_are_out_after_a_few_seconds() {
    const ADDRESSES: u8 = 12;
    const EACH: usize = 8;
    let (alice, bob) = alice_and_bob().await;
    besiege(&alice, &bob, async |at| {
        let siege = (1..=ADDRESSES).map(async |number| {
            for turn in 0..EACH {
                let over = Over::BOTH[turn % 2];
                let Some(mut stranger) = Stranger::connect([127, 1, 2, number], at, over).await
                else {
                    continue;
                };
                // All but the last byte of a proof on one, as many streams as can be had beside.
                let talk = async {
                    let mut talk = stranger.link_stream().await?;
                    talk.say_bytes(&[0x5a; 31]).await?;
                    Some(talk)
                };
                let talk = talk.await;
                let streams = stranger.grab_streams(50).await;
                if turn == EACH - 1 {
                    // Who waits for the last one of its kind waits for all.
                    stranger.is_out().await;
                } else {
                    tokio::spawn(async move {
                        stranger.is_out().await;
                        drop((talk, streams));
                    });
                }
            }
        });
        join_all(siege).await;
    })
    .await;
    // There is room again for whoever comes.
    let mut late = Stranger::connect([127, 1, 3, 1], bob.address().await, Over::Tcp)
        .await
        .expect("a place");
    late.is_out().await;
}

#[tokio::test]
async fn junk_from_somebody_who_saw_the_link_leaves_the_invite_to_whom_it_is_for() {
    let (alice, bob) = alice_and_bob().await;
    let carol = Daemon::ready("Carol").await;
    let (id, link) = bob.invite(true).await;
    let keys = link.parse::<InviteLink>().expect("a link").keys();
    let tag = hello_tag(&keys);
    let seal: Secret<32> = derive(keys.seal.as_bytes(), "hello", &[]);
    besiege(&alice, &bob, async |at| {
        let stranger = Stranger::connect([127, 1, 4, 1], at, Over::Tcp).await;
        let stranger = stranger.expect("a connection");
        let mut talk = stranger.link_stream().await.expect("a stream");
        let proven = talk.prove(keys.link.as_bytes()).await;
        proven.expect("the link's key is the invite's");
        let sealed = |inner: &[u8]| {
            seal_single(&Tag(tag), &seal, inner, &mut SystemRandom).expect("it fits")
        };
        let mut parcels = Vec::new();
        for size in PARCEL_BYTES {
            // Another tag; the right tag, but not sealed.
            parcels.push(vec![0xa5; size]);
            parcels.push([&tag[..], &vec![0xa5; size - tag.len()]].concat());
        }
        // Sealed well, with nothing, with noise and with half an OpenPGP message inside.
        parcels.push(sealed(&[]));
        parcels.push(sealed(&[0xa5; 3_000]));
        parcels.push(sealed(&[0xc1, 0xff, 0xff, 0xff, 0xff, 0xff]));
        for _ in 0..20 {
            for parcel in &parcels {
                talk.say(&Frame::Parcel(parcel.clone())).await;
            }
        }
        talk.say(&Frame::Bundle(Box::new([0xa5; BUNDLE_BYTES])))
            .await;
        talk.say(&Frame::Custody(vec![[0xa5; 16]; 256])).await;
        // All of it has been read once the ping that follows is answered.
        talk.say(&Frame::Ping(2)).await;
        let answer = timeout(PATIENCE, talk.hear()).await.expect("an answer");
        assert_eq!(answer, Some(Frame::Pong(2)), "and nothing else");
    })
    .await;
    let list = v1::ListRequestsRequest::default();
    let page = reply(bob.client().requests().list_requests(list).await).expect("a list");
    assert!(page.requests.iter().all(|request| request.invite != id));
    carol.add(&link).await.expect("the link is good");
    tokio::join!(bob.knows("Carol"), carol.knows("Bob"));
    let sent = carol.send("Bob", "it was for me").await;
    carol.is_delivered(&sent).await;
    bob.hears("Carol", &["it was for me"]).await;
}
