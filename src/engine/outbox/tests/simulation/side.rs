//! One daemon's side of one contact: what its disk holds, and the lane that empties it.

use crate::{
    crypto::{EnvelopeKind, SealedEnvelope, Secret, open_parcel, seal_parcel, tag},
    engine::outbox::{
        lane::{Lane, Transient},
        passage::{Approach, Parcel, Place},
    },
    model::Timestamp,
    protocol::{Accept, DIRECT_PATH, EpochReceipt, Order, Receipt, RecvTags, SendTags},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What travels over a link. The place beside a parcel spares the receiver the map that the
/// inbox keeps of expected tags; the tag itself is checked.
#[derive(Clone, Debug)]
pub(super) enum Said {
    Parcel(Place, Arc<[u8]>),
    Custody(Vec<[u8; 16]>),
    Window(Place),
}

#[derive(Clone)]
pub(super) struct Row {
    pub(super) seq: u64,
    place: Place,
    parcel: Arc<[u8]>,
}

/// What survives a crash, once it is flushed.
#[derive(Clone)]
pub(super) struct Disk {
    tags: (u32, Secret<32>, u64, Timestamp),
    pub(super) rows: BTreeMap<u64, Row>,
    tail: u64,
    pub(super) written: u64,
    pub(super) delivered: BTreeSet<u64>,
    recv: RecvTags,
    order: Order,
    /// Texts of the other side, as they were shown.
    pub(super) shown: Vec<u64>,
}

/// What may happen only after a flush.
#[derive(Clone, Debug)]
enum Then {
    Send,
    Custody([u8; 16]),
    OweReceipt,
    Receipt(Place, Arc<[u8]>),
}

pub(super) struct Side {
    pub(super) disk: Disk,
    /// What a crash leaves.
    pub(super) flushed: Disk,
    pub(super) lane: Lane,
    then: Vec<Then>,
    owes: bool,
    sealing: bool,
    /// Parcels that came a second time.
    pub(super) repeated: u64,
}

impl Side {
    pub(super) fn new(send: [u8; 32], recv: [u8; 32]) -> Self {
        let disk = Disk {
            tags: (0, Secret::new(send), 0, Timestamp(0)),
            rows: BTreeMap::new(),
            tail: 0,
            written: 0,
            delivered: BTreeSet::new(),
            recv: RecvTags::new(Secret::new(recv)),
            order: Order::default(),
            shown: Vec::new(),
        };
        Self {
            flushed: disk.clone(),
            disk,
            lane: Lane::default(),
            then: Vec::new(),
            owes: false,
            sealing: false,
            repeated: 0,
        }
    }

    pub(super) fn epoch(&self) -> u32 {
        self.flushed.tags.0
    }

    /// The user writes; what `send` promises holds after the flush.
    pub(super) fn write(&mut self, wall_ms: i64) {
        self.disk.written += 1;
        let seq = self.disk.written;
        let (place, parcel) = self.seal(seq.to_be_bytes().to_vec(), wall_ms);
        let row = Row { seq, place, parcel };
        self.disk.rows.insert(self.disk.tail, row);
        self.disk.tail += 1;
        self.then.push(Then::Send);
    }

    fn seal(&mut self, bytes: Vec<u8>, wall_ms: i64) -> (Place, Arc<[u8]>) {
        let (epoch, key, next, since) = self.disk.tags.clone();
        let mut tags = SendTags {
            epoch,
            key,
            next,
            since,
        };
        let place = tags.take(Timestamp(wall_ms));
        let envelope = SealedEnvelope {
            epoch: place.0,
            index: place.1,
            kind: EnvelopeKind::Sealed,
            bytes,
        };
        let parcel = seal_parcel(&tags.key, DIRECT_PATH, place.1, &[envelope]).unwrap();
        self.disk.tags = (tags.epoch, tags.key, tags.next, tags.since);
        (place, parcel.into())
    }

    /// Whether something waits for a flush.
    pub(super) fn is_dirty(&self) -> bool {
        !self.then.is_empty()
    }

    /// Everything so far is on disk. Returns what is said now.
    pub(super) fn flush(&mut self, now_ms: u64) -> Vec<Said> {
        self.flushed = self.disk.clone();
        let mut said = Vec::new();
        for then in std::mem::take(&mut self.then) {
            match then {
                Then::Send => self.lane.sendable.raise(self.disk.tail, self.disk.tail),
                Then::OweReceipt => self.owes = true,
                Then::Custody(tag) if self.lane.link => said.push(Said::Custody(vec![tag])),
                Then::Custody(_) => {}
                Then::Receipt(place, parcel) => {
                    self.sealing = false;
                    self.lane.push_transient(Transient {
                        after: self.disk.tail,
                        place,
                        parcel: parcel.to_vec(),
                    });
                }
            }
        }
        said.extend(self.pump(now_ms));
        said
    }

    /// Seals a receipt if one is owed and can go.
    pub(super) fn acknowledge(&mut self, wall_ms: i64) {
        if !self.owes || self.sealing || !self.lane.link {
            return;
        }
        (self.owes, self.sealing) = (false, true);
        let receipt = Receipt::of(&self.flushed.recv);
        let (place, parcel) = self.seal(spell(&receipt), wall_ms);
        self.then.push(Then::Receipt(place, parcel));
    }

    pub(super) fn link_up(&mut self, now_ms: u64) -> Vec<Said> {
        self.lane.link_up(now_ms);
        self.owes = true;
        if self.lane.ask_store(now_ms) {
            self.lane.sendable.answer(Some(self.flushed.tail), now_ms);
        }
        self.pump(now_ms)
    }

    pub(super) fn crash(&mut self) {
        self.disk = self.flushed.clone();
        self.lane = Lane::default();
        self.then.clear();
        (self.owes, self.sealing) = (false, false);
    }

    /// As the outbox does it: rows in order, a receipt after them.
    pub(super) fn pump(&mut self, now_ms: u64) -> Vec<Said> {
        let mut said = Vec::new();
        if !self.lane.may_send() {
            return said;
        }
        let (from, below) = (self.lane.passage.cursor, self.lane.sendable.below(None));
        let rows: Vec<_> = self.disk.rows.range(from..below.max(from)).collect();
        for (number, row) in rows {
            if self.lane.passage.is_kept(*number) {
                self.lane.passage.cursor = number + 1;
                continue;
            }
            if !approach(&mut self.lane, row.place, &mut said) {
                return said;
            }
            let known = Parcel::of(&row.parcel).unwrap();
            self.lane.passage.passed(row.place);
            self.lane.passage.sent(*number, row.place, &known, now_ms);
            self.lane.passage.cursor = number + 1;
            said.push(Said::Parcel(row.place, Arc::clone(&row.parcel)));
        }
        let Some(receipt) = self.lane.transient.take() else {
            return said;
        };
        if self.lane.passage.is_given_up(receipt.place) {
            self.owes = true;
            return said;
        }
        let late = self.lane.passage.is_past(receipt.place);
        if late || approach(&mut self.lane, receipt.place, &mut said) {
            if !late {
                self.lane.passage.passed(receipt.place);
            }
            said.push(Said::Parcel(receipt.place, receipt.parcel.into()));
        } else {
            self.lane.transient = Some(receipt);
        }
        said
    }

    pub(super) fn rewind(&mut self, now_ms: u64) -> Vec<Said> {
        let due = |lane: &Lane| lane.passage.rewind_at().is_some_and(|at| at <= now_ms);
        if !self.lane.link || !due(&self.lane) {
            return Vec::new();
        }
        let rows = &self.disk.rows;
        self.lane.passage.forget_gone(|row| rows.contains_key(&row));
        if !due(&self.lane) {
            return Vec::new();
        }
        self.lane.passage.rewind();
        self.pump(now_ms)
    }

    /// Returns the texts that a receipt calls delivered.
    pub(super) fn hear(&mut self, said: &Said, now_ms: u64) -> Vec<u64> {
        match said {
            Said::Custody(tags) => {
                for tag in tags {
                    self.lane.on_custody(tag, now_ms);
                }
                Vec::new()
            }
            Said::Window((epoch, next)) => {
                self.disk.recv.advance(*epoch, *next).unwrap();
                Vec::new()
            }
            Said::Parcel(place, parcel) => self.take_in(*place, parcel),
        }
    }

    fn take_in(&mut self, (epoch, j): Place, parcel: &[u8]) -> Vec<u64> {
        let Some(key) = self.disk.recv.key(epoch) else {
            return Vec::new();
        };
        let known = tag(&key, DIRECT_PATH, j);
        assert!(parcel.starts_with(&known.0), "a parcel under a foreign tag");
        if !self.disk.recv.burn(epoch, j) {
            // Here before, or beyond the window: only the first is confirmed again.
            if self.disk.recv.find(&known).is_some_and(|slot| slot.burnt) {
                self.repeated += 1;
                self.then.extend([Then::Custody(known.0), Then::OweReceipt]);
            }
            return Vec::new();
        }
        let envelopes = open_parcel(&key, DIRECT_PATH, j, parcel).unwrap();
        let [envelope] = envelopes.as_slice() else {
            panic!("one envelope was sealed");
        };
        if let Ok(seq) = envelope.bytes.as_slice().try_into() {
            if let Accept::Deliver(ready) = self.disk.order.accept(u64::from_be_bytes(seq)) {
                self.disk.shown.extend(ready);
            }
            self.then.extend([Then::Custody(known.0), Then::OweReceipt]);
            return Vec::new();
        }
        let receipt = read(&envelope.bytes);
        let covered: Vec<u64> = self
            .disk
            .rows
            .iter()
            .filter(|(_, row)| receipt.covers(row.place.0, row.place.1))
            .map(|(number, _)| *number)
            .collect();
        let gone = covered.iter().filter_map(|row| self.disk.rows.remove(row));
        let seqs: Vec<u64> = gone.map(|row| row.seq).collect();
        self.disk.delivered.extend(&seqs);
        self.then.push(Then::Send);
        seqs
    }

    /// Whether this side's disk has the other side's text, shown or held back.
    pub(super) fn has(&self, seq: u64) -> bool {
        let taken = &self.flushed.order.taken;
        let run = taken.range(..=seq).next_back();
        seq < self.flushed.order.next || run.is_some_and(|(_, end)| seq < *end)
    }
}

fn approach(lane: &mut Lane, place: Place, said: &mut Vec<Said>) -> bool {
    match lane.passage.approach(place) {
        Approach::Go => true,
        Approach::Announce(next) => {
            said.push(Said::Window(next));
            lane.passage.announced(next);
            true
        }
        Approach::Wait => false,
    }
}

/// A receipt in as many bytes as it takes, which is never eight.
fn spell(receipt: &Receipt) -> Vec<u8> {
    let mut words = vec![0];
    for entry in &receipt.epochs {
        words.extend([u64::from(entry.epoch), entry.below]);
        words.push(u64::try_from(entry.ranges.len()).unwrap());
        words.extend(entry.ranges.iter().flat_map(|(start, end)| [*start, *end]));
    }
    words.into_iter().flat_map(u64::to_be_bytes).collect()
}

fn read(bytes: &[u8]) -> Receipt {
    let (words, []) = bytes.as_chunks() else {
        panic!("a receipt is whole words");
    };
    let mut words = words.iter().map(|word| u64::from_be_bytes(*word)).skip(1);
    let mut receipt = Receipt::default();
    while let Some(epoch) = words.next() {
        let below = words.next().unwrap();
        let count = words.next().unwrap();
        let ranges = (0..count).map(|_| (words.next().unwrap(), words.next().unwrap()));
        receipt.epochs.push(EpochReceipt {
            epoch: u32::try_from(epoch).unwrap(),
            below,
            ranges: ranges.collect(),
        });
    }
    receipt
}
