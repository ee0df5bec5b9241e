//! What a host is told to take: the tags of all contacts in one padded set.

use super::{
    Announced,
    tags::{recv_batches, recv_record, top_up},
};
use crate::{
    crypto::{Secret, mac},
    engine::event_bus::EventBus,
    model::{ContactId, MailboxId, RouteId, Timestamp},
    protocol::{MailboxCode, mailbox_hash},
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
/// Numbers of tags that may be registered; the rest of the set is for those that are late.
const SHARED_TAGS: u64 = 3_072;
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
    let count = u64::try_from(rows.len()).unwrap_or(u64::MAX).max(1);
    let most = (SHARED_TAGS / count).max(1);
    let (mut expected, mut untold) = (HashMap::new(), Vec::new());
    for contact in rows {
        let Some(path) = top_up_contact(&mut txn, &mailbox, &contact, most, now)? else {
            continue;
        };
        let Some(route) = RouteId::from_slice(&contact.id) else {
            continue;
        };
        collect(&path, route, &mut expected);
        if path.batches.iter().any(|batch| !batch.seed.is_empty()) {
            untold.push(route);
        }
    }
    bus.store().queue(txn)?.wait()?;
    let set = padded(&mailbox.secret, expected.keys().copied().collect(), now);
    Ok(Some(Prepared {
        set,
        expected,
        untold,
        announced,
    }))
}

/// The contact's tags at this mailbox, topped up.
fn top_up_contact(
    txn: &mut Txn,
    mailbox: &OwnMailboxRecord,
    contact: &ContactRecord,
    most: u64,
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
    let Some(changed) = top_up(&mut path, contact, &session, most, now) else {
        tracing::error!("a contact's mailbox tags cannot be read");
        return Ok(None);
    };
    if changed {
        record.paths.push(path.clone());
        mailbox_tags::put_recv(txn, &who, &record)?;
    }
    Ok(Some(path))
}

fn collect(path: &RecvPathRecord, contact: RouteId, into: &mut HashMap<TagHash, Expected>) {
    let Some(batches) = recv_batches(path) else {
        return;
    };
    for (tag, batch, j) in batches.expected() {
        let place = Expected {
            contact,
            path: path.path,
            batch,
            j,
        };
        into.insert(mailbox_hash(&tag.0), place);
    }
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
