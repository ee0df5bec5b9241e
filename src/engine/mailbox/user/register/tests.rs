//! What a host is told of many contacts over a long time.

use super::*;
use crate::{
    base::{Tasks, TestClock},
    protocol::{MAX_BATCHES, OUTSTANDING_TAGS, mailbox_tag_key},
    store::{Store, Tier, records::SessionRecord},
};
use std::collections::HashSet;

const MAILBOX: MailboxId = MailboxId([3; 16]);
const PAIR: [u8; 32] = [5; 32];
/// Depositors stop so long before the end.
const MARGIN_MS: i64 = 2 * DAY_MS;

/// What a contact was told: hashes of tags, and until when they may be used.
type Told = (Vec<TagHash>, i64);

struct Bench {
    bus: EventBus,
    hand: TestClock,
    told: HashMap<Vec<u8>, Vec<Told>>,
    tasks: Tasks,
    _dir: tempfile::TempDir,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.tasks.close();
    }
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store")).unwrap();
        store.attach(Tier::Transport, &Secret::new([2; 32]));
        store.attach(Tier::Vault, &Secret::new([1; 32]));
        let (hand, tasks) = (TestClock::at(1_800_000_000_000), Tasks::new());
        let bus = EventBus::new(store, hand.clock(), tasks.clone());
        let bench = Self {
            bus,
            hand,
            told: HashMap::new(),
            tasks,
            _dir: dir,
        };
        let row = OwnMailboxRecord {
            id: MAILBOX.0.to_vec(),
            identity: vec![1; 16],
            path: 1,
            secret: vec![7; 32],
            ..OwnMailboxRecord::default()
        };
        bench.write(|txn| own_mailboxes::put(txn, &row).unwrap());
        bench
    }

    fn write<T>(&self, change: impl FnOnce(&mut Txn) -> T) -> T {
        let mut txn = self.bus.store().begin();
        let done = change(&mut txn);
        self.bus.store().queue(txn).unwrap().wait().unwrap();
        done
    }

    fn meet(&self, numbers: std::ops::Range<u8>) {
        self.write(|txn| {
            for number in numbers {
                let contact = ContactRecord {
                    id: vec![number; 16],
                    identity: vec![1; 16],
                    conversation: vec![number; 16],
                    state: ACTIVE,
                    ..ContactRecord::default()
                };
                contacts::put(txn, &contact).unwrap();
                let session = SessionRecord {
                    pair: PAIR.to_vec(),
                    ..SessionRecord::default()
                };
                sessions::put(txn, &ContactId([number; 16]), &session).unwrap();
            }
        });
    }

    /// One poll, after which contacts hear of what is new.
    fn poll(&mut self) -> Prepared {
        let prepared = prepare(&self.bus, MAILBOX).unwrap().unwrap();
        let announced = &prepared.announced;
        let rows = contacts::list(&self.bus.store().read()).unwrap();
        for row in rows {
            let offers = self.write(|txn| announced.offers(txn, &row).unwrap());
            let tags = offers.into_iter().filter_map(|offer| offer.tags);
            let told = tags.map(|tags| {
                let key = mailbox_tag_key(&Secret::new(PAIR), true, 1, tags.batch, &tags.seed);
                let hash = |j| mailbox_hash(&crate::crypto::tag(&key, 1, j).0);
                let hashes = (tags.first..tags.end).map(hash).collect();
                (hashes, tags.valid_until.0)
            });
            self.told.entry(row.id).or_default().extend(told);
        }
        prepared
    }

    /// That the host takes whatever a contact may leave, and each may leave something.
    fn check(&self, prepared: &Prepared) {
        let now = self.bus.now().0;
        let set: HashSet<_> = prepared.set.hashes.iter().copied().collect();
        for told in self.told.values() {
            let valid = told.iter().filter(|(_, until)| *until > now);
            let mut lasting = 0;
            for (hashes, until) in valid {
                assert!(hashes.iter().all(|hash| set.contains(hash)));
                assert!(hashes.iter().all(|h| prepared.expected.contains_key(h)));
                lasting += usize::from(*until > now + MARGIN_MS) * hashes.len();
            }
            assert!(lasting > 0, "a contact without tags");
        }
        // What came late is still known when it is listed, but takes no room.
        let over = self.told.values().flatten();
        let over = over.filter(|(_, until)| *until <= now && *until + 20 * DAY_MS > now);
        for hash in over.flat_map(|(hashes, _)| hashes) {
            assert!(prepared.expected.contains_key(hash) && !set.contains(hash));
        }
    }

    fn weeks(&mut self, weeks: u32) {
        for _ in 0..weeks * 7 {
            let prepared = self.poll();
            self.check(&prepared);
            self.hand.jump_wall(DAY_MS);
        }
    }
}

#[test]
fn all_that_forty_quiet_contacts_were_told_is_registered_for_ten_weeks() {
    let mut bench = Bench::new();
    bench.meet(0..40);
    bench.weeks(10);
}

#[test]
fn contacts_who_come_later_get_tags_and_nobody_loses_any() {
    let mut bench = Bench::new();
    bench.meet(0..9);
    bench.weeks(4);
    bench.meet(9..40);
    bench.weeks(2);
    bench.meet(40..120);
    bench.weeks(4);
}

#[test]
fn whoever_is_alone_gets_whole_batches() {
    let mut bench = Bench::new();
    bench.meet(0..1);
    bench.weeks(10);
    let sizes = bench
        .told
        .values()
        .flatten()
        .map(|(hashes, _)| hashes.len());
    let whole = usize::try_from(OUTSTANDING_TAGS).unwrap();
    assert!(sizes.clone().all(|size| size == whole));
    assert!(sizes.count() >= MAX_BATCHES);
}
