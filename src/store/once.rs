//! A client's idempotency key, checked and kept inside the transaction that has the effect.

use super::{Read, StoreError, Txn, idempotency, records::IdempotencyRecord};
use crate::{
    crypto::{hash, same},
    model::limits::MAX_IDEMPOTENCY_KEY_BYTES,
};

/// One call that may be repeated: the same key with the same request has its effect once.
#[derive(Clone, Debug, Default)]
pub struct Once {
    call: &'static str,
    key: String,
    request: [u8; 32],
    at: i64,
}

impl Once {
    /// A call with the client's `key` (empty: not repeatable) at wall time `now_ms`. `request`
    /// is whatever tells one request from another.
    ///
    /// # Errors
    /// A key that is too long.
    pub fn new(
        call: &'static str,
        key: &str,
        request: &[&[u8]],
        now_ms: i64,
    ) -> Result<Self, StoreError> {
        if key.len() > MAX_IDEMPOTENCY_KEY_BYTES {
            return Err(StoreError::Refused(
                "an idempotency key has at most 128 bytes",
            ));
        }
        Ok(Self {
            call,
            key: key.to_owned(),
            request: hash(request),
            at: now_ms,
        })
    }

    /// What was answered before, if this is a repetition.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`] if the key was used for another request.
    pub fn find(&self, from: &impl Read) -> Result<Option<Vec<u8>>, StoreError> {
        if self.key.is_empty() {
            return Ok(None);
        }
        match idempotency::get(from, self.call, &self.key, self.at)? {
            Some(row) if same(&row.request_hash, &self.request) => Ok(Some(row.answer)),
            Some(_) => Err(StoreError::KeyReused),
            None => Ok(None),
        }
    }

    /// Remembers the answer, with whatever else the transaction does.
    ///
    /// # Errors
    /// As [`Txn::put`].
    pub fn put(&self, txn: &mut Txn, answer: &[u8]) -> Result<(), StoreError> {
        if self.key.is_empty() {
            return Ok(());
        }
        let row = IdempotencyRecord {
            request_hash: self.request.to_vec(),
            answer: answer.to_vec(),
            at: self.at,
        };
        idempotency::put(txn, self.call, &self.key, &row)
    }
}
