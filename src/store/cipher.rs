//! The keys of the two tiers, while they are here.

use super::{SCHEMA_VERSION, StoreError, db::Key};
use crate::crypto::{RecordCipher, Secret, SystemRandom};
use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};
use zeroize::Zeroizing;

/// Under whose key a record is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    /// Readable only while the vault is unlocked.
    Vault,
    /// Readable within the login session, so that parcels come and go while locked.
    Transport,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vault => "vault",
            Self::Transport => "transport",
        })
    }
}

/// Both tiers' ciphers.
#[derive(Default)]
pub(super) struct Ciphers {
    vault: RwLock<Option<Arc<RecordCipher>>>,
    transport: RwLock<Option<Arc<RecordCipher>>>,
}

impl Ciphers {
    pub(super) fn attach(&self, tier: Tier, key: &Secret<32>) {
        self.set(tier, Some(Arc::new(RecordCipher::new(key, SCHEMA_VERSION))));
    }

    /// The key is gone from memory once the operations under way have ended.
    pub(super) fn detach(&self, tier: Tier) {
        self.set(tier, None);
    }

    pub(super) fn is_attached(&self, tier: Tier) -> bool {
        self.get(tier).is_ok()
    }

    /// Where the record `key` of `table` stands.
    pub(super) fn blind(
        &self,
        tier: Tier,
        table: &'static str,
        key: &[u8],
    ) -> Result<Key, StoreError> {
        Ok(self.get(tier)?.blind(table, key))
    }

    pub(super) fn seal(
        &self,
        tier: Tier,
        table: &'static str,
        place: &Key,
        value: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        Ok(self.get(tier)?.seal(table, place, value, &mut SystemRandom))
    }

    pub(super) fn open(
        &self,
        tier: Tier,
        table: &'static str,
        place: &Key,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.get(tier)?
            .open(table, place, sealed)
            .map_err(|_| StoreError::Damaged { table })
    }

    fn get(&self, tier: Tier) -> Result<Arc<RecordCipher>, StoreError> {
        self.slot(tier)
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or(StoreError::Locked(tier))
    }

    fn set(&self, tier: Tier, cipher: Option<Arc<RecordCipher>>) {
        *self
            .slot(tier)
            .write()
            .unwrap_or_else(PoisonError::into_inner) = cipher;
    }

    const fn slot(&self, tier: Tier) -> &RwLock<Option<Arc<RecordCipher>>> {
        match tier {
            Tier::Vault => &self.vault,
            Tier::Transport => &self.transport,
        }
    }
}
