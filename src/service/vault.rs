//! The vault: what protects the data at rest.

use super::{IdempotencyKey, Result, Service};
use crate::model::{SlotKind, VaultState};

/// A passphrase on its way; wiped when dropped, never printed.
pub struct Passphrase(pub(crate) zeroize::Zeroizing<Vec<u8>>);

impl Passphrase {
    /// Takes the bytes over.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(zeroize::Zeroizing::new(bytes))
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase[redacted]")
    }
}

/// What a new key slot shall be opened by.
#[derive(Debug)]
pub enum NewSlot {
    /// A passphrase.
    Passphrase(Passphrase),
    /// A file of mode 0600 in the data folder: unattended, and no protection against disk theft.
    File,
}

/// A key slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its number.
    pub number: u32,
    /// What opens it.
    pub kind: SlotKind,
    /// Memory that argon2id takes, in KiB; 0 for a file slot.
    pub memory_kib: u32,
    /// Passes of argon2id; 0 for a file slot.
    pub passes: u32,
}

impl Service {
    /// Whether the data can be read. Works always.
    pub fn vault_state(&self) -> VaultState {
        todo!()
    }

    /// Makes the keyring with its first slot and unlocks it. [`ErrorCode::Conflict`] if there is one.
    ///
    /// [`ErrorCode::Conflict`]: crate::model::ErrorCode::Conflict
    pub async fn create_vault(&self, slot: NewSlot, key: IdempotencyKey) -> Result<VaultState> {
        todo!()
    }

    /// Unlocks with a passphrase. [`ErrorCode::Denied`] if it is wrong; after five wrong ones
    /// each further try waits.
    ///
    /// [`ErrorCode::Denied`]: crate::model::ErrorCode::Denied
    pub async fn unlock_vault(&self, passphrase: Passphrase) -> Result<VaultState> {
        todo!()
    }

    /// Forgets the data's keys. Links stay up; parcels are kept and sent, not opened.
    pub async fn lock_vault(&self) -> Result<VaultState> {
        todo!()
    }

    /// Replaces the passphrase of the slot that `old` opens.
    pub async fn change_passphrase(
        &self,
        old: Passphrase,
        new: Passphrase,
        key: IdempotencyKey,
    ) -> Result<()> {
        todo!()
    }

    /// Every slot. Works while locked.
    pub async fn list_slots(&self) -> Result<Vec<Slot>> {
        todo!()
    }

    /// Adds a slot; the vault must be unlocked.
    pub async fn add_slot(&self, slot: NewSlot, key: IdempotencyKey) -> Result<Slot> {
        todo!()
    }

    /// Removes a slot, never the last one.
    pub async fn remove_slot(&self, number: u32, key: IdempotencyKey) -> Result<()> {
        todo!()
    }
}
