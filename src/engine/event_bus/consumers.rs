//! Named readers of the log and how far they got.

use super::EventBus;
use crate::{
    model::Timestamp,
    store::{StoreError, event_log, records::ConsumerRecord},
};

impl EventBus {
    /// Records that `name` has dealt with everything up to `seq`; it never goes back. Returns
    /// where it stands and since when.
    ///
    /// # Errors
    /// What the store says.
    pub async fn acknowledge(&self, name: &str, seq: u64) -> Result<(u64, Timestamp), StoreError> {
        let mut txn = self.store.begin();
        let before = event_log::consumer(&txn, name)?;
        if let Some(before) = before.filter(|before| before.acknowledged >= seq) {
            return Ok((before.acknowledged, Timestamp(before.at)));
        }
        let at = self.now();
        let record = ConsumerRecord {
            name: name.to_owned(),
            acknowledged: seq,
            at: at.0,
        };
        event_log::put_consumer(&mut txn, &record)?;
        self.store.commit(txn).await?;
        Ok((seq, at))
    }

    /// Every named reader: its name, where it stands, since when.
    ///
    /// # Errors
    /// What the store says.
    pub fn consumers(&self) -> Result<Vec<(String, u64, Timestamp)>, StoreError> {
        let rows = event_log::consumers(&self.store.read())?;
        Ok(rows
            .into_iter()
            .map(|row| (row.name, row.acknowledged, Timestamp(row.at)))
            .collect())
    }

    /// Forgets a named reader. Returns whether there was one.
    ///
    /// # Errors
    /// What the store says.
    pub async fn remove_consumer(&self, name: &str) -> Result<bool, StoreError> {
        let mut txn = self.store.begin();
        let found = event_log::remove_consumer(&mut txn, name)?;
        self.store.commit(txn).await?;
        Ok(found)
    }

    /// What was answered to a call before, where its effect is not in the store.
    ///
    /// # Errors
    /// What the store says, or a key used for another request.
    pub fn recall(&self, once: &super::Once) -> Result<Option<Vec<u8>>, StoreError> {
        once.find(&self.store.read())
    }

    /// Keeps the answer to such a call. A crash between effect and this repeats the effect.
    ///
    /// # Errors
    /// What the store says.
    pub async fn remember(&self, once: &super::Once, answer: &[u8]) -> Result<(), StoreError> {
        let mut txn = self.store.begin();
        once.put(&mut txn, answer)?;
        self.store.commit(txn).await
    }
}
