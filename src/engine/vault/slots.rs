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
    pub async fn change_passphrase(&self, old: Zeroizing<Vec<u8>>, new: Zeroizing<Vec<u8>>) -> Result<(), VaultError> {
        let _turn = self.0.keyring.lock().await;
        let copy = old.clone();
        let dek = self.try_passphrase(old).await?;
        let keyring = self.0.files.read_keyring()?;
        let number = blocking(move || {
            keyring.slot_of(crate::crypto::SlotSecret::Passphrase(&copy)).map_err(VaultError::OpenKeyring)
        })
        .await?;
        let added = self.add(&Arc::new(dek), SlotChoice::Passphrase(new)).await?;
        // The new slot is on disk before the old one goes: a crash in between leaves both.
        self.remove(&added.1, number)
    }

    /// Adds a slot; the vault must be unlocked.
    ///
    /// # Errors
    /// [`VaultError::Locked`], a weak passphrase, or what the disk says.
    pub async fn add_slot(&self, choice: SlotChoice) -> Result<SlotInfo, VaultError> {
        let _turn = self.0.keyring.lock().await;
        let dek = self.dek()?;
        Ok(self.add(&dek, choice).await?.0)
    }

    /// Removes slot `number`; the vault must be unlocked, and the last slot stays.
    ///
    /// # Errors
    /// [`VaultError::Locked`], no such slot, the last slot, or what the disk says.
    pub async fn remove_slot(&self, number: u32) -> Result<(), VaultError> {
        let _turn = self.0.keyring.lock().await;
        let dek = self.dek()?;
        self.remove(&dek, number)
    }

    fn dek(&self) -> Result<Arc<Secret<32>>, VaultError> {
        self.lock_open().dek.clone().ok_or(VaultError::Locked)
    }

    async fn add(&self, dek: &Arc<Secret<32>>, choice: SlotChoice) -> Result<(SlotInfo, Arc<Secret<32>>), VaultError> {
        let mut keyring = self.0.files.read_keyring()?;
        let secret = self.0.files.new_slot_secret(choice)?;
        let (key, params) = (Arc::clone(dek), self.0.params);
        let (keyring, info) = blocking(move || {
            let info = keyring
                .add_slot(&key, secret.borrow(), params, &mut SystemRandom)
                .map_err(VaultError::MakeSlot)?;
            Ok((keyring, info))
        })
        .await?;
        self.0.files.write_keyring(&keyring)?;
        Ok((info, Arc::clone(dek)))
    }

    fn remove(&self, dek: &Secret<32>, number: u32) -> Result<(), VaultError> {
        let mut keyring = self.0.files.read_keyring()?;
        let file = keyring.slots().iter().any(|slot| slot.number == number && slot.kind == SlotKind::File);
        keyring.remove_slot(dek, number).map_err(VaultError::MakeSlot)?;
        self.0.files.write_keyring(&keyring)?;
        if file { self.0.files.remove_slot_key() } else { Ok(()) }
    }
}
