//! What a host is told to take: the tags of all contacts in one padded set.

use super::{
    Announced,
    tags::{recv_batches, recv_record, top_up},
};
use crate::{
    crypto::{Secret, mac},
    engine::event_bus::EventBus,
    model::{ContactId, MailboxId, RouteId, Timestamp},
    protocol::{MailboxCode, RecvBatches, mailbox_hash},
    store::{
        StoreError, Txn, contacts, mailbox_tags, own_mailboxes,
        records::{ContactRecord, OwnMailboxRecord, RecvPathRecord},
        sessions,
    },
    wire::{MAX_SET, SET_POWERS, TagHash, TagSet},
};
use std::collections::HashMap;

/// The largest class of parcels.
const MAX_CLASS: u8 = 3;
/// A tag is valid for 30 days; the day on which it ends counts.
const VALID_DAYS: i64 = 31;
const DAY_MS: i64 = 86_400_000;
/// Tags that all contacts together get; the rest of the set is for those who would have none.
const SHARED_TAGS: u64 = 3_072;
/// As many as a set holds.
const ALL_TAGS: u64 = 4_096;
const _: () = assert!(ALL_TAGS as usize == MAX_SET);
/// `ContactRecord.state` of a contact who may be heard.
const ACTIVE: u32 = 1;

/// Where a parcel belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) contact: RouteId,
    pub(crate) path: u32,
    pub(crate) batch: u32,
    pub(crate) j: u64,
}

/// What a poll begins with.
pub(super) struct Prepared {
    pub(super) set: TagSet,
    pub(super) expected: HashMap<TagHash, Expected>,
    /// Who is to be told of new tags once the host has them.
    pub(super) untold: Vec<RouteId>,
    pub(super) announced: Announced,
}

/// The code's parts of a mailbox.
pub(super) fn code(row: &OwnMailboxRecord) -> Option<MailboxCode> {
    let addresses = row.addresses.iter();
    Some(MailboxCode {
        secret: Secret::from_slice(&row.secret)?,
        addresses: addresses.filter_map(|text| text.parse().ok()).collect(),
    })
}

/// How `row` is announced.
fn announced(row: &OwnMailboxRecord) -> Option<Announced> {
    let code = code(row)?;
    Some(Announced {
        mailbox: MailboxId::from_slice(&row.id)?,
        path: row.path,
        host: Some((code.keys().deposit, code.addresses)),
    })
}

/// Tops up every contact's tags, on disk, and collects all of them. Blocks. `None` if there is
/// no such mailbox.
pub(super) fn prepare(bus: &EventBus, id: MailboxId) -> Result<Option<Prepared>, StoreError> {
    let now = bus.now();
    let mut txn = bus.store().begin();
    let mailbox = own_mailboxes::get(&txn, &id)?;
    let Some((mailbox, announced)) = mailbox.and_then(|row| {
        let announced = announced(&row)?;
        Some((row, announced))
    }) else {
        return Ok(None);
    };
    let ours = |row: &ContactRecord| row.identity == mailbox.identity && row.state == ACTIVE;
    let rows: Vec<_> = contacts::list(&txn)?.into_iter().filter(ours).collect();
    let mut shares = Shares::of(&txn, &mailbox, &rows, now)?;
    let (mut expected, mut usable, mut untold) = (HashMap::new(), Vec::new(), Vec::new());
    for contact in rows {
        let Some(path) = shares.top_up(&mut txn, &mailbox, &contact, now)? else {
            continue;
        };
        let Some(route) = RouteId::from_slice(&contact.id) else {
            continue;
        };
        collect(&path, route, now, &mut expected, &mut usable);
        if path.batches.iter().any(|batch| !batch.seed.is_empty()) {
            untold.push(route);
        }
    }
    bus.store().queue(txn)?.wait()?;
    let set = padded(&mailbox.secret, in_order_of_use(usable), now);
    Ok(Some(Prepared {
        set,
        expected,
        untold,
        announced,
    }))
}

/// How a host's set is shared among contacts.
///
/// Tags that a contact may have heard of stay in it while they are valid, so new ones are only
/// made where there is room: whoever had more while there were fewer contacts gets none until
/// that is used or over.
struct Shares {
    /// Most tags of one contact.
    each: u64,
    /// Tags of all contacts.
    registered: u64,
}

impl Shares {
    fn of(
        txn: &Txn,
        mailbox: &OwnMailboxRecord,
        contacts: &[ContactRecord],
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let count = u64::try_from(contacts.len()).unwrap_or(u64::MAX).max(1);
        let mut registered = 0;
        for contact in contacts {
            let record = recv_record(txn, contact)?;
            let mut at = record.paths.iter();
            let path = at.find(|path| path.mailbox == mailbox.id);
            let batches = path.and_then(recv_batches);
            registered += batches.map_or(0, |batches| batches.registered(now));
        }
        Ok(Self {
            each: (SHARED_TAGS / count).max(1),
            registered,
        })
    }

    /// The contact's tags at this mailbox, topped up.
    fn top_up(
        &mut self,
        txn: &mut Txn,
        mailbox: &OwnMailboxRecord,
        contact: &ContactRecord,
        now: Timestamp,
    ) -> Result<Option<RecvPathRecord>, StoreError> {
        let Some(who) = ContactId::from_slice(&contact.id) else {
            return Ok(None);
        };
        let Some(session) = sessions::get(txn, &who)? else {
            return Ok(None);
        };
        let mut record = recv_record(txn, contact)?;
        let at = record.paths.iter();
        let mut path = match at.clone().position(|path| path.mailbox == mailbox.id) {
            Some(at) => record.paths.remove(at),
            None => RecvPathRecord {
                mailbox: mailbox.id.clone(),
                path: mailbox.path,
                ..RecvPathRecord::default()
            },
        };
        let before = recv_batches(&path);
        let has_none = before.as_ref().is_some_and(|own| own.outstanding(now) == 0);
        let all = if has_none { ALL_TAGS } else { SHARED_TAGS };
        let share = (self.each, all.saturating_sub(self.registered));
        let Some(changed) = top_up(&mut path, contact, &session, share, now) else {
            tracing::error!("a contact's mailbox tags cannot be read");
            return Ok(None);
        };
        let count = |own: RecvBatches| own.registered(now);
        self.registered += recv_batches(&path).map_or(0, count);
        self.registered = self.registered.saturating_sub(before.map_or(0, count));
        if changed {
            record.paths.push(path.clone());
            mailbox_tags::put_recv(txn, &who, &record)?;
        }
        Ok(Some(path))
    }
}

/// Notes where each parcel that may come belongs, and in `usable` the hashes to register, each
/// with how many of the same contact come before it.
fn collect(
    path: &RecvPathRecord,
    contact: RouteId,
    now: Timestamp,
    expected: &mut HashMap<TagHash, Expected>,
    usable: &mut Vec<(usize, TagHash)>,
) {
    let Some(batches) = recv_batches(path) else {
        return;
    };
    let mut before = 0;
    for (tag, batch, j, end) in batches.expected() {
        let hash = mailbox_hash(&tag.0);
        if end > now {
            usable.push((before, hash));
            before += 1;
        }
        let place = Expected {
            contact,
            path: path.path,
            batch,
            j,
        };
        expected.insert(hash, place);
    }
}

/// What contacts use next comes first, should there be more than a set can hold.
fn in_order_of_use(mut usable: Vec<(usize, TagHash)>) -> Vec<TagHash> {
    if usable.len() > MAX_SET {
        tracing::warn!("a mailbox cannot take every tag that contacts have");
    }
    usable.sort_by_key(|(before, _)| *before);
    usable.into_iter().map(|(_, hash)| hash).collect()
}

/// Fills up to a power of two. The same dummies come again each time: what stayed from one set
/// to the next would otherwise be what is real.
fn padded(secret: &[u8], mut hashes: Vec<TagHash>, now: Timestamp) -> TagSet {
    hashes.truncate(MAX_SET);
    let mut sizes = SET_POWERS.map(|power| 1_usize << power);
    let size = sizes.find(|size| *size >= hashes.len()).unwrap_or(MAX_SET);
    let mut number = 0_u32;
    while hashes.len() < size {
        let long = mac(secret, "mailbox-dummy", &[&number.to_be_bytes()]);
        let mut short = [0; 16];
        short.copy_from_slice(long.split_at(16).0);
        hashes.push(short);
        number = number.saturating_add(1);
    }
    hashes.sort_unstable();
    let day = now.0.div_euclid(DAY_MS).saturating_add(VALID_DAYS);
    TagSet {
        hashes,
        replace: true,
        max_class: MAX_CLASS,
        valid_until: u32::try_from(day).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests;
