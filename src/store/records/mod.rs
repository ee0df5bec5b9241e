//! The records of `proto/store/v1/record.proto`: which table each lives in, and under whose
//! key. The only file of the store that names prost.

#[expect(
    missing_docs,
    clippy::doc_markdown,
    clippy::derive_partial_eq_without_eq,
    reason = "made by a generator; the contract is documented in the .proto file"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/store.v1.rs"));
}

use super::{StoreError, Tier};
pub use generated::*;
use prost::Message;
use std::any::Any;
use zeroize::Zeroizing;

/// A kind of record with a table of its own.
pub trait Record: Message + Default + Clone + 'static {
    /// The table's name; its number changes with the meaning of its rows.
    const TABLE: &'static str;
    /// Under whose key its rows are sealed.
    const TIER: Tier;
}

macro_rules! tables {
    ($list:ident, $tier:ident: $($record:ident = $table:literal),+ $(,)?) => {
        $(impl Record for $record {
            const TABLE: &'static str = $table;
            const TIER: Tier = Tier::$tier;
        })+

        #[cfg(test)]
        const $list: &[&str] = &[$($table),+];
    };
}

tables! { VAULT_TABLES, Vault:
    IdentityRecord = "identities-1",
    ContactRecord = "contacts-1",
    SessionRecord = "sessions-1",
    OwnMailboxRecord = "own_mailboxes-1",
    MailboxRecvRecord = "mailbox_recv-1",
    MailboxSendRecord = "mailbox_send-1",
    RivalRecord = "rivals-1",
    BlockedRecord = "blocked-1",
    InviteRecord = "invites-1",
    RequestRecord = "requests-1",
    ConversationRecord = "conversations-1",
    MessageSegment = "messages-1",
    MessageText = "message_texts-1",
    MessagePlace = "message_places-1",
    IdempotencyRecord = "idempotency-1",
    IdempotencyHead = "idempotency_head-1",
    IdempotencyOrder = "idempotency_order-1",
    SettingRecord = "settings-1",
    MailboxName = "mailbox_names-1",
    VaultIndex = "vault_index-1",
}

tables! { TRANSPORT_TABLES, Transport:
    RouteRecord = "routes-1",
    OutboxHead = "outbox_heads-1",
    OutboxRow = "outbox-1",
    SpoolRow = "spool-1",
    DepositsRecord = "deposits-1",
    DepositRow = "deposit_rows-1",
    EventSegment = "events-1",
    EventHead = "event_head-1",
    ConsumerRecord = "consumers-1",
    TransportSetting = "transport_settings-1",
    MailboxRecord = "mailboxes-1",
    MailboxSets = "mailbox_sets-1",
    MailboxHeld = "mailbox_held-1",
    MailboxParcel = "mailbox_parcels-1",
    MailboxClock = "mailbox_clock-1",
    TransportIndex = "transport_index-1",
}

/// The bytes that are sealed.
pub(super) fn encode<R: Record>(record: &R) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(record.encode_to_vec())
}

pub(super) fn decode<R: Record>(bytes: &[u8]) -> Result<R, StoreError> {
    R::decode(bytes).map_err(|_| StoreError::Damaged { table: R::TABLE })
}

/// A decoded record of any kind, as a transaction holds it until it is queued.
pub(super) trait Held: Any + Send {
    fn encoded(&self) -> Zeroizing<Vec<u8>>;
}

impl<R: Record> Held for R {
    fn encoded(&self) -> Zeroizing<Vec<u8>> {
        encode(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_table_is_named_in_the_contract_and_only_once() {
        let proto = include_str!("../../../proto/store/v1/record.proto");
        let mut tables = [VAULT_TABLES, TRANSPORT_TABLES].concat();
        for table in &tables {
            assert!(proto.contains(&format!(" {table}")), "{table}");
        }
        tables.sort_unstable();
        tables.dedup();
        assert_eq!(tables.len(), VAULT_TABLES.len() + TRANSPORT_TABLES.len());
    }

    #[test]
    fn the_contract_s_halves_are_the_tiers() {
        let proto = include_str!("../../../proto/store/v1/record.proto");
        let vault = proto.find("---- vault tier").unwrap();
        let transport = proto.find("---- transport tier").unwrap();
        let lists = proto.find("---- lists").unwrap();
        let place = |table: &str| proto.find(&format!("able {table}")).unwrap_or(lists);
        for table in VAULT_TABLES.iter().filter(|t| !t.ends_with("_index-1")) {
            assert!((vault..transport).contains(&place(table)), "{table}");
        }
        for table in TRANSPORT_TABLES.iter().filter(|t| !t.ends_with("_index-1")) {
            assert!((transport..lists).contains(&place(table)), "{table}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_record_or_refused(bytes: Vec<u8>) {
            let _ = decode::<ConversationRecord>(&bytes);
            let _ = decode::<MessageSegment>(&bytes);
            let _ = decode::<RouteRecord>(&bytes);
            let _ = decode::<MailboxSets>(&bytes);
            let _ = decode::<MailboxHeld>(&bytes);
        }
    }
}
