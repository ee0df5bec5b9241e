//! Mailbox tags as the store keeps them, and what changes with an announcement.

use crate::{
    crypto::{Secret, SystemRandom},
    model::{ContactId, ConversationId, MailboxId, RouteId, Timestamp},
    protocol::{
        MailboxOffer, MailboxTags, RecvBatch, RecvBatches, SendBatch, SendBatches, mailbox_tag_key,
    },
    store::{
        StoreError, Txn, deposits, mailbox_tags,
        records::{
            ContactRecord, DepositHost, MailboxRecvRecord, MailboxSendRecord, RecvBatchRecord,
            RecvPathRecord, SendBatchRecord, SendPathRecord, SessionRecord,
        },
        sessions,
    },
};
use std::net::SocketAddr;

/// Most mailboxes of one contact that are remembered; the lowest number goes.
const MAX_PATHS: usize = 4;

/// Whether tags made under `conversation` are of the session that `contact` uses now.
pub(crate) fn is_of(conversation: &[u8], contact: &ContactRecord) -> bool {
    ConversationId::from_slice(conversation).is_some() && conversation == contact.conversation
}

/// The tags in a record, to deposit under.
pub(crate) fn send_batches(path: &SendPathRecord) -> Option<SendBatches> {
    let batch = |record: &SendBatchRecord| {
        Some(SendBatch {
            batch: record.batch,
            key: Secret::from_slice(&record.key)?,
            next: record.next,
            end: record.end,
            valid_until: Timestamp(record.valid_until),
        })
    };
    Some(SendBatches {
        path: path.path,
        latest: path.latest,
        known: path.known,
        batches: path.batches.iter().map(batch).collect::<Option<_>>()?,
    })
}

/// Writes `batches` into their record.
pub(crate) fn write_send_batches(path: &mut SendPathRecord, batches: &SendBatches) {
    (path.path, path.latest, path.known) = (batches.path, batches.latest, batches.known);
    let record = |batch: &SendBatch| SendBatchRecord {
        batch: batch.batch,
        key: batch.key.as_bytes().to_vec(),
        next: batch.next,
        end: batch.end,
        valid_until: batch.valid_until.0,
    };
    path.batches = batches.batches.iter().map(record).collect();
}

/// The tags in a record, under which a contact deposits.
pub(crate) fn recv_batches(path: &RecvPathRecord) -> Option<RecvBatches> {
    let batch = |record: &RecvBatchRecord| {
        Some(RecvBatch {
            batch: record.batch,
            key: Secret::from_slice(&record.key)?,
            first: record.first,
            end: record.end,
            used: record.used.clone(),
            valid_until: Timestamp(record.valid_until),
        })
    };
    Some(RecvBatches {
        path: path.path,
        latest: path.latest,
        next: path.next,
        batches: path.batches.iter().map(batch).collect::<Option<_>>()?,
    })
}

/// Writes `batches` into their record. Seeds of batches that are still there stay.
pub(crate) fn write_recv_batches(path: &mut RecvPathRecord, batches: &RecvBatches) {
    let seeds: Vec<_> = path.batches.drain(..).map(|b| (b.batch, b.seed)).collect();
    (path.path, path.latest, path.next) = (batches.path, batches.latest, batches.next);
    let seed = |batch| seeds.iter().find(|(known, _)| *known == batch);
    let record = |batch: &RecvBatch| RecvBatchRecord {
        batch: batch.batch,
        key: batch.key.as_bytes().to_vec(),
        first: batch.first,
        end: batch.end,
        used: batch.used.clone(),
        valid_until: batch.valid_until.0,
        seed: seed(batch.batch).map_or_else(Vec::new, |(_, seed)| seed.clone()),
    };
    path.batches = batches.batches.iter().map(record).collect();
}

/// Adds a batch to `path` if it needs one, so that the host has at most `share` of the
/// contact's tags, and of at most `room` tags. Returns whether anything changed; `None` if the
/// record cannot be read.
pub(super) fn top_up(
    path: &mut RecvPathRecord,
    contact: &ContactRecord,
    session: &SessionRecord,
    (share, room): (u64, u64),
    now: Timestamp,
) -> Option<bool> {
    let mut batches = recv_batches(path)?;
    let gone = batches.forget(now);
    let wanted = batches.wanted(now, share).min(room);
    if wanted == 0 {
        write_recv_batches(path, &batches);
        return Some(gone);
    }
    let pair = Secret::from_slice(&session.pair)?;
    let seed = Secret::<32>::random(&mut SystemRandom);
    // They deposit, so it is their side of the handshake that counts.
    let theirs = !contact.inviter;
    batches.grow(wanted, now, |batch| {
        mailbox_tag_key(&pair, theirs, path.path, batch, &seed)
    });
    write_recv_batches(path, &batches);
    if let Some(last) = path.batches.last_mut() {
        last.seed = seed.as_bytes().to_vec();
    }
    Some(true)
}

/// Has new tags made for `contact` at the next poll, whatever is left.
///
/// # Errors
/// What the store says.
pub(crate) fn renew(txn: &mut Txn, contact: ContactId, now: Timestamp) -> Result<(), StoreError> {
    let Some(mut record) = mailbox_tags::recv(txn, &contact)? else {
        return Ok(());
    };
    for path in &mut record.paths {
        let Some(mut batches) = recv_batches(path) else {
            continue;
        };
        batches.age(now);
        write_recv_batches(path, &batches);
    }
    mailbox_tags::put_recv(txn, &contact, &record)
}

/// A mailbox of ours, as a contact is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) mailbox: MailboxId,
    pub(crate) path: u32,
    /// `None` once it is not to be used any more.
    pub(crate) host: Option<(Secret<32>, Vec<SocketAddr>)>,
}

impl Announced {
    /// What `contact` is to be told now; counts as told in `txn`.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) fn offers(
        &self,
        txn: &mut Txn,
        contact: &ContactRecord,
    ) -> Result<Vec<MailboxOffer>, StoreError> {
        let Some(id) = ContactId::from_slice(&contact.id) else {
            return Ok(Vec::new());
        };
        let Some(mut record) = mailbox_tags::recv(txn, &id)? else {
            return Ok(Vec::new());
        };
        if !is_of(&record.conversation, contact) {
            return Ok(Vec::new());
        }
        let at = record.paths.iter();
        let Some(at) = at.clone().position(|path| path.mailbox == self.mailbox.0) else {
            return Ok(Vec::new());
        };
        let number = self.path;
        let offers = match (&self.host, record.paths.get_mut(at)) {
            (Some((key, addresses)), Some(path)) => path
                .batches
                .iter_mut()
                .filter_map(|batch| {
                    let tags = Some(tags_of(batch, key, addresses)?);
                    batch.seed.clear();
                    Some(MailboxOffer { number, tags })
                })
                .collect(),
            _ => {
                record.paths.remove(at);
                vec![MailboxOffer { number, tags: None }]
            }
        };
        mailbox_tags::put_recv(txn, &id, &record)?;
        Ok(offers)
    }
}

fn tags_of(
    batch: &RecvBatchRecord,
    key: &Secret<32>,
    addresses: &[SocketAddr],
) -> Option<MailboxTags> {
    Some(MailboxTags {
        deposit_key: key.clone(),
        addresses: addresses.to_vec(),
        batch: batch.batch,
        seed: Secret::from_slice(&batch.seed)?,
        first: batch.first,
        end: batch.end,
        valid_until: Timestamp(batch.valid_until),
    })
}

/// Takes over what a contact says of a mailbox of theirs. Returns whether there are tags now
/// that there were not before.
///
/// # Errors
/// What the store says.
pub(crate) fn learn(
    txn: &mut Txn,
    contact: &ContactRecord,
    offer: &MailboxOffer,
) -> Result<bool, StoreError> {
    let Some(id) = ContactId::from_slice(&contact.id) else {
        return Ok(false);
    };
    let mut record = mailbox_tags::send(txn, &id)?.unwrap_or_default();
    if !is_of(&record.conversation, contact) {
        record = MailboxSendRecord {
            conversation: contact.conversation.clone(),
            paths: Vec::new(),
        };
    }
    let number = offer.number;
    let Some(tags) = &offer.tags else {
        record.paths.retain(|path| path.path != number);
        deposits::remove_host(txn, &RouteId(id.0), number)?;
        mailbox_tags::put_send(txn, &id, &record)?;
        return Ok(false);
    };
    let session = sessions::get(txn, &id)?;
    let Some(pair) = session.and_then(|session| Secret::from_slice(&session.pair)) else {
        return Ok(false);
    };
    let known = record.paths.iter().position(|path| path.path == number);
    let mut path = match known {
        Some(at) => record.paths.remove(at),
        None => SendPathRecord {
            path: number,
            ..SendPathRecord::default()
        },
    };
    let fresh = send_batches(&path).is_some_and(|mut batches| {
        let fresh = batches.learn(SendBatch {
            batch: tags.batch,
            key: mailbox_tag_key(&pair, contact.inviter, number, tags.batch, &tags.seed),
            next: tags.first,
            end: tags.end,
            valid_until: tags.valid_until,
        });
        write_send_batches(&mut path, &batches);
        fresh
    });
    if fresh {
        path.deposit_key = tags.deposit_key.as_bytes().to_vec();
        path.addresses = tags.addresses.iter().map(ToString::to_string).collect();
    } else if known.is_none() {
        return Ok(false);
    }
    // Also if nothing is new: another session may have been in between, and taken it away.
    let host = DepositHost {
        path: number,
        key: path.deposit_key.clone(),
        addresses: path.addresses.clone(),
    };
    deposits::put_host(txn, &RouteId(id.0), host)?;
    if !fresh {
        return Ok(false);
    }
    record.paths.push(path);
    record.paths.sort_by_key(|path| path.path);
    while record.paths.len() > MAX_PATHS {
        let lowest = record.paths.remove(0);
        deposits::remove_host(txn, &RouteId(id.0), lowest.path)?;
    }
    mailbox_tags::put_send(txn, &id, &record)?;
    Ok(true)
}

/// The record of what `contact` may use, for the session of now.
pub(super) fn recv_record(
    txn: &Txn,
    contact: &ContactRecord,
) -> Result<MailboxRecvRecord, StoreError> {
    let fresh = MailboxRecvRecord {
        conversation: contact.conversation.clone(),
        ..MailboxRecvRecord::default()
    };
    let Some(id) = ContactId::from_slice(&contact.id) else {
        return Ok(fresh);
    };
    let known = mailbox_tags::recv(txn, &id)?;
    let known = known.filter(|record| is_of(&record.conversation, contact));
    Ok(known.unwrap_or(fresh))
}
