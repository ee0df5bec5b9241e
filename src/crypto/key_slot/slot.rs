//! One slot: the data key, wrapped under a passphrase or a key file.

use super::{KeyringError, SlotInfo};
use crate::{
    crypto::{KdfParams, Random, Secret, aead, kdf},
    model::SlotKind,
};

pub(super) const WRAPPED_BYTES: usize = 32 + aead::TAG_BYTES;
/// What a slot without a passphrase has in their place.
pub(super) const NO_PARAMS: KdfParams = KdfParams {
    memory_kib: 0,
    passes: 0,
    lanes: 0,
};

/// What opens a slot.
#[derive(Clone, Copy)]
pub enum SlotSecret<'a> {
    /// A passphrase, as typed.
    Passphrase(&'a [u8]),
    /// The content of a key file.
    File(&'a Secret<32>),
}

impl SlotSecret<'_> {
    pub(super) fn kind(self) -> SlotKind {
        match self {
            Self::Passphrase(_) => SlotKind::Passphrase,
            Self::File(_) => SlotKind::File,
        }
    }
}

impl std::fmt::Debug for SlotSecret<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}[redacted]", self.kind())
    }
}

#[derive(Clone)]
pub(super) struct Slot {
    pub(super) number: u8,
    pub(super) params: KdfParams,
    pub(super) kind: SlotKind,
    pub(super) salt: [u8; 16],
    pub(super) nonce: [u8; aead::NONCE_BYTES],
    pub(super) wrapped: [u8; WRAPPED_BYTES],
}

impl Slot {
    pub(super) fn wrap(
        number: u8,
        dek: &Secret<32>,
        secret: SlotSecret<'_>,
        params: KdfParams,
        rng: &mut dyn Random,
    ) -> Result<Self, KeyringError> {
        let mut slot = Self {
            number,
            kind: secret.kind(),
            params: match secret.kind() {
                SlotKind::Passphrase => params,
                SlotKind::File => NO_PARAMS,
            },
            salt: [0; 16],
            nonce: [0; aead::NONCE_BYTES],
            wrapped: [0; WRAPPED_BYTES],
        };
        rng.fill(&mut slot.salt);
        rng.fill(&mut slot.nonce);
        let key = slot.wrapping_key(secret)?;
        let plain = zeroize::Zeroizing::new(dek.as_bytes().to_vec());
        let wrapped = aead::seal(&key, &slot.nonce, &slot.header(), plain);
        slot.wrapped.copy_from_slice(&wrapped);
        Ok(slot)
    }

    /// The data key, or nothing if it is not this secret that wrapped it.
    pub(super) fn unwrap(
        &self,
        secret: SlotSecret<'_>,
    ) -> Result<Option<Secret<32>>, KeyringError> {
        let key = self.wrapping_key(secret)?;
        let dek = aead::open(&key, &self.nonce, &self.header(), &self.wrapped);
        Ok(dek.and_then(|dek| Secret::from_slice(&dek)))
    }

    fn wrapping_key(&self, secret: SlotSecret<'_>) -> Result<Secret<32>, KeyringError> {
        Ok(match secret {
            SlotSecret::Passphrase(text) => {
                let stretched = kdf::passphrase_key(text, &self.salt, self.params)?;
                kdf::derive(stretched.as_bytes(), "slot-passphrase", &[&self.salt])
            }
            SlotSecret::File(key) => kdf::derive(key.as_bytes(), "slot-file", &[&self.salt]),
        })
    }

    /// All that precedes the nonce, bound to the wrapped key.
    pub(super) fn header(&self) -> Vec<u8> {
        let kind = match self.kind {
            SlotKind::Passphrase => 1,
            SlotKind::File => 2,
        };
        let KdfParams {
            memory_kib,
            passes,
            lanes,
        } = self.params;
        let mut header = vec![self.number, kind];
        for number in [memory_kib, passes, lanes] {
            header.extend_from_slice(&number.to_be_bytes());
        }
        header.extend_from_slice(&self.salt);
        header
    }

    pub(super) fn info(&self) -> SlotInfo {
        SlotInfo {
            number: self.number,
            kind: self.kind,
            memory_kib: self.params.memory_kib,
            passes: self.params.passes,
        }
    }
}
