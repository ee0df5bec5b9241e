//! What is put is kept, told, handed over and forgotten.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parcel_waits_until_its_owner_has_fetched_and_deleted_it() {
    let world = World::new().await;
    let (_, _, mut owner, mut depositor) = both(&world.home, DEFAULT_QUOTA).await;
    assert!(owner.register(&[1, 2, 3], 64, false).await);
    assert!(depositor.put(parcel(1, 0)).await);
    assert!(depositor.put(parcel(3, 3)).await);
    let listed = owner.list(0).await;
    let one = mailbox_hash(&[1; 16]);
    assert_eq!(
        listed
            .iter()
            .map(|entry| (entry.class, entry.day))
            .collect::<Vec<_>>(),
        [(0, TODAY), (3, TODAY)]
    );
    assert_eq!(listed[0].hash, one);
    assert_eq!(
        owner.ask(MailboxFrame::Fetch(one)).await,
        MailboxFrame::Fetched(parcel(1, 0))
    );
    let three = mailbox_hash(&[3; 16]);
    assert_eq!(
        owner.ask(MailboxFrame::Fetch(three)).await,
        MailboxFrame::Fetched(parcel(3, 3))
    );
    let quota = owner.quota().await;
    assert_eq!((quota.parcels, quota.bytes, quota.hashes), (2, 266_240, 62));
    assert_eq!(
        owner.ask(MailboxFrame::Delete(vec![one, [9; 16]])).await,
        MailboxFrame::Deleted { parcels: 1 }
    );
    assert_eq!(
        owner.ask(MailboxFrame::Fetch(one)).await,
        MailboxFrame::Missing(one)
    );
    assert_eq!(owner.list(0).await.len(), 1);
    // The tag was used once and never is again.
    assert!(!depositor.put(parcel(1, 0)).await);
    world.home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_tells_what_is_new_also_across_a_restart() {
    let mut world = World::new().await;
    let (_, keys, mut owner, mut depositor) = both(&world.home, DEFAULT_QUOTA).await;
    assert!(owner.register(&[1, 2, 3], 64, false).await);
    assert!(depositor.put(parcel(1, 0)).await);
    let MailboxFrame::Listing { next, .. } = owner.ask(MailboxFrame::List { after: 0 }).await
    else {
        panic!("no listing");
    };
    owner
        .ask(MailboxFrame::Delete(vec![mailbox_hash(&[1; 16])]))
        .await;
    drop((owner, depositor));
    world = world.restart().await;
    let mut owner = Guest::link(&keys.owner, &world.home).await;
    let mut depositor = Guest::link(&keys.deposit, &world.home).await;
    assert!(owner.list(next).await.is_empty());
    assert!(depositor.put(parcel(2, 0)).await);
    assert_eq!(owner.list(next).await[0].hash, mailbox_hash(&[2; 16]));
    world.home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_set_replaces_the_old_one_but_not_what_is_held() {
    let world = World::new().await;
    let (_, _, mut owner, mut depositor) = both(&world.home, DEFAULT_QUOTA).await;
    assert!(owner.register(&[1, 2], 64, false).await);
    assert!(depositor.put(parcel(1, 0)).await);
    assert!(owner.register(&[3], 64, false).await);
    assert!(depositor.put(parcel(2, 0)).await, "a second set adds");
    assert!(owner.register(&[4], 64, true).await);
    assert!(!depositor.put(parcel(3, 0)).await, "forgotten");
    assert!(depositor.put(parcel(4, 0)).await);
    assert_eq!(owner.list(0).await.len(), 3, "held as before");
    world.home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_host_goes_on_and_wiping_leaves_an_empty_mailbox() {
    let world = World::new().await;
    let (id, _, mut owner, mut depositor) = both(&world.home, DEFAULT_QUOTA).await;
    assert!(owner.register(&[1, 2], 64, false).await);
    world.home.vault.lock().await.unwrap();
    world.home.host.on_vault(VaultState::Locked).await;
    assert!(depositor.put(parcel(1, 1)).await);
    let listed = world.home.host.list().await.unwrap();
    assert_eq!(listed[0].name, "", "names need the vault");
    assert_eq!(
        (listed[0].id, listed[0].parcels, listed[0].links),
        (id, 1, 1)
    );
    assert!(listed[0].owner_linked && listed[0].seen_at.is_some());
    assert_eq!(owner.ask(MailboxFrame::Wipe).await, MailboxFrame::Wiped);
    assert!(owner.list(0).await.is_empty());
    assert!(!depositor.put(parcel(2, 0)).await);
    assert!(owner.register(&[5], 64, false).await);
    assert!(depositor.put(parcel(5, 0)).await);
    let report = crate::store::check(&world.home.store).unwrap();
    assert!(report.is_sound(), "{report:?}");
    world.home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_mailbox_is_gone_with_all_that_was_in_it() {
    let mut world = World::new().await;
    let (id, keys, mut owner, mut depositor) = both(&world.home, DEFAULT_QUOTA).await;
    assert!(owner.register(&[1], 64, false).await);
    assert!(depositor.put(parcel(1, 0)).await);
    world.home.host.revoke(id).await.unwrap();
    owner.is_hung_up_on().await;
    depositor.is_hung_up_on().await;
    assert!(!depositor.dial().await);
    assert!(matches!(
        world.home.host.revoke(id).await,
        Err(MailboxHostError::NotFound)
    ));
    world = world.restart().await;
    assert!(world.home.host.list().await.unwrap().is_empty());
    let mut again = Guest::prepare(&keys.owner, &world.home).await;
    assert!(!again.dial().await);
    let report = crate::store::check(&world.home.store).unwrap();
    assert!(
        !report.tables.contains_key("mailbox_parcels-1"),
        "{report:?}"
    );
    assert_eq!(report.unnamed, 0);
    world.home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_is_made_once_and_its_code_told_until_it_is_used() {
    let world = World::new().await;
    let offer = || async {
        let new = NewMailbox {
            name: "mum".into(),
            max_bytes: DEFAULT_QUOTA,
            addresses: world.home.net.listen_addresses(),
        };
        let once = Once::new("offer_mailbox", "key", &[b"request"], NOW).unwrap();
        world.home.host.offer(new, once).await
    };
    let (first, code) = offer().await.unwrap();
    let (again, same) = offer().await.unwrap();
    assert_eq!((first.id, first.name.as_str()), (again.id, "mum"));
    assert_eq!(code, same);
    assert_eq!(world.home.host.list().await.unwrap().len(), 1);
    let mut owner = Guest::link(&code.keys().owner, &world.home).await;
    owner.quota().await;
    assert!(matches!(offer().await, Err(MailboxHostError::CodeGone)));
    world.home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_damaged_mailbox_costs_no_other_its_service() {
    let mut world = World::new().await;
    let (damaged, ..) = world.home.offer(DEFAULT_QUOTA).await;
    let (_, keys, mut owner, depositor) = both(&world.home, DEFAULT_QUOTA).await;
    assert!(owner.register(&[1], 64, false).await);
    drop((owner, depositor));
    let mut txn = world.home.store.begin();
    txn.put(&damaged.id.0, &MailboxRecord::default()).unwrap();
    world.home.store.commit(txn).await.unwrap();
    world = world.restart().await;
    assert_eq!(world.home.host.list().await.unwrap().len(), 1);
    let mut depositor = Guest::link(&keys.deposit, &world.home).await;
    assert!(depositor.put(parcel(1, 0)).await);
    world.home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_could_not_read_its_mailboxes_reads_them_later() {
    let world = World::new().await;
    let (_, keys, mut owner, mut depositor) = both(&world.home, DEFAULT_QUOTA).await;
    assert!(owner.register(&[1, 2], 64, false).await);
    world.home.vault.lock().await.unwrap();
    world.home.store.detach(Tier::Transport);
    depositor.say(MailboxFrame::Put(parcel(1, 0))).await;
    depositor.is_hung_up_on().await;
    assert!(world.home.vault.unlock_unattended().await.unwrap());
    // Nobody is served from what may not be on disk.
    assert_eq!(world.home.host.list().await.unwrap().len(), 1);
    world.hand.advance(std::time::Duration::from_secs(5));
    let mut depositor = Guest::link(&keys.deposit, &world.home).await;
    assert!(depositor.put(parcel(1, 0)).await);
    let mut owner = Guest::link(&keys.owner, &world.home).await;
    assert_eq!(owner.list(0).await.len(), 1);
    world.home.stop().await;
}
