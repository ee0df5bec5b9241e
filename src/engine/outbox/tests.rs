//! Stories of the sender's side, on a real store, with a test's clock and a test's network.

mod simulation;
mod world;

use super::Command;
use std::time::Duration;
use world::{ROUTE, TTL_MS, World, parcel, window};

#[tokio::test]
async fn what_is_queued_and_not_on_disk_is_not_sent() {
    let mut world = World::new();
    world.link_up().await;
    world.settled().await;
    world.add(1).await;
    assert_eq!(world.sent(2).await, [window(0), parcel(0)]);
    world.gate.close();
    let queued = world.queue(1);
    // Neither after a wake for an earlier batch, nor on another link.
    world.wake(1).await;
    world.link_down().await;
    world.link_up().await;
    assert_eq!(world.sent(2).await, [window(0), parcel(0)]);
    world.nothing_sent().await;
    world.gate.open();
    let tail = world.durable(queued).await;
    world.wake(tail).await;
    assert_eq!(world.sent(1).await, [parcel(1)]);
}

#[tokio::test]
async fn what_is_not_on_disk_is_not_sent_on_the_first_link_either() {
    let mut world = World::new();
    world.link_up().await;
    world.settled().await;
    world.add(1).await;
    let mut world = world.restart().await;
    world.gate.close();
    let queued = world.queue(1);
    world.link_up().await;
    assert_eq!(world.sent(2).await, [window(0), parcel(0)]);
    world.nothing_sent().await;
    world.gate.open();
    let tail = world.durable(queued).await;
    world.wake(tail).await;
    assert_eq!(world.sent(1).await, [parcel(1)]);
}

#[tokio::test]
async fn a_link_that_comes_before_any_wake_is_given_all_that_is_on_disk() {
    let mut world = World::new();
    let queued = world.queue(3);
    world.durable(queued).await;
    world.link_up().await;
    assert_eq!(
        world.sent(4).await,
        [window(0), parcel(0), parcel(1), parcel(2)]
    );
}

#[tokio::test]
async fn a_wide_hole_is_announced_on_a_live_link_once_all_before_it_is_kept() {
    let mut world = World::new();
    world.link_up().await;
    world.add(1).await;
    assert_eq!(world.sent(2).await, [window(0), parcel(0)]);
    let queued = world.queue(101);
    let tail = world.durable(queued).await;
    world.remove(1..101).await;
    world.wake(tail).await;
    world.nothing_sent().await;
    world.custody([0]).await;
    assert_eq!(world.sent(2).await, [window(101), parcel(101)]);
}

#[tokio::test]
async fn a_receipt_stays_until_the_link_has_it_and_only_the_newest_goes() {
    let mut world = World::new();
    world.link_up().await;
    world.add(1).await;
    assert_eq!(world.sent(2).await, [window(0), parcel(0)]);
    world.leave_room(0);
    assert!(world.outbox.begin_receipt(ROUTE));
    // Whatever comes meanwhile is told by one more, not by one each.
    assert!(!world.outbox.begin_receipt(ROUTE));
    assert!(!world.outbox.begin_receipt(ROUTE));
    world.receipt(1, 1).await;
    world.receipt(1, 2).await;
    world.nothing_sent().await;
    world.leave_room(9);
    world.outbox.tell(Command::Writable(ROUTE)).await;
    // A hole of one can be seen over.
    assert_eq!(world.sent(1).await, [parcel(2)]);
    assert!(world.outbox.receipts_due().await.contains(&ROUTE));
    assert!(world.outbox.begin_receipt(ROUTE));
}

#[tokio::test]
async fn no_receipt_is_begun_without_a_link_and_the_next_link_asks_for_it() {
    let mut world = World::new();
    assert!(!world.outbox.begin_receipt(ROUTE));
    world.link_up().await;
    assert!(world.outbox.receipts_due().await.contains(&ROUTE));
    assert!(world.outbox.begin_receipt(ROUTE));
    // Lost with its link: its place is a hole, so the next one says where to look.
    world.link_down().await;
    world.link_up().await;
    world.settled().await;
    assert!(world.outbox.begin_receipt(ROUTE));
    world.receipt(0, 70).await;
    assert_eq!(world.sent(2).await, [window(70), parcel(70)]);
}

#[tokio::test]
async fn a_receipt_whose_place_was_given_up_is_asked_for_again() {
    let mut world = World::new();
    world.link_up().await;
    world.settled().await;
    assert!(world.outbox.begin_receipt(ROUTE));
    let queued = world.queue(4);
    let tail = world.durable(queued).await;
    world.remove(0..3).await;
    world.wake(tail).await;
    assert_eq!(world.sent(2).await, [window(3), parcel(3)]);
    world.receipt(2, 2).await;
    assert!(world.outbox.receipts_due().await.contains(&ROUTE));
    world.nothing_sent().await;
}

#[tokio::test]
async fn a_row_past_its_time_is_sent_like_any_other_until_it_is_ended() {
    let mut world = World::new();
    world.add(2).await;
    world.hand.jump_wall(2 * TTL_MS);
    world.link_up().await;
    assert_eq!(world.sent(3).await, [window(0), parcel(0), parcel(1)]);
}

#[tokio::test]
async fn a_receipt_delivers_only_what_was_handed_to_a_link() {
    let mut world = World::new();
    world.add(4).await;
    world.leave_room(3);
    world.link_up().await;
    assert_eq!(world.sent(3).await, [window(0), parcel(0), parcel(1)]);
    world.link_down().await;
    world.settled().await;
    assert_eq!(world.settle(3).await, [(0, 2)]);
    assert_eq!((world.head().head, world.head().live), (2, 2));
    // After a restart the mark on disk counts: all four may have gone.
    let world = world.restart().await;
    assert_eq!(world.settle(4).await, []);
    assert_eq!(world.head().live, 0);
}

#[tokio::test]
async fn what_was_added_without_a_link_is_not_delivered_by_a_receipt() {
    let mut world = World::new();
    world.add(2).await;
    world.settled().await;
    assert_eq!(world.settle(2).await, [(0, 0), (0, 1)]);
    let world = world.restart().await;
    assert_eq!(world.settle(2).await, [(0, 0), (0, 1)]);
    assert_eq!(world.head().live, 2);
}

#[tokio::test]
async fn what_is_refused_is_sealed_again_though_it_was_left_at_a_mailbox_too() {
    let world = World::new();
    world.add(3).await;
    for number in 0..3 {
        world.left_at_mailbox(number).await;
    }
    world.hand.advance(Duration::from_secs(3600));
    assert_eq!(world.refuse(&[(0, 1)]).await, [(0, 1)]);
    // What is missing before it is left there once more.
    let at = |number| world.marks(number).iter().map(|mark| mark.at).collect();
    let marks: [Vec<i64>; 3] = [0, 1, 2].map(at);
    assert_eq!(marks, [[0], [1], [1]]);
}

#[tokio::test]
async fn nothing_that_went_out_can_be_taken_back_whatever_became_of_the_link() {
    let mut world = World::new();
    world.link_up().await;
    world.settled().await;
    world.add(1).await;
    assert_eq!(world.sent(2).await, [window(0), parcel(0)]);
    world.link_down().await;
    world.settled().await;
    world.add(1).await;
    assert!(!world.withhold(0));
    assert!(world.withhold(1));
    let world = world.restart().await;
    assert!(!world.withhold(0));
    assert!(world.withhold(1));
}

#[tokio::test]
async fn nothing_from_a_withheld_row_on_goes_before_its_end_is_on_disk() {
    let mut world = World::new();
    world.add(3).await;
    assert!(world.withhold(1));
    world.link_up().await;
    assert_eq!(world.sent(2).await, [window(0), parcel(0)]);
    world.remove([1]).await;
    world.wake(3).await;
    world.nothing_sent().await;
    world.outbox.release(ROUTE, 1).await;
    assert_eq!(world.sent(1).await, [parcel(2)]);
}

#[tokio::test]
async fn what_the_peer_dropped_goes_again_on_the_same_link() {
    let mut world = World::new();
    world.link_up().await;
    world.settled().await;
    world.add(3).await;
    let all = [window(0), parcel(0), parcel(1), parcel(2)];
    assert_eq!(world.sent(4).await, all);
    world.custody([0, 2]).await;
    world.settled().await;
    world.hand.advance(Duration::from_millis(9_999));
    world.nothing_sent().await;
    world.hand.advance(Duration::from_millis(1));
    assert_eq!(world.sent(2).await, [window(1), parcel(1)]);
    // Again in vain, and then only after twice the time.
    world.settled().await;
    world.hand.advance(Duration::from_secs(19));
    world.nothing_sent().await;
    world.hand.advance(Duration::from_secs(1));
    assert_eq!(world.sent(2).await, [window(1), parcel(1)]);
    // Its receipt came without custody: nothing more to ask for.
    world.settled().await;
    world.remove([1]).await;
    world.hand.advance(Duration::from_secs(60));
    world.nothing_sent().await;
}

#[tokio::test]
async fn a_suspend_is_noticed_within_a_minute_while_something_waits() {
    let mut world = World::new();
    world.add(1).await;
    world.dialled().await;
    // Until the next try is far off.
    while world.wait_ms() < 120_000 {
        for _ in 0..12 {
            world.dial_failed().await;
        }
        world.settled().await;
    }
    let slept = world.outbox.watch_sleep();
    // The machine sleeps: wall time goes on, timers do not.
    world.hand.jump_wall(3_600_000);
    world.hand.advance(Duration::from_secs(60));
    world.dialled().await;
    assert!(
        slept.has_changed().expect("the outbox is there"),
        "nobody else is told"
    );
}

#[tokio::test]
async fn new_keys_begin_anew_on_the_link_that_is_up() {
    let mut world = World::new();
    world.link_up().await;
    world.settled().await;
    world.add(2).await;
    assert_eq!(world.sent(3).await, [window(0), parcel(0), parcel(1)]);
    // A second handshake ends what the first one's keys sealed; places begin at 0 again.
    world.hand_shaken().await;
    world.outbox.tell(Command::Forget(ROUTE)).await;
    world.add_at(0, 1).await;
    assert_eq!(world.sent(2).await, [window(0), parcel(0)]);
    // Its row number is another one, so nobody takes it for the first.
    assert_eq!((world.head().head, world.head().tail), (2, 3));
}
