//! All mailboxes of this host in memory, and who is linked to them.

use super::{
    rate::{Bucket, Rate},
    service_time::{DAY_MS, ServiceTime},
    shelf::Shelf,
};
use crate::{
    base::{Clock, chain},
    crypto::hash,
    model::{MailboxHostStatus, MailboxId, RouteId},
    net::{Access, Route},
    store::{Read, Record, StoreError, mailbox, records::MailboxRecord},
};
use std::collections::HashMap;

/// Most mailboxes of one host.
pub(super) const MAX_MAILBOXES: usize = 64;
/// What one link may do: deposits, or sets registered.
const LINK_RATE: Rate = Rate {
    burst: 64,
    per_1000_s: 1_000,
};
/// Deposits that one mailbox takes: 200 a minute.
const MAILBOX_RATE: Rate = Rate {
    burst: 256,
    per_1000_s: 3_333,
};
/// Refusals after which a depositor is hung up on.
const PATIENCE: u32 = 128;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Owner,
    Depositor,
}

#[derive(Debug)]
struct Guest {
    mailbox: MailboxId,
    side: Side,
    bucket: Bucket,
    refused: u32,
}

/// See the module.
pub(super) struct Room {
    pub(super) clock: Clock,
    pub(super) time: ServiceTime,
    pub(super) max_bytes: u64,
    pub(super) shelves: HashMap<MailboxId, Shelf>,
    unreadable: usize,
    guests: HashMap<RouteId, Guest>,
    rates: HashMap<MailboxId, Bucket>,
    taken: u64,
    refused: u64,
}

impl Room {
    pub(super) fn new(clock: Clock, max_bytes: u64) -> Self {
        Self {
            clock,
            time: ServiceTime::default(),
            max_bytes,
            shelves: HashMap::new(),
            unreadable: 0,
            guests: HashMap::new(),
            rates: HashMap::new(),
            taken: 0,
            refused: 0,
        }
    }

    /// Reads every mailbox anew; on an error nothing has changed. One that cannot be read
    /// costs nobody else's service.
    pub(super) fn load(&mut self, from: &impl Read) -> Result<(), StoreError> {
        let (mut shelves, mut unreadable) = (HashMap::new(), 0);
        for name in mailbox::names(from)? {
            match load_one(from, &name) {
                Ok(Some(shelf)) => drop(shelves.insert(shelf.id, shelf)),
                // Gone since the names were read.
                Ok(None) => {}
                Err(error) if is_of_one_mailbox(&error) => {
                    tracing::error!(error = %chain(&error), "a mailbox cannot be read");
                    unreadable += 1;
                }
                Err(error) => return Err(error),
            }
        }
        (self.shelves, self.unreadable) = (shelves, unreadable);
        Ok(())
    }

    /// How many mailboxes there are, those that cannot be read included.
    pub(super) fn count(&self) -> usize {
        self.shelves.len() + self.unreadable
    }

    pub(super) fn service_now(&self) -> u64 {
        self.time.now(self.clock.steady_ms())
    }

    /// Whole days since 1970 UTC.
    pub(super) fn today(&self) -> u32 {
        let day = u64::try_from(self.clock.wall_ms()).unwrap_or(0) / DAY_MS;
        u32::try_from(day).unwrap_or(u32::MAX)
    }

    /// What all mailboxes together may still take.
    pub(super) fn left_bytes(&self) -> u64 {
        let held: u64 = self.shelves.values().map(Shelf::bytes).sum();
        self.max_bytes.saturating_sub(held)
    }

    pub(super) fn welcome(&mut self, route: RouteId, mailbox: MailboxId, side: Side) {
        let guest = Guest {
            mailbox,
            side,
            bucket: Bucket::full(LINK_RATE, self.clock.steady_ms()),
            refused: 0,
        };
        self.guests.insert(route, guest);
    }

    pub(super) fn farewell(&mut self, route: RouteId) {
        self.guests.remove(&route);
    }

    pub(super) fn guest(&self, route: RouteId) -> Option<(MailboxId, Side)> {
        let guest = self.guests.get(&route)?;
        Some((guest.mailbox, guest.side))
    }

    /// Links of depositors to `mailbox`, and whether its owner has one.
    pub(super) fn linked(&self, mailbox: MailboxId) -> (usize, bool) {
        let of = self
            .guests
            .values()
            .filter(|guest| guest.mailbox == mailbox);
        let (owners, depositors): (Vec<_>, Vec<_>) =
            of.partition(|guest| guest.side == Side::Owner);
        (depositors.len(), !owners.is_empty())
    }

    /// Whether the link's rate allows one more request that costs a write.
    pub(super) fn allows(&mut self, route: RouteId) -> bool {
        let now = self.clock.steady_ms();
        let guest = self.guests.get_mut(&route);
        guest.is_some_and(|guest| guest.bucket.take(LINK_RATE, now))
    }

    /// Whether the mailbox's rate allows one more parcel.
    pub(super) fn takes(&mut self, mailbox: MailboxId) -> bool {
        let now = self.clock.steady_ms();
        let full = Bucket::full(MAILBOX_RATE, now);
        let bucket = self.rates.entry(mailbox).or_insert(full);
        bucket.take(MAILBOX_RATE, now)
    }

    /// Whether a depositor that is refused once more has been refused too often.
    pub(super) fn is_nuisance(&mut self, route: RouteId) -> bool {
        self.guests.get_mut(&route).is_none_or(|guest| {
            guest.refused += 1;
            guest.refused > PATIENCE
        })
    }

    pub(super) fn note(&mut self, taken: bool) {
        if taken {
            self.taken += 1;
        } else {
            self.refused += 1;
        }
    }

    pub(super) fn forget(&mut self, mailbox: MailboxId) {
        self.shelves.remove(&mailbox);
        self.rates.remove(&mailbox);
        self.guests.retain(|_, guest| guest.mailbox != mailbox);
    }

    pub(super) fn status(&self) -> MailboxHostStatus {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        MailboxHostStatus {
            mailboxes: number(self.shelves.len()),
            max_mailboxes: number(MAX_MAILBOXES),
            parcels: self
                .shelves
                .values()
                .map(|shelf| number(shelf.parcels()))
                .sum(),
            bytes: self.shelves.values().map(Shelf::bytes).sum(),
            max_bytes: self.max_bytes,
            taken: self.taken,
            refused: self.refused,
        }
    }
}

fn load_one(from: &impl Read, name: &[u8]) -> Result<Option<Shelf>, StoreError> {
    let table = MailboxRecord::TABLE;
    let id = MailboxId::from_slice(name).ok_or(StoreError::Malformed { table })?;
    let Some(record) = mailbox::get(from, &id)? else {
        return Ok(None);
    };
    let shelf = Shelf::load(from, record)?;
    if shelf.id != id {
        return Err(StoreError::Malformed { table });
    }
    Ok(Some(shelf))
}

/// Whether the rest of the store is well.
const fn is_of_one_mailbox(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Damaged { .. } | StoreError::Missing { .. } | StoreError::Malformed { .. }
    )
}

/// The routes under which a mailbox's owner and its depositors are let in.
pub(super) fn routes(record: &MailboxRecord) -> Option<[Route; 2]> {
    let id = MailboxId::from_slice(&record.id)?;
    let route = |side: Side, key: &[u8], access| {
        Some(Route {
            id: route_id(id, side),
            keys: vec![key.try_into().ok()?],
            addresses: Vec::new(),
            invite: false,
            access,
        })
    };
    Some([
        route(Side::Owner, &record.owner_key, Access::Pair)?,
        route(Side::Depositor, &record.deposit_key, Access::Shared)?,
    ])
}

/// Derived, so that it needs no place on disk.
pub(super) fn route_id(id: MailboxId, side: Side) -> RouteId {
    let label: &[u8] = match side {
        Side::Owner => b"mailbox-owner",
        Side::Depositor => b"mailbox-deposit",
    };
    let whole = hash(&[label, &id.0]);
    let mut short = [0; 16];
    short.copy_from_slice(whole.split_at(16).0);
    RouteId(short)
}
