//! What users change at run time, and what the daemon must remember. Each tier has its own.

use super::{
    Read, StoreError, Txn, listed,
    records::{SettingRecord, TransportSetting},
};

/// The setting `name`, readable while the vault is unlocked.
///
/// # Errors
/// As [`Read::get`].
pub fn get(from: &impl Read, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let found = from.get::<SettingRecord>(name.as_bytes())?;
    Ok(found.map(|record| record.value))
}

/// Writes the setting `name`.
///
/// # Errors
/// As [`Txn::put`].
pub fn put(txn: &mut Txn, name: &str, value: &[u8]) -> Result<(), StoreError> {
    let value = value.to_vec();
    listed::put(txn, name.as_bytes(), &SettingRecord { value })
}

/// Removes the setting `name`; returns whether it was set.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove(txn: &mut Txn, name: &str) -> Result<bool, StoreError> {
    listed::remove::<SettingRecord>(txn, name.as_bytes())
}

/// The transport setting `name`, readable while locked.
///
/// # Errors
/// As [`Read::get`].
pub fn get_transport(from: &impl Read, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let found = from.get::<TransportSetting>(name.as_bytes())?;
    Ok(found.map(|record| record.value))
}

/// Writes the transport setting `name`.
///
/// # Errors
/// As [`Txn::put`].
pub fn put_transport(txn: &mut Txn, name: &str, value: &[u8]) -> Result<(), StoreError> {
    let value = value.to_vec();
    listed::put(txn, name.as_bytes(), &TransportSetting { value })
}

/// Removes the transport setting `name`; returns whether it was set.
///
/// # Errors
/// As [`Txn::delete`].
pub fn remove_transport(txn: &mut Txn, name: &str) -> Result<bool, StoreError> {
    listed::remove::<TransportSetting>(txn, name.as_bytes())
}
