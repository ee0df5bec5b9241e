//! One mailbox in memory: which tags it takes and which parcels it holds.
//!
//! Pure bookkeeping; [`desk`](super::desk) writes what comes of it.

use super::service_time::DAY_MS;
use crate::{
    model::MailboxId,
    store::{
        Read, StoreError, mailbox,
        records::{MailboxHeld, MailboxRecord, MailboxSet, MailboxSets},
    },
    wire::{Listed, MAX_LISTED, PARCEL_BYTES, TagHash, TagSet},
};
use std::collections::{BTreeMap, HashMap};

/// Most hashes registered at a time in one mailbox, those that hold a parcel not counted.
pub(super) const MAX_HASHES: usize = 4096;
/// For how long a parcel is held.
pub(super) const KEEP_DAYS: u16 = 30;
/// The longest time for which hashes are taken.
const MAX_VALID_DAYS: u64 = 60;

/// What is to be done with a deposit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Its tag is free and there is room.
    Take,
    /// This very parcel is here already.
    Again,
    /// Whatever the reason.
    No,
}

/// A deposit, as far as the decision needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deposit {
    pub(super) hash: TagHash,
    pub(super) class: u8,
    pub(super) digest: [u8; 32],
}

#[derive(Debug)]
struct Slot {
    max_class: u8,
    until: u64,
    held: Option<Held>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    number: u64,
    class: u8,
    since: u64,
    day: u32,
    digest: [u8; 32],
}

/// See the module.
pub(super) struct Shelf {
    pub(super) id: MailboxId,
    pub(super) record: MailboxRecord,
    slots: HashMap<TagHash, Slot>,
    by_number: BTreeMap<u64, TagHash>,
    bytes: u64,
}

fn bytes_of(class: u8) -> u64 {
    let bytes = PARCEL_BYTES.get(usize::from(class)).copied();
    bytes
        .and_then(|bytes| u64::try_from(bytes).ok())
        .unwrap_or(0)
}

impl Shelf {
    /// What the store holds of the mailbox in `record`.
    pub(super) fn load(from: &impl Read, record: MailboxRecord) -> Result<Self, StoreError> {
        let table = "mailboxes-1";
        let id = MailboxId::from_slice(&record.id).ok_or(StoreError::Malformed { table })?;
        let mut shelf = Self {
            id,
            record,
            slots: HashMap::new(),
            by_number: BTreeMap::new(),
            bytes: 0,
        };
        for set in mailbox::sets(from, &id)?.sets {
            let max_class = u8::try_from(set.max_class).unwrap_or(0);
            for hash in set.hashes.as_chunks().0 {
                let held = mailbox::held(from, &id, hash)?.map(|held| Held {
                    number: held.number,
                    class: u8::try_from(held.class).unwrap_or(0),
                    since: held.since,
                    day: held.day,
                    digest: held.digest.try_into().unwrap_or_default(),
                });
                if let Some(held) = &held {
                    shelf.bytes += bytes_of(held.class);
                    shelf.by_number.insert(held.number, *hash);
                }
                let until = set.until;
                let slot = Slot {
                    max_class,
                    until,
                    held,
                };
                shelf.slots.insert(*hash, slot);
            }
        }
        Ok(shelf)
    }

    /// Hashes that a parcel may still come under.
    pub(super) fn hashes(&self) -> usize {
        self.slots.len().saturating_sub(self.by_number.len())
    }

    pub(super) fn parcels(&self) -> usize {
        self.by_number.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What to do with `deposit` at service time `now`; `room` is what all mailboxes together
    /// may still take.
    pub(super) fn judge(&self, deposit: &Deposit, now: u64, room: u64) -> Verdict {
        let size = bytes_of(deposit.class);
        let Some(slot) = self.slots.get(&deposit.hash) else {
            return Verdict::No;
        };
        match &slot.held {
            Some(held) if held.digest == deposit.digest => Verdict::Again,
            Some(_) => Verdict::No,
            None if slot.until <= now || deposit.class > slot.max_class => Verdict::No,
            None if size > room || self.bytes + size > self.record.max_bytes => Verdict::No,
            None => Verdict::Take,
        }
    }

    /// Takes a deposit that was judged so; returns what to write of it.
    pub(super) fn take(&mut self, deposit: &Deposit, now: u64, day: u32) -> MailboxHeld {
        let number = self.record.next.max(1);
        self.record.next = number + 1;
        let held = Held {
            number,
            class: deposit.class,
            since: now,
            day,
            digest: deposit.digest,
        };
        if let Some(slot) = self.slots.get_mut(&deposit.hash) {
            slot.held = Some(held);
            self.by_number.insert(number, deposit.hash);
            self.bytes += bytes_of(deposit.class);
        }
        MailboxHeld {
            number,
            class: u32::from(deposit.class),
            since: now,
            day,
            digest: deposit.digest.to_vec(),
        }
    }

    /// Registers `set`, unless that is too much. Whatever holds a parcel stays as it is.
    pub(super) fn register(&mut self, set: &TagSet, now: u64, today: u32) -> bool {
        let days = u64::from(set.valid_until.saturating_sub(today)).clamp(1, MAX_VALID_DAYS);
        let until = now.saturating_add(days * DAY_MS);
        let stays = |hash: &TagHash, slot: &Slot| {
            slot.held.is_some()
                || slot.until > now && !set.replace
                // The set is rising, see its decoder.
                || set.hashes.binary_search(hash).is_ok()
        };
        let new = |hash: &&TagHash| !self.slots.contains_key(*hash);
        let free = self.slots.iter().filter(|(_, slot)| slot.held.is_none());
        let kept = free.filter(|(hash, slot)| stays(hash, slot));
        if kept.count() + set.hashes.iter().filter(new).count() > MAX_HASHES {
            return false;
        }
        self.slots.retain(|hash, slot| stays(hash, slot));
        for hash in &set.hashes {
            let slot = self.slots.entry(*hash).or_insert(Slot {
                max_class: 0,
                until,
                held: None,
            });
            if slot.held.is_none() {
                (slot.max_class, slot.until) = (set.max_class, until);
            }
        }
        true
    }

    /// What is held, in order, from after number `after` on; whether there is more.
    pub(super) fn list(&self, after: u64) -> (Vec<Listed>, u64, bool) {
        let mut rows = self.by_number.range(after.saturating_add(1)..);
        let mut entries = Vec::new();
        let mut next = after;
        for (number, hash) in rows.by_ref().take(MAX_LISTED) {
            next = *number;
            let held = self.slots.get(hash).and_then(|slot| slot.held);
            entries.extend(held.map(|held| Listed {
                hash: *hash,
                class: held.class,
                day: held.day,
            }));
        }
        (entries, next, rows.next().is_some())
    }

    pub(super) fn holds(&self, hash: &TagHash) -> bool {
        self.slots.get(hash).is_some_and(|slot| slot.held.is_some())
    }

    /// Forgets `hash`; whether it was known, and whether it held a parcel.
    pub(super) fn delete(&mut self, hash: &TagHash) -> (bool, bool) {
        let Some(slot) = self.slots.remove(hash) else {
            return (false, false);
        };
        if let Some(held) = slot.held {
            self.by_number.remove(&held.number);
            self.bytes = self.bytes.saturating_sub(bytes_of(held.class));
        }
        (true, slot.held.is_some())
    }

    /// Forgets everything.
    pub(super) fn wipe(&mut self) {
        self.slots.clear();
        self.by_number.clear();
        self.bytes = 0;
    }

    /// Hashes that are over: free ones past their time, and used ones whose parcel was held
    /// for long enough.
    pub(super) fn over(&self, now: u64) -> Vec<TagHash> {
        let keep = u64::from(KEEP_DAYS) * DAY_MS;
        let is_over = |slot: &Slot| match slot.held {
            Some(held) => now.saturating_sub(held.since) >= keep,
            None => slot.until <= now,
        };
        let over = self.slots.iter().filter(|(_, slot)| is_over(slot));
        over.map(|(hash, _)| *hash).collect()
    }

    /// All hashes, as they are written.
    pub(super) fn sets(&self) -> MailboxSets {
        let mut sets: BTreeMap<(u8, u64), Vec<TagHash>> = BTreeMap::new();
        for (hash, slot) in &self.slots {
            let set = sets.entry((slot.max_class, slot.until)).or_default();
            set.push(*hash);
        }
        let set = |((class, until), mut hashes): ((u8, u64), Vec<TagHash>)| {
            hashes.sort_unstable();
            MailboxSet {
                hashes: hashes.concat(),
                max_class: u32::from(class),
                until,
            }
        };
        MailboxSets {
            sets: sets.into_iter().map(set).collect(),
        }
    }
}
