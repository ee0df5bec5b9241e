//! Mailboxes that we host for others: everything here is in the transport tier, so that a
//! locked host goes on, except what we call them.
//!
//! A hash that is registered and has a row in `mailbox_held` is used; one without is free. A
//! hash that is deleted leaves its set, and with it the row and the parcel.

use super::{
    Read, Record, StoreError, Txn, listed,
    records::{MailboxClock, MailboxHeld, MailboxName, MailboxParcel, MailboxRecord, MailboxSets},
};
use crate::model::MailboxId;

/// Length of a tag's hash.
pub const HASH_LEN: usize = 16;
/// The one record of its table.
const CLOCK: &[u8] = b"";

/// Writes the mailbox under the id that it names.
///
/// # Errors
/// [`StoreError::Malformed`] without a whole id, else as [`Txn::put`].
pub fn put(txn: &mut Txn, record: &MailboxRecord) -> Result<(), StoreError> {
    let table = MailboxRecord::TABLE;
    let id = MailboxId::from_slice(&record.id).ok_or(StoreError::Malformed { table })?;
    listed::put(txn, &id.0, record)
}

/// The mailbox `id`.
///
/// # Errors
/// As [`Read::get`].
pub fn get(from: &impl Read, id: &MailboxId) -> Result<Option<MailboxRecord>, StoreError> {
    from.get(&id.0)
}

/// The names of all mailboxes, oldest first; one that makes no sense is as it is.
///
/// # Errors
/// As [`Read::get`].
pub fn names(from: &impl Read) -> Result<Vec<Vec<u8>>, StoreError> {
    listed::keys::<MailboxRecord>(from)
}

/// What is registered in the mailbox `id`.
///
/// # Errors
/// As [`Read::get`].
pub fn sets(from: &impl Read, id: &MailboxId) -> Result<MailboxSets, StoreError> {
    Ok(from.get(&id.0)?.unwrap_or_default())
}

/// Writes what is registered in the mailbox `id`.
///
/// # Errors
/// As [`Txn::put`].
pub fn put_sets(txn: &mut Txn, id: &MailboxId, sets: &MailboxSets) -> Result<(), StoreError> {
    txn.put(&id.0, sets)
}

/// Every hash of `sets`; a cut-off one at the end of a set is none.
pub fn hashes(sets: &MailboxSets) -> impl Iterator<Item = [u8; HASH_LEN]> {
    let of = |set: &super::records::MailboxSet| set.hashes.as_chunks().0.to_vec();
    sets.sets.iter().flat_map(of)
}

/// What is known of the parcel under `hash`.
///
/// # Errors
/// As [`Read::get`].
pub fn held(
    from: &impl Read,
    id: &MailboxId,
    hash: &[u8; HASH_LEN],
) -> Result<Option<MailboxHeld>, StoreError> {
    from.get(&place(id, hash))
}

/// The parcel under `hash`.
///
/// # Errors
/// As [`Read::get`].
pub fn parcel(
    from: &impl Read,
    id: &MailboxId,
    hash: &[u8; HASH_LEN],
) -> Result<Option<Vec<u8>>, StoreError> {
    let found = from.get::<MailboxParcel>(&place(id, hash))?;
    Ok(found.map(|record| record.parcel))
}

/// Keeps a parcel under `hash`.
///
/// # Errors
/// As [`Txn::put`].
pub fn put_parcel(
    txn: &mut Txn,
    id: &MailboxId,
    hash: &[u8; HASH_LEN],
    held: &MailboxHeld,
    parcel: Vec<u8>,
) -> Result<(), StoreError> {
    txn.put(&place(id, hash), held)?;
    txn.put(&place(id, hash), &MailboxParcel { parcel })
}

/// Removes the parcel under `hash`, if there is one; the hash itself stays where it is.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove_parcel(
    txn: &mut Txn,
    id: &MailboxId,
    hash: &[u8; HASH_LEN],
) -> Result<(), StoreError> {
    txn.delete::<MailboxHeld>(&place(id, hash))?;
    txn.delete::<MailboxParcel>(&place(id, hash))
}

/// Removes all hashes and parcels of the mailbox `id`; the mailbox stays.
///
/// # Errors
/// As [`Txn::delete`].
pub fn wipe(txn: &mut Txn, id: &MailboxId) -> Result<(), StoreError> {
    for hash in hashes(&sets(txn, id)?) {
        remove_parcel(txn, id, &hash)?;
    }
    txn.delete::<MailboxSets>(&id.0)
}

/// Removes the mailbox `id` and all that it holds; returns whether there was one.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove(txn: &mut Txn, id: &MailboxId) -> Result<bool, StoreError> {
    wipe(txn, id)?;
    listed::remove::<MailboxRecord>(txn, &id.0)
}

/// What we call the mailbox `id`; needs the vault tier.
///
/// # Errors
/// As [`Read::get`].
pub fn name(from: &impl Read, id: &MailboxId) -> Result<String, StoreError> {
    let found = from.get::<MailboxName>(&id.0)?;
    Ok(found.map_or_else(String::new, |record| record.name))
}

/// Writes what we call the mailbox `id`.
///
/// # Errors
/// As [`Txn::put`].
pub fn put_name(txn: &mut Txn, id: &MailboxId, name: &str) -> Result<(), StoreError> {
    let name = name.to_owned();
    listed::put(txn, &id.0, &MailboxName { name })
}

/// Forgets what we call the mailbox `id`.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove_name(txn: &mut Txn, id: &MailboxId) -> Result<(), StoreError> {
    listed::remove::<MailboxName>(txn, &id.0).map(drop)
}

/// Forgets names of mailboxes that are no more; returns whether there were any.
///
/// # Errors
/// As [`Txn::delete`].
pub fn prune_names(txn: &mut Txn) -> Result<bool, StoreError> {
    let mut pruned = false;
    for key in listed::keys::<MailboxName>(txn)? {
        if !txn.contains::<MailboxRecord>(&key)? {
            pruned |= listed::remove::<MailboxName>(txn, &key)?;
        }
    }
    Ok(pruned)
}

/// For how long this host has served, as last noted.
///
/// # Errors
/// As [`Read::get`].
pub fn clock(from: &impl Read) -> Result<Option<MailboxClock>, StoreError> {
    from.get(CLOCK)
}

/// Notes for how long this host has served.
///
/// # Errors
/// As [`Txn::put`].
pub fn put_clock(txn: &mut Txn, clock: &MailboxClock) -> Result<(), StoreError> {
    txn.put(CLOCK, clock)
}

fn place(id: &MailboxId, hash: &[u8; HASH_LEN]) -> [u8; 32] {
    let mut place = [0; 32];
    let (first, second) = place.split_at_mut(MailboxId::LEN);
    first.copy_from_slice(&id.0);
    second.copy_from_slice(hash);
    place
}
