//! Things grow old by the host's own time.

use super::*;

async fn settled(world: &World) -> MailboxHostStatus {
    // Answered after the housekeeping that was due before it.
    world.home.host.status().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_thirty_days_of_service_a_parcel_and_a_set_are_over() {
    let world = World::new().await;
    let (_, _, mut owner, mut depositor) = both(&world.home, DEFAULT_QUOTA).await;
    assert!(owner.register(&[1, 2], 64, false).await);
    assert!(depositor.put(parcel(1, 0)).await);
    drop((owner, depositor));
    world.hand.advance(Duration::from_secs(29 * 86_400));
    assert_eq!(settled(&world).await.parcels, 1);
    // An owner who was away until now still gets it.
    world.hand.advance(Duration::from_secs(86_400 + 3_600));
    while settled(&world).await.parcels > 0 {
        tokio::task::yield_now().await;
    }
    let listed = world.home.host.list().await.unwrap();
    assert_eq!(
        (listed[0].parcels, listed[0].hashes, listed[0].bytes),
        (0, 0, 0)
    );
    world.home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_empties_no_mailbox_whether_running_or_not() {
    let mut world = World::new().await;
    let (_, keys, mut owner, mut depositor) = both(&world.home, DEFAULT_QUOTA).await;
    assert!(owner.register(&[1, 2, 3], 64, false).await);
    assert!(depositor.put(parcel(1, 0)).await);
    drop((owner, depositor));
    world.hand.jump_wall(400 * DAY);
    world.hand.advance(Duration::from_secs(7_200));
    assert_eq!(settled(&world).await.parcels, 1);
    let mut depositor = Guest::link(&keys.deposit, &world.home).await;
    assert!(depositor.put(parcel(2, 0)).await, "its set is good as well");
    drop(depositor);
    world = world.restart().await;
    world.hand.jump_wall(-4_000 * DAY);
    world = world.restart().await;
    world.hand.jump_wall(9_000 * DAY);
    world = world.restart().await;
    world.hand.advance(Duration::from_secs(7_200));
    assert_eq!(settled(&world).await.parcels, 2);
    let mut depositor = Guest::link(&keys.deposit, &world.home).await;
    assert!(depositor.put(parcel(3, 0)).await);
    world.home.stop().await;
}
