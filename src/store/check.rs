//! Opens every record that can be named, for `msgctl doctor`.

use super::{
    Read, Record, Store, StoreError, Tier, View, idempotency,
    listed::{self, Listed},
    mailbox,
    records::{
        BlockedRecord, ConsumerRecord, ContactRecord, ConversationRecord, DepositRow,
        DepositsRecord, EventHead, EventSegment, IdempotencyHead, IdempotencyOrder,
        IdempotencyRecord, IdentityRecord, InviteRecord, MailboxClock, MailboxHeld, MailboxName,
        MailboxParcel, MailboxRecord, MailboxRecvRecord, MailboxSendRecord, MailboxSets,
        MessagePlace, MessageSegment, MessageText, OutboxHead, OutboxRow, OwnMailboxRecord,
        RequestRecord, RivalRecord, RouteRecord, SessionRecord, SettingRecord, SpoolRow,
        TransportSetting,
    },
    rows::{SEGMENT, key},
};
use std::collections::BTreeMap;

/// What was found in one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableReport {
    /// Records that opened.
    pub sound: u64,
    /// Records that are there and do not open.
    pub damaged: u64,
    /// Records that another names and that are not there.
    pub missing: u64,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// By table. Tables of a tier without its key are left out.
    pub tables: BTreeMap<&'static str, TableReport>,
    /// Records on disk that no table names: of a locked tier, or left over.
    pub unnamed: u64,
}

impl CheckReport {
    /// How many records were looked at, and how many of them are damaged or missing.
    #[must_use]
    pub fn totals(&self) -> (u64, u64) {
        self.tables.values().fold((0, 0), |(all, bad), table| {
            let faults = table.damaged + table.missing;
            (all + table.sound + faults, bad + faults)
        })
    }

    /// Whether nothing is damaged or missing.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.tables
            .values()
            .all(|table| table.damaged == 0 && table.missing == 0)
    }
}

/// Checks `store`. Run it while nothing writes: it reads no snapshot.
///
/// # Errors
/// [`StoreError::Corrupt`] and the like if the engine itself cannot read; damage to single
/// records is counted, not an error.
pub fn check(store: &Store) -> Result<CheckReport, StoreError> {
    let mut walk = Walk {
        view: store.read(),
        report: CheckReport::default(),
    };
    if store.is_attached(Tier::Vault) {
        walk.vault()?;
    }
    if store.is_attached(Tier::Transport) {
        walk.transport()?;
    }
    let named = |table: &TableReport| table.sound + table.damaged;
    let named = walk.report.tables.values().map(named).sum();
    walk.report.unnamed = store.count()?.saturating_sub(named);
    Ok(walk.report)
}

struct Walk {
    view: View,
    report: CheckReport,
}

impl Walk {
    fn vault(&mut self) -> Result<(), StoreError> {
        self.listed::<IdentityRecord>()?;
        self.listed::<InviteRecord>()?;
        self.listed::<RequestRecord>()?;
        self.listed::<SettingRecord>()?;
        self.listed::<BlockedRecord>()?;
        self.listed::<OwnMailboxRecord>()?;
        self.listed::<MailboxName>()?;
        for contact in self.listed::<ContactRecord>()? {
            self.optional::<SessionRecord>(&contact)?;
            self.optional::<RivalRecord>(&contact)?;
            self.optional::<MailboxRecvRecord>(&contact)?;
            self.optional::<MailboxSendRecord>(&contact)?;
        }
        for conversation in self.listed::<ConversationRecord>()? {
            self.messages(&conversation)?;
        }
        if let Some(head) = self.optional::<IdempotencyHead>(&[])? {
            for segment in head.first / SEGMENT..head.next.div_ceil(SEGMENT) {
                self.needed::<IdempotencyOrder>(&segment.to_be_bytes())?;
            }
        }
        let rows = self.tolerate(idempotency::rows(&self.view))?;
        for row in rows.unwrap_or_default() {
            self.needed::<IdempotencyRecord>(&row)?;
        }
        Ok(())
    }

    fn messages(&mut self, conversation: &[u8]) -> Result<(), StoreError> {
        let Ok(id) = <[u8; 16]>::try_from(conversation) else {
            return Ok(());
        };
        let record = self.tolerate(self.view.get::<ConversationRecord>(conversation))?;
        let count = record.flatten().map_or(0, |record| record.message_count);
        for segment in 0..count.div_ceil(SEGMENT) {
            let Some(segment) = self.needed::<MessageSegment>(&key(&id, segment))? else {
                continue;
            };
            for message in segment.messages {
                self.needed::<MessagePlace>(&message.id)?;
                if message.text_apart {
                    self.needed::<MessageText>(&message.id)?;
                }
            }
        }
        Ok(())
    }

    fn transport(&mut self) -> Result<(), StoreError> {
        self.listed::<ConsumerRecord>()?;
        self.listed::<TransportSetting>()?;
        self.mailboxes()?;
        for route in self.listed::<RouteRecord>()? {
            let Ok(id) = <[u8; 16]>::try_from(route.as_slice()) else {
                continue;
            };
            if let Some(head) = self.optional::<OutboxHead>(&route)? {
                for row in head.head..head.tail {
                    self.optional::<OutboxRow>(&key(&id, row))?;
                }
            }
            if let Some(head) = self.optional::<DepositsRecord>(&route)? {
                for row in head.head..head.tail {
                    self.optional::<DepositRow>(&key(&id, row))?;
                }
            }
            let record = self.tolerate(self.view.get::<RouteRecord>(&route))?;
            let record = record.flatten().unwrap_or_default();
            for row in record.spool_head..record.spool_tail {
                self.optional::<SpoolRow>(&key(&id, row))?;
            }
        }
        if let Some(head) = self.optional::<EventHead>(&[])? {
            for segment in head.first / SEGMENT..head.next.div_ceil(SEGMENT) {
                self.needed::<EventSegment>(&segment.to_be_bytes())?;
            }
        }
        Ok(())
    }

    fn mailboxes(&mut self) -> Result<(), StoreError> {
        self.optional::<MailboxClock>(&[])?;
        for mailbox in self.listed::<MailboxRecord>()? {
            let sets = self.optional::<MailboxSets>(&mailbox)?;
            for hash in mailbox::hashes(&sets.unwrap_or_default()) {
                let place = [mailbox.as_slice(), &hash].concat();
                if self.optional::<MailboxHeld>(&place)?.is_some() {
                    self.needed::<MailboxParcel>(&place)?;
                }
            }
        }
        Ok(())
    }

    /// Opens the index of a table and all rows that it names; returns their keys.
    fn listed<R: Listed>(&mut self) -> Result<Vec<Vec<u8>>, StoreError> {
        self.optional::<R::Index>(R::TABLE.as_bytes())?;
        let keys = self.tolerate(listed::keys::<R>(&self.view))?;
        let keys = keys.unwrap_or_default();
        for key in &keys {
            self.needed::<R>(key)?;
        }
        Ok(keys)
    }

    /// Opens a record that must be there.
    fn needed<R: Record>(&mut self, key: &[u8]) -> Result<Option<R>, StoreError> {
        if !self.view.contains::<R>(key)? {
            self.table(R::TABLE).missing += 1;
            return Ok(None);
        }
        self.optional(key)
    }

    /// Opens a record that may be there.
    fn optional<R: Record>(&mut self, key: &[u8]) -> Result<Option<R>, StoreError> {
        match self.view.get::<R>(key) {
            Ok(None) => Ok(None),
            Ok(found) => {
                self.table(R::TABLE).sound += 1;
                Ok(found)
            }
            Err(StoreError::Damaged { .. }) => {
                self.table(R::TABLE).damaged += 1;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Damage that is counted where it was met first.
    fn tolerate<T>(&self, result: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match result {
            Ok(found) => Ok(Some(found)),
            Err(StoreError::Damaged { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn table(&mut self, name: &'static str) -> &mut TableReport {
        self.report.tables.entry(name).or_default()
    }
}
