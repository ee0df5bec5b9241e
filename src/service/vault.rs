//! The vault: what protects the data at rest.

use super::{IdempotencyKey, Result, Service, ServiceError, error, guard};
use crate::{
    engine::vault::SlotChoice,
    model::{ErrorCode, SlotKind, VaultState},
};

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

impl NewSlot {
    fn choice(self) -> SlotChoice {
        match self {
            Self::Passphrase(passphrase) => SlotChoice::Passphrase(passphrase.0),
            Self::File => SlotChoice::File,
        }
    }
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
        self.rooms()
            .map_or(VaultState::Missing, |rooms| rooms.vault.state())
    }

    /// Makes the keyring with its first slot and unlocks it. [`ErrorCode::Conflict`] if there is one.
    ///
    /// [`ErrorCode::Conflict`]: crate::model::ErrorCode::Conflict
    pub async fn create_vault(&self, slot: NewSlot, key: IdempotencyKey) -> Result<VaultState> {
        let rooms = self.rooms()?;
        let act = async {
            let created = rooms.vault.create(slot.choice()).await;
            created.map_err(error::vault).map(|()| String::new())
        };
        guard::done_once(rooms, "create_vault", &key, &[], act).await?;
        Ok(rooms.vault.state())
    }

    /// Unlocks with a passphrase. [`ErrorCode::Denied`] if it is wrong; after five wrong ones
    /// each further try waits.
    ///
    /// [`ErrorCode::Denied`]: crate::model::ErrorCode::Denied
    pub async fn unlock_vault(&self, passphrase: Passphrase) -> Result<VaultState> {
        let rooms = self.rooms()?;
        rooms
            .vault
            .unlock(passphrase.0)
            .await
            .map_err(error::vault)?;
        Ok(rooms.vault.state())
    }

    /// Forgets the data's keys. Links stay up; parcels are kept and sent, not opened.
    pub async fn lock_vault(&self) -> Result<VaultState> {
        let rooms = self.rooms()?;
        rooms.vault.lock().await.map_err(error::vault)?;
        Ok(rooms.vault.state())
    }

    /// Replaces the passphrase of the slot that `old` opens.
    pub async fn change_passphrase(
        &self,
        old: Passphrase,
        new: Passphrase,
        key: IdempotencyKey,
    ) -> Result<()> {
        let rooms = self.rooms()?;
        let act = async {
            let changed = rooms.vault.change_passphrase(old.0, new.0).await;
            changed.map_err(error::vault).map(|()| String::new())
        };
        // Passphrases are not kept, not even hashed: the key alone tells a repetition.
        guard::done_once(rooms, "change_passphrase", &key, &[], act).await?;
        Ok(())
    }

    /// Every slot. Works while locked.
    pub async fn list_slots(&self) -> Result<Vec<Slot>> {
        let slots = self.rooms()?.vault.slots().map_err(error::vault)?;
        Ok(slots
            .into_iter()
            .map(|slot| Slot {
                number: u32::from(slot.number),
                kind: slot.kind,
                memory_kib: slot.memory_kib,
                passes: slot.passes,
            })
            .collect())
    }

    /// Adds a slot; the vault must be unlocked.
    pub async fn add_slot(&self, slot: NewSlot, key: IdempotencyKey) -> Result<Slot> {
        let rooms = self.open_rooms()?;
        // A file slot's kind tells two requests apart; a passphrase is not kept, not even hashed.
        let kind = u8::from(matches!(slot, NewSlot::File));
        let once = guard::once(rooms, "add_slot", &key, &[&[kind]])?;
        if let Some(before) = rooms.bus.recall(&once).map_err(error::store!())? {
            let made = before.first().copied().map_or(u32::MAX, u32::from);
            let slots = self.list_slots().await?;
            let gone = || {
                ServiceError::new(
                    ErrorCode::NotFound,
                    "slot",
                    "the slot was removed meanwhile",
                )
            };
            return slots
                .into_iter()
                .find(|slot| slot.number == made)
                .ok_or_else(gone);
        }
        let slot = rooms
            .vault
            .add_slot(slot.choice())
            .await
            .map_err(error::vault)?;
        rooms
            .bus
            .remember(&once, &[slot.number])
            .await
            .map_err(error::store!())?;
        Ok(Slot {
            number: u32::from(slot.number),
            kind: slot.kind,
            memory_kib: slot.memory_kib,
            passes: slot.passes,
        })
    }

    /// Removes a slot, never the last one.
    pub async fn remove_slot(&self, number: u32, key: IdempotencyKey) -> Result<()> {
        let number = u8::try_from(number)
            .map_err(|_| ServiceError::new(ErrorCode::NotFound, "slot", "no such slot"))?;
        let rooms = self.open_rooms()?;
        let act = async {
            let removed = rooms.vault.remove_slot(number).await;
            removed.map_err(error::vault).map(|()| String::new())
        };
        guard::done_once(rooms, "remove_slot", &key, &[&[number]], act).await?;
        Ok(())
    }
}
