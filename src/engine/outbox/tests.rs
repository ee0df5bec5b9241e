//! Stories of the sender's side, on a real store, with a test's clock and a test's network.

mod world;

use super::Command;
use world::{ROUTE, World, parcel, window};

#[tokio::test]
async fn what_is_queued_and_not_on_disk_is_not_sent() {
    let mut world = World::new().await;
    world.add(1).await;
    world.gate.close();
    let queued = world.queue(1);
    world.link_up().await;
    assert_eq!(world.sent(2).await, [window(0), parcel(0)]);
    // Not after a wake for an earlier batch, nor on another link.
    world
        .outbox
        .tell(Command::Wake {
            route: ROUTE,
            tail: 1,
        })
        .await;
    world.link_down().await;
    world.link_up().await;
    assert_eq!(world.sent(2).await, [window(0), parcel(0)]);
    world.nothing_sent().await;
    world.gate.open();
    let tail = world.durable(queued).await;
    world
        .outbox
        .tell(Command::Wake { route: ROUTE, tail })
        .await;
    assert_eq!(world.sent(1).await, [parcel(1)]);
}

#[tokio::test]
async fn a_link_that_comes_before_any_wake_is_given_all_that_is_on_disk() {
    let mut world = World::new().await;
    let queued = world.queue(3);
    world.durable(queued).await;
    world.link_up().await;
    assert_eq!(
        world.sent(4).await,
        [window(0), parcel(0), parcel(1), parcel(2)]
    );
}
