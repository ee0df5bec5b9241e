//! One contact's trouble is no other contact's.

use super::{sort::MAX_KEPT_BYTES, *};

impl Bench {
    /// Fills what may be kept for `author` with `count` rows of `bytes` each.
    async fn fill(&self, author: &Author, count: usize, bytes: usize) {
        let mut txn = self.store().begin();
        let row = SpoolRow {
            parcel: vec![0; bytes],
            ..SpoolRow::default()
        };
        for _ in 0..count {
            spool::push(&mut txn, &author.route, &row).unwrap();
        }
        self.store().commit(txn).await.unwrap();
    }
}

#[tokio::test]
async fn a_contact_who_fills_what_is_kept_stops_nobody_else() {
    for (count, bytes) in [(4_096, 1), (1, usize::try_from(MAX_KEPT_BYTES).unwrap())] {
        let mut bench = Bench::new().await;
        let (mut mallory, mut alice) = (bench.meet(1).await, bench.meet(2).await);
        bench.fill(&mallory, count, bytes).await;
        bench.rooms.vault.lock().await.unwrap();
        let (too_much, text) = (mallory.text("more"), alice.text("hello"));
        let outcome = bench.take(vec![too_much, text]).await.unwrap();
        assert!(outcome.dropped.contains(&mallory.route));
        assert!(!outcome.custody.contains_key(&mallory.route));
        assert_eq!(outcome.custody[&alice.route].len(), 1);
        assert_eq!(bench.kept(&alice), 1);
        // Its place is open still, for when there is room.
        assert!(!bench.receipt(&mallory).covers(0, 0));
    }
}

#[tokio::test]
async fn a_damaged_record_costs_its_own_contact_only() {
    let mut bench = Bench::new().await;
    let (mut mallory, mut alice) = (bench.meet(1).await, bench.meet(2).await);
    let mut txn = bench.store().begin();
    let whole = conversations::get(&txn, &mallory.conversation);
    let whole = whole.unwrap().expect("a conversation");
    conversations::remove(&mut txn, &mallory.conversation).unwrap();
    bench.store().commit(txn).await.unwrap();

    let (lost, text) = (mallory.text("mine"), alice.text("hello"));
    let outcome = bench.take(vec![lost.clone(), text]).await.unwrap();
    assert_eq!(bench.texts(&alice), ["hello"]);
    assert!(outcome.dropped.contains(&mallory.route));
    assert!(!bench.receipt(&mallory).covers(0, 0));

    // Repaired, it is taken when it comes again.
    let mut txn = bench.store().begin();
    conversations::put(&mut txn, &whole).unwrap();
    bench.store().commit(txn).await.unwrap();
    bench.take(vec![lost]).await.unwrap();
    assert_eq!(bench.texts(&mallory), ["mine"]);
    assert!(bench.receipt(&mallory).covers(0, 0));
}
