//! Tables that are read whole: an index record names their rows in the order they came.

use super::{
    Read, Record, StoreError, Txn,
    records::{
        BlockedRecord, ConsumerRecord, ContactRecord, ConversationRecord, IdentityRecord,
        InviteRecord, MailboxName, MailboxRecord, OwnMailboxRecord, RequestRecord, RouteRecord,
        SettingRecord, TransportIndex, TransportSetting, VaultIndex,
    },
};

/// A record that names rows.
pub(super) trait Index: Record {
    fn rows(&self) -> &[Vec<u8>];
    fn rows_mut(&mut self) -> &mut Vec<Vec<u8>>;
}

macro_rules! index {
    ($index:ident: $($record:ident),+) => {
        impl Index for $index {
            fn rows(&self) -> &[Vec<u8>] {
                &self.keys
            }

            fn rows_mut(&mut self) -> &mut Vec<Vec<u8>> {
                &mut self.keys
            }
        }

        $(impl Listed for $record {
            type Index = $index;
        })+
    };
}

/// A record whose table has an index.
pub(super) trait Listed: Record {
    /// Of the record's own tier.
    type Index: Index;
}

index!(VaultIndex: IdentityRecord, ContactRecord, InviteRecord, RequestRecord,
    ConversationRecord, SettingRecord, BlockedRecord, MailboxName, OwnMailboxRecord);
index!(TransportIndex: RouteRecord, ConsumerRecord, TransportSetting, MailboxRecord);

/// Writes a row, and names it if it is new.
pub(super) fn put<R: Listed>(txn: &mut Txn, key: &[u8], record: &R) -> Result<(), StoreError> {
    if !txn.contains::<R>(key)? {
        txn.edit::<R::Index>(R::TABLE.as_bytes())?
            .rows_mut()
            .push(key.to_vec());
    }
    txn.put(key, record)
}

/// Removes a row and its name. Returns whether it was there.
pub(super) fn remove<R: Listed>(txn: &mut Txn, key: &[u8]) -> Result<bool, StoreError> {
    if !txn.contains::<R>(key)? {
        return Ok(false);
    }
    txn.edit::<R::Index>(R::TABLE.as_bytes())?
        .rows_mut()
        .retain(|row| row != key);
    txn.delete::<R>(key)?;
    Ok(true)
}

/// The names of all rows, oldest first.
pub(super) fn keys<R: Listed>(from: &impl Read) -> Result<Vec<Vec<u8>>, StoreError> {
    let index = from.get::<R::Index>(R::TABLE.as_bytes())?;
    Ok(index.map_or_else(Vec::new, |index| index.rows().to_vec()))
}

/// All rows, oldest first.
pub(super) fn list<R: Listed>(from: &impl Read) -> Result<Vec<R>, StoreError> {
    let mut rows = Vec::new();
    for key in keys::<R>(from)? {
        // A view may see the index of one moment and the row of the next.
        rows.extend(from.get::<R>(&key)?);
    }
    Ok(rows)
}
