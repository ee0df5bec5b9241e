//! Those who mean no good: NO is all they hear, and all that they cost is bounded.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reason_for_a_no_looks_the_same() {
    let world = World::with_total(3 << 20).await;
    let (_, _, mut owner, mut depositor) = both(&world.home, 1 << 20).await;
    assert!(!depositor.put(parcel(1, 0)).await, "nothing is registered");
    assert!(owner.register(&[1, 2, 3, 4, 5, 6], 64, false).await);
    assert!(!depositor.put(parcel(9, 0)).await, "unknown");
    assert!(depositor.put(parcel(1, 0)).await);
    let mut other = parcel(1, 0);
    other[4_000] ^= 1;
    assert!(!depositor.put(other).await, "used");
    assert!(!depositor.put(parcel(1, 1)).await, "used, another size");
    assert!(
        depositor.put(parcel(1, 0)).await,
        "the very same, once more"
    );
    for fill in [2, 3, 4] {
        assert!(depositor.put(parcel(fill, 3)).await);
    }
    assert!(!depositor.put(parcel(5, 3)).await, "its quota is full");
    assert!(depositor.put(parcel(5, 2)).await, "there is room for less");
    world.home.disk.fill();
    assert!(!depositor.put(parcel(6, 0)).await, "the disk is full");
    world.home.disk.free();
    assert!(depositor.put(parcel(6, 0)).await, "nothing of it was kept");
    assert_eq!(owner.list(0).await.len(), 6);
    let status = world.home.host.status().await.unwrap();
    assert_eq!((status.parcels, status.max_bytes), (6, 3 << 20));
    world.home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_mailboxes_together_have_a_limit_as_well() {
    let world = World::with_total(1 << 20).await;
    let (_, _, mut one, mut to_one) = both(&world.home, 1 << 20).await;
    let (_, _, mut two, mut to_two) = both(&world.home, 1 << 20).await;
    assert!(one.register(&[1, 2, 3], 64, false).await);
    assert!(two.register(&[1, 2, 3], 64, false).await);
    for fill in [1, 2, 3] {
        assert!(to_one.put(parcel(fill, 3)).await);
    }
    assert!(
        to_two.put(parcel(1, 3)).await,
        "the same tag elsewhere is another"
    );
    assert!(!to_two.put(parcel(2, 0)).await, "the host is full");
    one.ask(MailboxFrame::Delete(vec![mailbox_hash(&[1; 16])]))
        .await;
    assert!(to_two.put(parcel(2, 0)).await);
    world.home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_larger_class_than_registered_is_refused() {
    let world = World::new().await;
    let (_, _, mut owner, mut depositor) = both(&world.home, DEFAULT_QUOTA).await;
    let small = TagSet {
        max_class: 0,
        ..set(&[1], 64, false)
    };
    owner.ask(MailboxFrame::Register(small)).await;
    assert!(!depositor.put(parcel(1, 1)).await);
    assert!(depositor.put(parcel(1, 0)).await);
    world.home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_guesses_tags_is_slowed_down_then_hung_up_on_and_troubles_nobody() {
    let world = World::new().await;
    let (_, keys, mut owner, mut guesser) = both(&world.home, DEFAULT_QUOTA).await;
    assert!(owner.register(&[1], 64, false).await);
    let mut honest = Guest::link(&keys.deposit, &world.home).await;
    let mut hung_up = false;
    for n in 0..200_u32 {
        let mut guess = parcel(0xee, 0);
        guess[..4].copy_from_slice(&n.to_be_bytes());
        let frame = Frame::Mailbox(MailboxFrame::Put(guess));
        if guesser.net.send(ROUTE, frame).await.is_err() {
            break;
        }
        match guesser.next().await {
            net::Event::Frame { .. } => {}
            net::Event::LinkDown { .. } => {
                assert_eq!(n, 128);
                hung_up = true;
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(hung_up);
    assert!(honest.put(parcel(1, 0)).await);
    assert_eq!(owner.list(0).await.len(), 1);
    world.home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_good_deposits_is_held_to_the_rate_of_the_link() {
    let world = World::new().await;
    let (_, _, mut owner, mut depositor) = both(&world.home, DEFAULT_QUOTA).await;
    let tags: Vec<u8> = (1..=100).collect();
    assert!(owner.register(&tags, 128, false).await);
    let mut taken = 0;
    for fill in &tags {
        taken += u32::from(depositor.put(parcel(*fill, 0)).await);
    }
    assert_eq!(taken, 64);
    world.hand.advance(Duration::from_secs(10));
    let mut more = 0;
    for fill in 65..=100 {
        more += u32::from(depositor.put(parcel(fill, 0)).await);
    }
    assert_eq!(more, 10);
    world.home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_registers_no_more_than_is_allowed() {
    let world = World::new().await;
    let (_, _, mut owner, mut depositor) = both(&world.home, DEFAULT_QUOTA).await;
    assert!(owner.register(&[1], 4096, false).await);
    assert!(!owner.register(&[2], 64, false).await);
    assert!(!depositor.put(parcel(2, 0)).await);
    assert!(depositor.put(parcel(1, 0)).await);
    assert!(owner.register(&[3], 4096, true).await);
    assert_eq!(owner.quota().await.hashes, 4096);
    assert_eq!(owner.list(0).await.len(), 1);
    world.home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn depositors_may_do_nothing_but_deposit() {
    let world = World::new().await;
    let (_, keys, mut owner, depositor) = both(&world.home, DEFAULT_QUOTA).await;
    drop(depositor);
    assert!(owner.register(&[1], 64, false).await);
    for frame in [
        MailboxFrame::List { after: 0 },
        MailboxFrame::Wipe,
        MailboxFrame::Delete(vec![mailbox_hash(&[1; 16])]),
        MailboxFrame::Fetch(mailbox_hash(&[1; 16])),
        MailboxFrame::Register(set(&[9], 64, true)),
        MailboxFrame::Stat,
        MailboxFrame::PutOk([1; 16]),
    ] {
        let mut depositor = Guest::link(&keys.deposit, &world.home).await;
        depositor.say(frame).await;
        depositor.is_hung_up_on().await;
    }
    assert_eq!(owner.quota().await.hashes, 64);
    world.home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_without_listening_is_hung_up_on() {
    let world = World::new().await;
    let (_, _, mut owner, mut depositor) = both(&world.home, DEFAULT_QUOTA).await;
    assert!(owner.register(&[1], 64, false).await);
    assert!(depositor.put(parcel(1, 3)).await);
    let fetch = Frame::Mailbox(MailboxFrame::Fetch(mailbox_hash(&[1; 16])));
    // A gigabyte is asked for, and none of it taken.
    for _ in 0..4_096 {
        if owner.net.send(ROUTE, fetch.clone()).await.is_err() {
            break;
        }
    }
    while world.home.host.list().await.unwrap()[0].owner_linked {
        // A goodbye that nobody takes has its time, too.
        world.hand.advance(Duration::from_millis(100));
        tokio::task::yield_now().await;
    }
    // The host serves others as before.
    assert!(!depositor.put(parcel(2, 0)).await);
    world.home.stop().await;
}
