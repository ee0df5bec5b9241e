//! `keyring.v1`: the data encryption key, wrapped once for each way to unlock it.
//!
//! ```text
//! magic(12) version(2) generation(8) count(1)
//! count x { number(1) kind(1) memory_kib(4) passes(4) lanes(4) salt(16) nonce(24) wrapped key(48) }
//! MAC(32) under the data key          over all before it: nobody swaps slots or parameters
//! checksum(8)                          over all before it: damage is told from a wrong secret
//! ```
//!
//! # Decisions
//! - A checksum without a key, beside the MAC: a person who typed the right passphrase must
//!   not be told that it is wrong when in truth the disk failed.

mod codec;
mod slot;
#[cfg(test)]
mod tests;

pub use slot::SlotSecret;

use slot::Slot;

use super::{CryptoError, KdfParams, Random, Secret, kdf};
use crate::model::SlotKind;

const MAX_SLOTS: usize = 16;

/// Why a keyring cannot be read, opened or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// None of the slots of this kind opens with it.
    #[error("the passphrase or key file is wrong")]
    WrongSecret,
    /// The file was changed or the disk failed.
    #[error("the keyring is damaged: {what}")]
    Damaged {
        /// Where it shows.
        what: &'static str,
    },
    /// The file ends too early.
    #[error("the keyring is cut off")]
    Truncated,
    /// A later version of the program wrote it.
    #[error("the keyring was written by a newer version of msgd (format {found})")]
    NewerVersion {
        /// The format's version.
        found: u16,
    },
    /// There is no slot of that kind or number.
    #[error("the keyring has no such slot")]
    NoSuchSlot,
    /// Without it nothing could be unlocked any more.
    #[error("the last slot cannot be removed")]
    LastSlot,
    /// There is no room for another.
    #[error("the keyring has {MAX_SLOTS} slots already")]
    Full,
    /// The passphrase function refused.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// What may be told of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotInfo {
    /// The number by which it is removed.
    pub number: u8,
    /// What opens it.
    pub kind: SlotKind,
    /// Memory that the passphrase costs, in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
}

/// The parsed file.
#[derive(Clone)]
pub struct Keyring {
    generation: u64,
    slots: Vec<Slot>,
    mac: [u8; 32],
}

impl Keyring {
    /// A keyring with one slot.
    ///
    /// # Errors
    /// The parameters are out of range, or memory is short.
    pub fn create(
        dek: &Secret<32>,
        first: SlotSecret<'_>,
        params: KdfParams,
        rng: &mut dyn Random,
    ) -> Result<Self, KeyringError> {
        let mut keyring = Self {
            generation: 0,
            slots: vec![Slot::wrap(0, dek, first, params, rng)?],
            mac: [0; 32],
        };
        keyring.renew(dek);
        Ok(keyring)
    }

    /// How often it has been changed, for whoever must notice an old copy.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The data key.
    ///
    /// # Errors
    /// There is no slot of that kind, none opens, or the file was changed by somebody
    /// without the key.
    pub fn unlock(&self, secret: SlotSecret<'_>) -> Result<Secret<32>, KeyringError> {
        self.unlock_slot(secret).map(|(_, dek)| dek)
    }

    /// The data key, and the number of the slot that opened.
    ///
    /// # Errors
    /// As [`unlock`](Self::unlock).
    pub fn unlock_slot(&self, secret: SlotSecret<'_>) -> Result<(u8, Secret<32>), KeyringError> {
        let mut error = KeyringError::NoSuchSlot;
        for slot in self.slots.iter().filter(|slot| slot.kind == secret.kind()) {
            if let Some(dek) = slot.unwrap(secret)? {
                self.check(&dek).map_err(|_| KeyringError::Damaged {
                    what: "its slots are not those that were written",
                })?;
                return Ok((slot.number, dek));
            }
            error = KeyringError::WrongSecret;
        }
        Err(error)
    }

    /// Adds a way to unlock, and returns its number.
    ///
    /// # Errors
    /// `dek` is not this keyring's, there is no room, or the parameters are out of range.
    pub fn add_slot(
        &mut self,
        dek: &Secret<32>,
        secret: SlotSecret<'_>,
        params: KdfParams,
        rng: &mut dyn Random,
    ) -> Result<u8, KeyringError> {
        self.check(dek)?;
        if self.slots.len() >= MAX_SLOTS {
            return Err(KeyringError::Full);
        }
        // One more than the highest, so that a number in somebody's notes never comes to mean
        // another slot; only when these run out is a gap filled.
        let highest = self.slots.iter().map(|slot| slot.number).max();
        let number = highest
            .map_or(Some(0), |highest| highest.checked_add(1))
            .or_else(|| (0..=u8::MAX).find(|n| self.slots.iter().all(|slot| slot.number != *n)))
            .ok_or(KeyringError::Full)?;
        self.slots
            .push(Slot::wrap(number, dek, secret, params, rng)?);
        self.slots.sort_by_key(|slot| slot.number);
        self.renew(dek);
        Ok(number)
    }

    /// Removes a way to unlock.
    ///
    /// # Errors
    /// `dek` is not this keyring's, there is no such slot, or it is the last.
    pub fn remove_slot(&mut self, dek: &Secret<32>, number: u8) -> Result<(), KeyringError> {
        self.check(dek)?;
        if self.slots.iter().all(|slot| slot.number != number) {
            return Err(KeyringError::NoSuchSlot);
        }
        if self.slots.len() == 1 {
            return Err(KeyringError::LastSlot);
        }
        self.slots.retain(|slot| slot.number != number);
        self.renew(dek);
        Ok(())
    }

    /// The slots, by number.
    #[must_use]
    pub fn slots(&self) -> Vec<SlotInfo> {
        self.slots.iter().map(Slot::info).collect()
    }

    fn check(&self, dek: &Secret<32>) -> Result<(), KeyringError> {
        if kdf::same(&self.mac, &self.compute_mac(dek)) {
            Ok(())
        } else {
            Err(KeyringError::WrongSecret)
        }
    }

    fn renew(&mut self, dek: &Secret<32>) {
        self.generation = self.generation.saturating_add(1);
        self.mac = self.compute_mac(dek);
    }

    fn compute_mac(&self, dek: &Secret<32>) -> [u8; 32] {
        kdf::mac(dek.as_bytes(), "keyring", &[&codec::body(self)])
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring")
            .field("generation", &self.generation)
            .field("slots", &self.slots())
            .finish_non_exhaustive()
    }
}
