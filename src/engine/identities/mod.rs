//! The user's own identities: certificates, their secret keys, rotation.
//!
//! # Decisions
//! - Secret keys are in files of their own, `identities/<id>.key`, each replaced atomically:
//!   losing the database must not lose who the user is.
//! - The file is written before the record, so a crash in between leaves a file that nothing
//!   names, and never a record without its keys.
//! - Contacts' device certificates are parsed once and kept beside the keys: each time, up to
//!   four signatures would be verified. They go with the keys when the vault is locked, since
//!   they tell who the contacts are.

mod certs;
mod error;
mod key_file;

pub use error::IdentityError;

use crate::{
    crypto::{CryptoError, DeviceCert, DeviceKey, IdentityCert, IdentityKey, Random, SystemRandom},
    engine::{event_bus::EventBus, vault::Vault},
    model::{EventKind, Fingerprint, Identity, IdentityId, Timestamp, limits},
    protocol::{CAPS, genesis},
    store::{Once, Store, identities, records::IdentityRecord},
};
use certs::Certs;
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

/// The keys of one identity, in memory while unlocked.
pub struct Keys {
    /// The identity certificate.
    pub cert: IdentityCert,
    /// This device's secret keys.
    pub device: DeviceKey,
    /// The signed device manifest.
    pub manifest: Vec<u8>,
    /// Told in requests.
    pub name: String,
}

/// The handle.
#[derive(Clone)]
pub struct Identities(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    bus: EventBus,
    vault: Vault,
    keys: Mutex<HashMap<IdentityId, Arc<Keys>>>,
    certs: Certs,
}

impl Identities {
    /// The identities whose key files are in `dir`.
    #[must_use]
    pub fn new(dir: PathBuf, bus: EventBus, vault: Vault) -> Self {
        Self(Arc::new(Inner {
            dir,
            bus,
            vault,
            keys: Mutex::default(),
            certs: Certs::default(),
        }))
    }

    /// Makes an identity.
    ///
    /// # Errors
    /// A bad name, too many identities, locked, or what disk and store say.
    pub async fn create(&self, name: String, once: Once) -> Result<Identity, IdentityError> {
        check_name(&name)?;
        let key = self
            .0
            .vault
            .file_key("identity-file")
            .ok_or(IdentityError::Locked)?;
        let now = self.0.bus.now();
        let mut id = IdentityId([0; 16]);
        SystemRandom.fill(&mut id.0);
        let mut txn = self.0.bus.store().begin();
        if let Some(answer) = once.find(&txn).map_err(IdentityError::Store)? {
            drop(txn);
            return self.find(answer.as_slice());
        }
        let rows = identities::list(&txn).map_err(IdentityError::Store)?;
        if rows.len() >= limits::MAX_IDENTITIES {
            return Err(IdentityError::TooMany);
        }
        let ic = IdentityKey::generate().map_err(IdentityError::MakeKeys)?;
        let device =
            DeviceKey::generate(now, &mut SystemRandom).map_err(IdentityError::MakeKeys)?;
        let manifest = genesis(&ic, &device.cert(), CAPS)
            .map_err(IdentityError::SignManifest)?
            .to_bytes();
        key_file::write(&self.0.dir, id, &key, &ic, &device)?;
        let record = IdentityRecord {
            id: id.0.to_vec(),
            name: name.clone(),
            fingerprint: ic.fingerprint().0.to_vec(),
            device_fingerprint: device.fingerprint().0.to_vec(),
            manifest: manifest.clone(),
            created_at: now.0,
        };
        identities::put(&mut txn, &record).map_err(IdentityError::Store)?;
        once.put(&mut txn, &id.0).map_err(IdentityError::Store)?;
        self.0
            .bus
            .append(&mut txn, EventKind::IdentityChanged { identity: id })
            .map_err(IdentityError::Store)?;
        self.0.bus.commit(txn).await.map_err(IdentityError::Store)?;
        self.hold(
            id,
            Keys {
                cert: ic.cert(),
                device,
                manifest,
                name,
            },
        );
        from_record(&record).ok_or(IdentityError::Damaged)
    }

    /// Changes the name that future requests tell.
    ///
    /// # Errors
    /// A bad name, no such identity, locked, or what the store says.
    pub async fn rename(&self, id: IdentityId, name: String) -> Result<Identity, IdentityError> {
        check_name(&name)?;
        let mut txn = self.0.bus.store().begin();
        let mut record = identities::get(&txn, &id)
            .map_err(IdentityError::Store)?
            .ok_or(IdentityError::NotFound)?;
        record.name = name;
        identities::put(&mut txn, &record).map_err(IdentityError::Store)?;
        self.0
            .bus
            .append(&mut txn, EventKind::IdentityChanged { identity: id })
            .map_err(IdentityError::Store)?;
        self.0.bus.commit(txn).await.map_err(IdentityError::Store)?;
        self.forget(id);
        from_record(&record).ok_or(IdentityError::Damaged)
    }

    /// Every identity, the oldest first.
    ///
    /// # Errors
    /// Locked, or what the store says.
    pub fn list(&self) -> Result<Vec<Identity>, IdentityError> {
        let rows = identities::list(&self.store().read()).map_err(IdentityError::Store)?;
        rows.iter()
            .map(|row| from_record(row).ok_or(IdentityError::Damaged))
            .collect()
    }

    fn find(&self, id: &[u8]) -> Result<Identity, IdentityError> {
        self.list()?
            .into_iter()
            .find(|found| found.id.0 == id)
            .ok_or(IdentityError::NotFound)
    }

    /// The keys of `id`.
    ///
    /// # Errors
    /// Locked, no such identity, or a damaged key file.
    pub fn keys(&self, id: IdentityId) -> Result<Arc<Keys>, IdentityError> {
        let key = self
            .0
            .vault
            .file_key("identity-file")
            .ok_or(IdentityError::Locked)?;
        if let Some(keys) = self.held().get(&id) {
            return Ok(Arc::clone(keys));
        }
        let record = identities::get(&self.store().read(), &id)
            .map_err(IdentityError::Store)?
            .ok_or(IdentityError::NotFound)?;
        let (ic, device) = key_file::read(&self.0.dir, id, &key)?;
        Ok(self.hold(
            id,
            Keys {
                cert: ic.cert(),
                device,
                manifest: record.manifest,
                name: record.name,
            },
        ))
    }

    /// Rotates the device keys that are due. Returns the identities whose certificate changed.
    ///
    /// # Errors
    /// Locked, or what disk and store say.
    pub fn rotate(&self, now: Timestamp) -> Result<Vec<IdentityId>, IdentityError> {
        let key = self
            .0
            .vault
            .file_key("identity-file")
            .ok_or(IdentityError::Locked)?;
        let mut changed = Vec::new();
        for identity in self.list()? {
            if self.keys(identity.id)?.device.next_rotation() > now {
                continue;
            }
            let (ic, mut device) = key_file::read(&self.0.dir, identity.id, &key)?;
            if device.rotate(now).map_err(IdentityError::MakeKeys)? {
                key_file::write(&self.0.dir, identity.id, &key, &ic, &device)?;
                self.forget(identity.id);
                changed.push(identity.id);
            }
        }
        Ok(changed)
    }

    /// Forgets every key in memory; called when the vault is locked.
    pub fn forget_all(&self) {
        self.held().clear();
        self.0.certs.forget();
    }

    /// A contact's certificate, as [`DeviceCert::parse`] reads it.
    ///
    /// # Errors
    /// As there.
    pub fn contact_cert(&self, bytes: &[u8]) -> Result<Arc<DeviceCert>, CryptoError> {
        self.0.certs.parse(bytes)
    }

    fn forget(&self, id: IdentityId) {
        self.held().remove(&id);
    }

    fn hold(&self, id: IdentityId, keys: Keys) -> Arc<Keys> {
        let keys = Arc::new(keys);
        self.held().insert(id, Arc::clone(&keys));
        keys
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<IdentityId, Arc<Keys>>> {
        self.0.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self) -> &Store {
        self.0.bus.store()
    }
}

impl Keys {
    /// This device's certificate, without secrets.
    #[must_use]
    pub fn device_cert(&self) -> DeviceCert {
        self.device.cert()
    }
}

fn check_name(name: &str) -> Result<(), IdentityError> {
    let fits = !name.trim().is_empty()
        && name.len() <= limits::MAX_NAME_BYTES
        && !name.chars().any(char::is_control);
    if fits {
        Ok(())
    } else {
        Err(IdentityError::BadName)
    }
}

fn from_record(record: &IdentityRecord) -> Option<Identity> {
    Some(Identity {
        id: IdentityId::from_slice(&record.id)?,
        name: record.name.clone(),
        fingerprint: Fingerprint::from_slice(&record.fingerprint)?,
        device_fingerprint: Fingerprint::from_slice(&record.device_fingerprint)?,
        created_at: Timestamp(record.created_at),
    })
}
