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
}
