//! Parcels that waited at mailboxes.

use super::{super::collected::take_collected, *};
use crate::{
    crypto::open_parcel,
    engine::mailbox::{
        user::{Collected, Expected, Fate},
        write_recv_batches,
    },
    model::MailboxId,
    protocol::{RecvBatches, mailbox_hash},
    store::{
        mailbox_tags,
        records::{MailboxRecvRecord, RecvPathRecord},
    },
};

/// The key of every batch here.
const KEY: [u8; 32] = [9; 32];

impl Bench {
    /// Tags for `author` at two mailboxes.
    async fn two_mailboxes(&self, author: &Author) {
        let path = |number: u8| {
            let mut path = RecvPathRecord {
                mailbox: vec![number; 16],
                ..RecvPathRecord::default()
            };
            let mut batches = RecvBatches {
                path: u32::from(number),
                latest: 0,
                next: 0,
                batches: Vec::new(),
            };
            batches.grow(64, Timestamp(NOW), |_| Secret::new(KEY));
            write_recv_batches(&mut path, &batches);
            path
        };
        let record = MailboxRecvRecord {
            conversation: author.conversation.0.to_vec(),
            receipt_owed: false,
            paths: vec![path(1), path(2)],
        };
        let mut txn = self.store().begin();
        mailbox_tags::put_recv(&mut txn, &ContactId(author.route.0), &record).unwrap();
        self.store().commit(txn).await.unwrap();
    }

    /// Collects a copy of the author's direct parcel, which is their `j`th at a mailbox, from
    /// each of the two; says each time whether a receipt is owed for it.
    async fn collect(&mut self, author: &Author, parcel: &[u8], j: u64) -> [bool; 2] {
        let direct = author.tags.next - 1;
        let envelopes = open_parcel(&author.tags.key, 0, direct, parcel).unwrap();
        let mut owed = [false; 2];
        for (path, owed) in [1, 2].into_iter().zip(&mut owed) {
            let parcel = seal_parcel(&Secret::new(KEY), path, j, &envelopes).unwrap();
            let collected = Collected {
                mailbox: MailboxId([1; 16]),
                hash: mailbox_hash(parcel.first_chunk().unwrap()),
                place: Expected {
                    contact: author.route,
                    path,
                    batch: 1,
                    j,
                },
                parcel,
            };
            let done = take_collected(&self.rooms, &mut self.windows, &collected, true);
            let outcome = settle(done).await.unwrap();
            assert!(matches!(outcome.collected[..], [(_, _, Fate::Done)]));
            *owed = outcome.receipts.contains(&author.route);
        }
        owed
    }

    fn owes_receipt(&self, author: &Author) -> bool {
        let id = ContactId(author.route.0);
        let record = mailbox_tags::recv(&self.store().read(), &id).unwrap();
        record.unwrap().receipt_owed
    }
}

#[tokio::test]
async fn no_copy_of_a_receipt_is_answered() {
    let mut bench = Bench::new().await;
    let mut alice = bench.meet(1).await;
    bench.two_mailboxes(&alice).await;
    let (_, receipt) = alice.parcel(Body::Receipt(Receipt::default()), 0);
    assert_eq!(bench.collect(&alice, &receipt, 0).await, [false, false]);
    // Nor is it where it came over a link before.
    let (route, receipt) = alice.parcel(Body::Receipt(Receipt::default()), 0);
    bench.take(vec![(route, receipt.clone())]).await.unwrap();
    assert_eq!(bench.collect(&alice, &receipt, 1).await, [false, false]);
    assert!(!bench.owes_receipt(&alice));
}

#[tokio::test]
async fn every_copy_of_a_message_is_answered() {
    let mut bench = Bench::new().await;
    let mut alice = bench.meet(1).await;
    bench.two_mailboxes(&alice).await;
    let (_, text) = alice.text("one");
    assert_eq!(bench.collect(&alice, &text, 0).await, [true, true]);
    assert_eq!(bench.texts(&alice), ["one"]);
    // Also where nobody can open it.
    let (_, riddle) = alice.riddle();
    assert_eq!(bench.collect(&alice, &riddle, 1).await, [true, true]);
    assert!(bench.owes_receipt(&alice));
}

#[tokio::test]
async fn a_copy_that_may_have_been_a_receipt_is_not_answered() {
    let mut bench = Bench::new().await;
    let mut alice = bench.meet(1).await;
    bench.two_mailboxes(&alice).await;
    let (_, garbled) = alice.wrap(EnvelopeKind::Statement, b"no statement".to_vec());
    assert_eq!(bench.collect(&alice, &garbled, 0).await, [true, false]);
}
