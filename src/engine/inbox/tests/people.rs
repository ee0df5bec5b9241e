//! Who may be heard, and where they are.

use super::*;
use crate::protocol::AddressRecord;

fn at(port: u16, counter: u64) -> Body {
    Body::Address(AddressRecord {
        counter,
        addresses: vec![([10, 0, 0, 1], port).into()],
    })
}

#[tokio::test]
async fn the_address_record_with_the_higher_counter_wins() {
    let mut bench = Bench::new().await;
    let mut alice = bench.meet(1).await;
    let (old, new) = (alice.parcel(at(1, 7), 0), alice.parcel(at(2, 8), 0));
    // On disk with the batch: nothing is left to do that a crash could lose.
    let outcome = bench.take(vec![new]).await.unwrap();
    assert!(outcome.after.moved.contains(&alice.route));
    assert_eq!(bench.route(&alice).addresses, ["10.0.0.1:2"]);
    let outcome = bench.take(vec![old]).await.unwrap();
    assert!(outcome.after.moved.is_empty());
    assert_eq!(bench.route(&alice).addresses, ["10.0.0.1:2"]);
    assert!(bench.receipt(&alice).covers(0, 0) && bench.receipt(&alice).covers(0, 1));
}

#[tokio::test]
async fn somebody_blocked_is_not_heard_through_a_window_that_stayed_open() {
    let mut bench = Bench::new().await;
    let mut mallory = bench.meet(1).await;
    let (first, second) = (mallory.text("1"), mallory.text("2"));
    bench.take(vec![first]).await.unwrap();
    let mut txn = bench.store().begin();
    let id = ContactId(mallory.route.0);
    let mut row = contact_rows::get(&txn, &id).unwrap().unwrap();
    row.state = 2;
    contact_rows::put(&mut txn, &row).unwrap();
    bench.store().commit(txn).await.unwrap();
    let outcome = bench.take(vec![second]).await.unwrap();
    assert!(outcome.custody.is_empty() && outcome.receipts.is_empty());
    assert_eq!(bench.texts(&mallory), ["1"]);
}

#[tokio::test]
async fn a_parcel_of_a_route_that_is_gone_has_no_effect() {
    let mut bench = Bench::new().await;
    let mut mallory = bench.meet(1).await;
    let (first, second) = (mallory.text("1"), mallory.text("2"));
    bench.take(vec![first]).await.unwrap();
    let mut txn = bench.store().begin();
    routes::remove(&mut txn, &mallory.route).unwrap();
    bench.store().commit(txn).await.unwrap();
    let outcome = bench.take(vec![second]).await.unwrap();
    assert!(outcome.custody.is_empty());
    assert_eq!(bench.texts(&mallory), ["1"]);
}
