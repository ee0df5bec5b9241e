//! Session keys made before their message.

use std::sync::{Mutex, PoisonError};

use sequoia_openpgp::{
    Fingerprint, Packet,
    crypto::SessionKey,
    packet::{
        Key,
        key::{PublicParts, SubordinateRole},
    },
};

use super::one_time::{anonymous, session_key};
use crate::crypto::{CryptoError, Secret, SystemRandom};

/// At most one session key, wrapped for one subkey. It wipes itself.
///
/// To wrap a key is half the work of sealing a short message, and needs nothing of the message.
/// A copy of a certificate begins with none, so that no key can serve twice.
#[derive(Default)]
pub(super) struct Ahead(Mutex<Option<Made>>);

struct Made {
    subkey: Fingerprint,
    session: SessionKey,
    packet: Packet,
}

impl Ahead {
    /// Makes one for `subkey`, unless there is one.
    pub(super) fn make(
        &self,
        subkey: &Key<PublicParts, SubordinateRole>,
    ) -> Result<(), CryptoError> {
        let fingerprint = subkey.fingerprint();
        let fits = |made: &Made| made.subkey == fingerprint;
        if self.made().as_ref().is_some_and(fits) {
            return Ok(());
        }
        let session = session_key(&Secret::random(&mut SystemRandom));
        let packet = anonymous(&session, subkey)?;
        *self.made() = Some(Made {
            subkey: fingerprint,
            session,
            packet,
        });
        Ok(())
    }

    /// The one for `subkey`, which is then gone; whatever was made for another is gone too.
    pub(super) fn take(
        &self,
        subkey: &Key<PublicParts, SubordinateRole>,
    ) -> Option<(SessionKey, Packet)> {
        let made = self.made().take()?;
        (made.subkey == subkey.fingerprint()).then_some((made.session, made.packet))
    }

    fn made(&self) -> std::sync::MutexGuard<'_, Option<Made>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for Ahead {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        crypto::{DeviceKey, SystemRandom},
        model::Timestamp,
    };

    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn a_key_made_ahead_is_taken_once_and_only_for_the_subkey_of_the_day() {
        let today = Timestamp(400 * DAY_MS);
        let tomorrow = Timestamp(today.0 + DAY_MS);
        let cert = DeviceKey::generate(today, &mut SystemRandom)
            .unwrap()
            .cert();
        assert!(cert.take_ahead(today).is_none());
        cert.wrap_ahead(today).unwrap();
        let copy = cert.clone();
        assert!(copy.take_ahead(today).is_none());
        let (first, _) = cert.take_ahead(today).unwrap();
        assert!(cert.take_ahead(today).is_none());
        cert.wrap_ahead(today).unwrap();
        assert!(cert.take_ahead(tomorrow).is_none());
        cert.wrap_ahead(today).unwrap();
        cert.wrap_ahead(today).unwrap();
        let (second, _) = cert.take_ahead(today).unwrap();
        assert!(first != second);
    }
}
