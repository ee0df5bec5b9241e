//! What was answered to calls that a client may repeat.
//!
//! Each row is kept a day at least. Whenever one is added, a few that are older go, so the
//! table never holds much more than a day's calls.

use super::{
    Read, StoreError, Txn,
    records::{IdempotencyHead, IdempotencyOrder, IdempotencyRecord},
    rows::{SEGMENT, split},
};

/// Milliseconds for which a row is surely kept.
const KEPT_MS: i64 = 86_400_000;
/// Milliseconds after which a row counts as gone, whether or not it was cleared away.
const GONE_MS: i64 = 7 * KEPT_MS;
/// Old rows cleared away for each new one.
const CLEARED: usize = 8;
/// The one record of its table.
const HEAD: &[u8] = b"";

/// What was answered to `call` under the client's `key`.
///
/// # Errors
/// As [`Read::get`].
pub fn get(
    from: &impl Read,
    call: &str,
    key: &str,
    now_ms: i64,
) -> Result<Option<IdempotencyRecord>, StoreError> {
    let found = from.get::<IdempotencyRecord>(&row(call, key))?;
    Ok(found.filter(|record| now_ms.saturating_sub(record.at) < GONE_MS))
}

/// Keeps what is answered to `call` under the client's `key`; its time is `record.at`.
///
/// # Errors
/// As [`Txn::put`].
pub fn put(
    txn: &mut Txn,
    call: &str,
    key: &str,
    record: &IdempotencyRecord,
) -> Result<(), StoreError> {
    prune(txn, record.at, CLEARED)?;
    let row = row(call, key);
    if !txn.contains::<IdempotencyRecord>(&row)? {
        let head = txn.edit::<IdempotencyHead>(HEAD)?;
        let (segment, _) = split(head.next);
        head.next += 1;
        txn.edit::<IdempotencyOrder>(&segment.to_be_bytes())?
            .keys
            .push(row.clone());
    }
    txn.put(&row, record)
}

/// Clears away up to `max` rows older than a day; returns how many.
///
/// # Errors
/// As [`Txn::delete`].
pub fn prune(txn: &mut Txn, now_ms: i64, max: usize) -> Result<usize, StoreError> {
    let mut head = txn.get::<IdempotencyHead>(HEAD)?.unwrap_or_default();
    let mut cleared = 0;
    while cleared < max && head.first < head.next {
        let (segment, slot) = split(head.first);
        let place = segment.to_be_bytes();
        let row = txn
            .get::<IdempotencyOrder>(&place)?
            .and_then(|order| order.keys.into_iter().nth(slot));
        if let Some(row) = row {
            let record = txn.get::<IdempotencyRecord>(&row)?;
            let young = |record: IdempotencyRecord| now_ms.saturating_sub(record.at) < KEPT_MS;
            if record.is_some_and(young) {
                break;
            }
            txn.delete::<IdempotencyRecord>(&row)?;
        }
        cleared += 1;
        head.first += 1;
        if head.first % SEGMENT == 0 {
            txn.delete::<IdempotencyOrder>(&place)?;
        }
    }
    if cleared > 0 {
        txn.put(HEAD, &head)?;
    }
    Ok(cleared)
}

/// The keys of all rows, oldest first.
pub(super) fn rows(from: &impl Read) -> Result<Vec<Vec<u8>>, StoreError> {
    let head = from.get::<IdempotencyHead>(HEAD)?.unwrap_or_default();
    let mut rows = Vec::new();
    for segment in head.first / SEGMENT..head.next.div_ceil(SEGMENT) {
        let order = from.get::<IdempotencyOrder>(&segment.to_be_bytes())?;
        let keys = order.unwrap_or_default().keys.into_iter();
        let gone = head.first.saturating_sub(segment * SEGMENT);
        rows.extend(keys.skip(usize::try_from(gone).unwrap_or(usize::MAX)));
    }
    Ok(rows)
}

/// A call's name holds no zero byte, so no two pairs share a key.
fn row(call: &str, key: &str) -> Vec<u8> {
    [call.as_bytes(), &[0], key.as_bytes()].concat()
}
