//! Offering a mailbox: its record, and the code that goes to its owner.

use super::{MailboxHostError, NewMailbox, room::MAX_MAILBOXES};
use crate::{
    crypto::{Random, Secret, SystemRandom},
    engine::event_bus::Once,
    model::{MailboxId, Timestamp, limits::MAX_NAME_BYTES},
    protocol::{MailboxCode, MailboxKeys},
    store::{Store, Ticket, Txn, mailbox, records::MailboxRecord},
};
use std::net::SocketAddr;

/// The least and the most that a mailbox may hold, in bytes.
const QUOTA: std::ops::RangeInclusive<u64> = 1 << 20..=1 << 30;

/// What an offer came to.
pub(super) enum Made {
    Now(MailboxId, Ticket),
    /// The same call was answered before.
    Before(MailboxId),
}

/// A record with fresh secrets.
pub(super) fn fresh(new: &NewMailbox, now: Timestamp) -> Result<MailboxRecord, MailboxHostError> {
    if new.name.len() > MAX_NAME_BYTES {
        return Err(MailboxHostError::BadName);
    }
    if !QUOTA.contains(&new.max_bytes) {
        return Err(MailboxHostError::BadQuota);
    }
    let mut rng = SystemRandom;
    let mut id = MailboxId([0; 16]);
    rng.fill(&mut id.0);
    let secret: Secret<32> = Secret::random(&mut rng);
    let keys = MailboxKeys::derive(secret.as_bytes());
    Ok(MailboxRecord {
        id: id.0.to_vec(),
        secret: secret.as_bytes().to_vec(),
        owner_key: keys.owner.as_bytes().to_vec(),
        deposit_key: keys.deposit.as_bytes().to_vec(),
        created_at: now.0,
        max_bytes: new.max_bytes,
        ..MailboxRecord::default()
    })
}

/// Writes `record`, unless this call was answered before. `count` is how many there are.
pub(super) fn write(
    mut txn: Txn,
    store: &Store,
    record: &MailboxRecord,
    new: &NewMailbox,
    once: &Once,
    count: usize,
) -> Result<Made, MailboxHostError> {
    let id = |bytes: &[u8]| MailboxId::from_slice(bytes).ok_or(MailboxHostError::Damaged);
    if let Some(answer) = once.find(&txn).map_err(MailboxHostError::Store)? {
        return Ok(Made::Before(id(&answer)?));
    }
    if count >= MAX_MAILBOXES {
        return Err(MailboxHostError::TooMany(MAX_MAILBOXES));
    }
    if code(record, &new.addresses)?.addresses.is_empty() {
        return Err(MailboxHostError::NoAddress);
    }
    let id = id(&record.id)?;
    mailbox::put(&mut txn, record)
        .and_then(|()| mailbox::put_name(&mut txn, &id, &new.name))
        .and_then(|()| once.put(&mut txn, &id.0))
        .map_err(MailboxHostError::Store)?;
    let ticket = store.queue(txn).map_err(MailboxHostError::Store)?;
    Ok(Made::Now(id, ticket))
}

/// The code of the mailbox in `record`, as long as nobody has used it.
pub(super) fn code(
    record: &MailboxRecord,
    addresses: &[SocketAddr],
) -> Result<MailboxCode, MailboxHostError> {
    let secret = Secret::from_slice(&record.secret).ok_or(MailboxHostError::CodeGone)?;
    Ok(MailboxCode::new(secret, addresses))
}
