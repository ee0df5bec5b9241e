//! What comes while the vault is locked, or while something of ours fails, is not lost.

use super::*;
use std::fs;

#[tokio::test]
async fn what_was_kept_waits_until_our_own_keys_can_be_read() {
    let mut bench = Bench::new().await;
    let mut alice = bench.meet(1).await;
    bench.rooms.vault.lock().await.unwrap();
    bench.rooms.identities.forget_all();
    let sent = vec![alice.text("one"), alice.text("two")];
    bench.take(sent).await.unwrap();
    assert_eq!(bench.kept(&alice), 2);

    // Locked again before it was opened.
    assert!(bench.open_kept(&alice).await.is_err() || bench.kept(&alice) == 2);
    assert_eq!(bench.kept(&alice), 2);

    // Unlocked, but the key file cannot be read.
    bench.unlock().await;
    let (there, away) = (keys_in(&bench.dir), bench.dir.path().join("away"));
    fs::rename(&there, &away).unwrap();
    assert!(bench.open_kept(&alice).await.unwrap().ticket.is_none());
    assert_eq!(bench.kept(&alice), 2);
    assert!(bench.route(&alice).refused.is_empty());

    fs::rename(&away, &there).unwrap();
    bench.open_kept(&alice).await.unwrap();
    assert_eq!(bench.kept(&alice), 0);
    assert_eq!(bench.texts(&alice), ["one", "two"]);
    assert_eq!(bench.receipt(&alice).cannot_open, []);
}

#[tokio::test]
async fn more_riddles_than_a_receipt_can_tell_do_not_spoil_it() {
    let mut bench = Bench::new().await;
    let mut alice = bench.meet(1).await;
    let riddles: Vec<_> = (0..70).map(|_| alice.riddle()).collect();
    let last = alice.text("and this");

    // While locked all of them are kept; opened, only as many go as can be told.
    bench.rooms.vault.lock().await.unwrap();
    for riddle in riddles {
        bench.take(vec![riddle]).await.unwrap();
    }
    bench.take(vec![last]).await.unwrap();
    bench.unlock().await;
    for _ in 0..4 {
        bench.open_kept(&alice).await.unwrap();
    }
    assert_eq!(bench.kept(&alice), 7);
    let receipt = bench.receipt(&alice);
    assert_eq!(receipt.cannot_open.len(), 64);
    alice.parcel(Body::Receipt(receipt), 0);

    // Their author hears of them and moves on: there is room for the rest.
    let mut txn = bench.store().begin();
    let mut row = routes::get(&txn, &alice.route).unwrap().unwrap();
    row.refused.clear();
    routes::put(&mut txn, &row).unwrap();
    bench.store().commit(txn).await.unwrap();
    bench.open_kept(&alice).await.unwrap();
    assert_eq!(bench.texts(&alice), ["and this"]);
    assert_eq!(bench.receipt(&alice).cannot_open.len(), 6);
}

#[tokio::test]
async fn a_riddle_that_cannot_be_told_keeps_its_place() {
    let mut bench = Bench::new().await;
    let mut alice = bench.meet(1).await;
    let riddles: Vec<_> = (0..64).map(|_| alice.riddle()).collect();
    for riddle in riddles {
        bench.take(vec![riddle]).await.unwrap();
    }
    let (one_more, text) = (alice.riddle(), alice.text("after all"));
    let outcome = bench.take(vec![one_more, text]).await.unwrap();
    assert!(outcome.dropped.contains(&alice.route));
    assert_eq!(bench.texts(&alice), ["after all"]);
    let receipt = bench.receipt(&alice);
    assert_eq!(receipt.cannot_open.len(), 64);
    assert!(!receipt.covers(0, 64) && receipt.covers(0, 65));
    alice.parcel(Body::Receipt(receipt), 0);
}
