//! Who was away for a month is told the truth about all of it.

use super::*;
use crate::protocol::TAG_EPOCH;

#[tokio::test]
async fn a_backlog_of_five_weeks_is_receipted_whole_after_a_restart_too() {
    let mut bench = Bench::new().await;
    let mut alice = bench.meet(1).await;
    let mut sent = Vec::new();
    let mut places = Vec::new();
    for _ in 0..6 {
        for text in ["a", "b"] {
            sent.push(alice.text(text));
            places.push((alice.tags.epoch, alice.tags.next - 1));
        }
        alice.now = alice.now.after(TAG_EPOCH);
    }
    bench.take(sent.clone()).await.unwrap();
    bench.windows.clear();
    assert_eq!(bench.texts(&alice).len(), 12);
    let receipt = bench.receipt(&alice);
    for (epoch, j) in &places {
        assert!(receipt.covers(*epoch, *j), "{epoch}/{j}");
    }
    // It fits on the wire.
    alice.parcel(Body::Receipt(receipt), 0);

    // All of it once more: known, and acknowledged again.
    let outcome = bench.take(sent).await.unwrap();
    assert!(outcome.strangers.is_empty());
    assert_eq!(outcome.custody[&alice.route].len(), 12);
    assert_eq!(bench.texts(&alice).len(), 12);
}
