//! The keyring's bytes.

use super::{
    Keyring, KeyringError, MAX_SLOTS,
    slot::{NO_PARAMS, Slot},
};
use crate::{
    crypto::{KdfParams, kdf, reader::Reader},
    model::SlotKind,
};

const MAGIC: &[u8; 12] = b"msgd-keyring";
const VERSION: u16 = 1;
const MAC_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 8;

impl Keyring {
    /// Reads the file. Its checksum holds and its parameters are within bounds; whether it is
    /// genuine shows when it is unlocked.
    ///
    /// # Errors
    /// It is cut off, damaged, or of a newer format.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyringError> {
        let mut reader = Reader::new(bytes);
        if reader.take(MAGIC.len()).ok_or(KeyringError::Truncated)? != MAGIC {
            return Err(damaged("it does not begin as one"));
        }
        match reader.u16().ok_or(KeyringError::Truncated)? {
            VERSION => {}
            found if found > VERSION => return Err(KeyringError::NewerVersion { found }),
            _ => return Err(damaged("no version")),
        }
        let generation = reader.u64().ok_or(KeyringError::Truncated)?;
        let count = usize::from(reader.u8().ok_or(KeyringError::Truncated)?);
        if count == 0 || count > MAX_SLOTS {
            return Err(damaged("an impossible number of slots"));
        }
        let mut slots = Vec::with_capacity(count);
        for _ in 0..count {
            slots.push(slot(&mut reader).ok_or(KeyringError::Truncated)?);
        }
        let mac = reader.array::<MAC_BYTES>().ok_or(KeyringError::Truncated)?;
        let signed = bytes.len() - reader.len();
        let checksum = reader.take(CHECKSUM_BYTES).ok_or(KeyringError::Truncated)?;
        let expected = kdf::hash(&[bytes.get(..signed).unwrap_or_default()]);
        if !expected.starts_with(checksum) {
            return Err(damaged("its checksum does not hold"));
        }
        if !reader.rest().is_empty() {
            return Err(damaged("something follows it"));
        }
        let slots = slots.into_iter().collect::<Result<Vec<_>, _>>()?;
        if !slots.is_sorted_by(|a, b| a.number < b.number) {
            return Err(damaged("its slots are not in order"));
        }
        Ok(Self {
            generation,
            slots,
            mac,
        })
    }

    /// The file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = body(self);
        bytes.extend_from_slice(&self.mac);
        let checksum = kdf::hash(&[&bytes]);
        bytes.extend(checksum.into_iter().take(CHECKSUM_BYTES));
        bytes
    }
}

/// All that the MAC covers.
pub(super) fn body(keyring: &Keyring) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_be_bytes());
    bytes.extend_from_slice(&keyring.generation.to_be_bytes());
    bytes.push(u8::try_from(keyring.slots.len()).unwrap_or(u8::MAX));
    for slot in &keyring.slots {
        bytes.extend_from_slice(&slot.header());
        bytes.extend_from_slice(&slot.nonce);
        bytes.extend_from_slice(&slot.wrapped);
    }
    bytes
}

/// The next slot: nothing if the file ends in it, an error if it cannot be one.
fn slot(reader: &mut Reader<'_>) -> Option<Result<Slot, KeyringError>> {
    let (number, kind) = (reader.u8()?, reader.u8()?);
    let params = KdfParams {
        memory_kib: reader.u32()?,
        passes: reader.u32()?,
        lanes: reader.u32()?,
    };
    let (salt, nonce, wrapped) = (reader.array()?, reader.array()?, reader.array()?);
    let kind = match kind {
        1 if params.permitted() => SlotKind::Passphrase,
        2 if params == NO_PARAMS => SlotKind::File,
        1 | 2 => return Some(Err(damaged("a slot's parameters are out of range"))),
        _ => return Some(Err(damaged("a slot of unknown kind"))),
    };
    Some(Ok(Slot {
        number,
        kind,
        params,
        salt,
        nonce,
        wrapped,
    }))
}

fn damaged(what: &'static str) -> KeyringError {
    KeyringError::Damaged { what }
}
