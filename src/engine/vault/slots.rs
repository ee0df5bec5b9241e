//! Changing the keyring's slots. Each change rewraps the data key; no record is touched.

use super::{SlotChoice, Vault, VaultError, blocking};
use crate::{
    crypto::{Secret, SlotInfo, SystemRandom},
    model::SlotKind,
};
use std::sync::Arc;
use zeroize::Zeroizing;

impl Vault {
    /// Every slot.
    ///
    /// # Errors
    /// [`VaultError::Missing`] or what the disk says.
    pub fn slots(&self) -> Result<Vec<SlotInfo>, VaultError> {
        if !self.0.files.has_keyring() {
            return Err(VaultError::Missing);
        }
        Ok(self.0.files.read_keyring()?.slots())
    }

    /// Replaces the passphrase of the slot that `old` opens.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`] for `old`, a weak `new`, or what the disk says.
    pub async fn change_passphrase(
        &self,
        old: Zeroizing<Vec<u8>>,
        new: Zeroizing<Vec<u8>>,
    ) -> Result<(), VaultError> {
        let _turn = self.0.keyring.lock().await;
        let (number, dek) = self.try_passphrase(old).await?;
        let dek = Arc::new(dek);
        self.add(&dek, SlotChoice::Passphrase(new)).await?;
        // The new slot is on disk before the old one goes: a crash in between leaves both.
        self.remove(&dek, number)
    }

    /// Adds a slot; the vault must be unlocked.
    ///
    /// # Errors
    /// [`VaultError::Locked`], a weak passphrase, or what the disk says.
    pub async fn add_slot(&self, choice: SlotChoice) -> Result<SlotInfo, VaultError> {
        let _turn = self.0.keyring.lock().await;
        let dek = self.dek()?;
        self.add(&dek, choice).await
    }

    /// Removes slot `number`; the vault must be unlocked, and the last slot stays.
    ///
    /// # Errors
    /// [`VaultError::Locked`], no such slot, the last slot, or what the disk says.
    pub async fn remove_slot(&self, number: u8) -> Result<(), VaultError> {
        let _turn = self.0.keyring.lock().await;
        let dek = self.dek()?;
        self.remove(&dek, number)
    }

    fn dek(&self) -> Result<Arc<Secret<32>>, VaultError> {
        self.lock_open().dek.clone().ok_or(VaultError::Locked)
    }

    async fn add(&self, dek: &Arc<Secret<32>>, choice: SlotChoice) -> Result<SlotInfo, VaultError> {
        let mut keyring = self.0.files.read_keyring()?;
        let secret = self.0.files.new_slot_secret(choice)?;
        let (key, params) = (Arc::clone(dek), self.0.params);
        let (keyring, number) = blocking(move || {
            let number = keyring
                .add_slot(&key, secret.borrow(), params, &mut SystemRandom)
                .map_err(VaultError::MakeSlot)?;
            Ok((keyring, number))
        })
        .await?;
        self.0.files.write_keyring(&keyring)?;
        keyring
            .slots()
            .into_iter()
            .find(|slot| slot.number == number)
            .ok_or(VaultError::Missing)
    }

    fn remove(&self, dek: &Secret<32>, number: u8) -> Result<(), VaultError> {
        let mut keyring = self.0.files.read_keyring()?;
        let file = keyring
            .slots()
            .iter()
            .any(|slot| slot.number == number && slot.kind == SlotKind::File);
        keyring
            .remove_slot(dek, number)
            .map_err(VaultError::MakeSlot)?;
        self.0.files.write_keyring(&keyring)?;
        if file {
            self.0.files.remove_slot_key()
        } else {
            Ok(())
        }
    }
}
