//! Certificates that were parsed lately.

use crate::crypto::{CryptoError, DeviceCert, hash};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// About ten kilobytes each.
const MOST: usize = 64;

/// By the hash of their bytes, which stands for the content.
#[derive(Default)]
pub(super) struct Certs(Mutex<HashMap<[u8; 32], Arc<DeviceCert>>>);

impl Certs {
    pub(super) fn parse(&self, bytes: &[u8]) -> Result<Arc<DeviceCert>, CryptoError> {
        let name = hash(&[bytes]);
        if let Some(cert) = self.known().get(&name) {
            return Ok(Arc::clone(cert));
        }
        let cert = Arc::new(DeviceCert::parse(bytes)?);
        let mut known = self.known();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(name, Arc::clone(&cert));
        Ok(cert)
    }

    pub(super) fn forget(&self) {
        self.known().clear();
    }

    fn known(&self) -> MutexGuard<'_, HashMap<[u8; 32], Arc<DeviceCert>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        crypto::{DeviceKey, SystemRandom},
        model::Timestamp,
    };

    fn device(at: i64) -> Vec<u8> {
        let key = DeviceKey::generate(Timestamp(at), &mut SystemRandom).unwrap();
        key.cert().to_bytes()
    }

    #[test]
    fn a_certificate_is_parsed_once_and_a_changed_one_never_passes() {
        let certs = Certs::default();
        let bytes = device(0);
        let first = certs.parse(&bytes).unwrap();
        assert!(Arc::ptr_eq(&first, &certs.parse(&bytes).unwrap()));
        let mut changed = bytes.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(certs.parse(&changed).is_err());
        certs.forget();
        assert!(!Arc::ptr_eq(&first, &certs.parse(&bytes).unwrap()));
    }
}
