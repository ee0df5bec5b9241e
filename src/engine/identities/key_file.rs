//! `identities/<id>.key`: the secret keys of one identity, sealed below the data key.
//!
//! Plaintext: u32 BE length and bytes of the identity key, then of the device key.

use super::IdentityError;
use crate::{
    base::write_atomic,
    crypto::{DeviceKey, IdentityKey, Secret, SystemRandom, open_file, seal_file},
    model::IdentityId,
};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

fn path(dir: &Path, id: IdentityId) -> PathBuf {
    dir.join(format!("{id}.key"))
}

pub(super) fn write(
    dir: &Path,
    id: IdentityId,
    key: &Secret<32>,
    ic: &IdentityKey,
    device: &DeviceKey,
) -> Result<(), IdentityError> {
    let mut plain = Zeroizing::new(Vec::new());
    for part in [ic.to_bytes(), device.to_bytes()] {
        let length = u32::try_from(part.len()).map_err(|_| IdentityError::Damaged)?;
        plain.extend_from_slice(&length.to_be_bytes());
        plain.extend_from_slice(&part);
    }
    let sealed = seal_file(key, &id.to_string(), &plain, &mut SystemRandom);
    crate::base::Paths::create_private(dir).map_err(IdentityError::WriteKeys)?;
    write_atomic(&path(dir, id), &sealed).map_err(IdentityError::WriteKeys)
}

pub(super) fn read(
    dir: &Path,
    id: IdentityId,
    key: &Secret<32>,
) -> Result<(IdentityKey, DeviceKey), IdentityError> {
    let sealed = std::fs::read(path(dir, id)).map_err(IdentityError::ReadKeys)?;
    let plain = open_file(key, &id.to_string(), &sealed).map_err(IdentityError::OpenKeys)?;
    let (ic, rest) = part(&plain).ok_or(IdentityError::Damaged)?;
    let (device, _) = part(rest).ok_or(IdentityError::Damaged)?;
    let ic = IdentityKey::from_bytes(ic).map_err(IdentityError::OpenKeys)?;
    Ok((
        ic,
        DeviceKey::from_bytes(device).map_err(IdentityError::OpenKeys)?,
    ))
}

fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}
