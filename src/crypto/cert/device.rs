//! The device certificate: signs what the device sends, and carries the subkeys to which
//! others seal.

use std::fmt;

use sequoia_openpgp::{
    Packet,
    crypto::SessionKey,
    packet::{
        Key, Signature,
        key::{PrimaryRole, PublicParts, SubordinateRole},
        signature::subpacket::SubpacketTag,
    },
    types::{Features, KeyFlags, PublicKeyAlgorithm},
};

use super::{ahead::Ahead, check_self, malformed, statement};
use crate::{
    crypto::{CryptoError, packets},
    model::{Fingerprint, Timestamp},
};

/// How long a subkey is preferred.
pub(super) const SUBKEY_LIFE: u32 = 86_400;
/// How long after that its secret is kept for those who heard of no newer one.
pub(super) const SUBKEY_GRACE: u32 = 35 * 86_400;
/// Previous, current, next.
pub(super) const PUBLISHED: usize = 3;

/// A key to seal to, and the seconds in which it is preferred.
#[derive(Clone)]
pub(super) struct Subkey {
    pub(super) key: Key<PublicParts, SubordinateRole>,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// A device certificate.
#[derive(Clone)]
pub struct DeviceCert {
    bytes: Vec<u8>,
    primary: Key<PublicParts, PrimaryRole>,
    fingerprint: Fingerprint,
    subkeys: Vec<Subkey>,
    ahead: Ahead,
}

impl DeviceCert {
    /// Reads a certificate that a [`super::DeviceKey`] published.
    ///
    /// # Errors
    /// It is in any byte something else.
    pub fn parse(bytes: &[u8]) -> Result<Self, CryptoError> {
        let packets = packets::flat(bytes, 2 + 2 * PUBLISHED)?;
        let [
            Packet::PublicKey(primary),
            Packet::Signature(signature),
            rest @ ..,
        ] = packets.as_slice()
        else {
            return Err(malformed("a device has a key and a signature"));
        };
        check_self(primary, signature, &primary_flags(), Some(&features())).map_err(malformed)?;
        let subkeys = rest
            .chunks(2)
            .map(|bound| match bound {
                [Packet::PublicSubkey(key), Packet::Signature(binding)] => {
                    check_binding(primary, key, binding)
                }
                _ => Err(malformed("a subkey is followed by its binding")),
            })
            .collect::<Result<Vec<_>, _>>()?;
        if subkeys.is_empty() {
            return Err(malformed("a device has at least one subkey"));
        }
        if *packets::to_bytes(&packets)? != bytes {
            return Err(malformed("it is not written in the one permitted way"));
        }
        Ok(Self {
            bytes: bytes.to_vec(),
            fingerprint: packets::fingerprint(primary)?,
            primary: primary.clone(),
            subkeys,
            ahead: Ahead::default(),
        })
    }

    /// The certificate as it is sent.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// What names this device in manifests and envelopes.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Whether this device signed `data` for the purpose `context`.
    ///
    /// # Errors
    /// It did not.
    pub fn verify(&self, context: &str, data: &[u8], sig: &[u8]) -> Result<(), CryptoError> {
        statement::verify(&self.primary, context, data, sig)
    }

    /// Whether something sealed to this certificate now can still be opened.
    #[must_use]
    pub fn has_subkey_for(&self, now: Timestamp) -> bool {
        self.subkey_for(now).is_some()
    }

    /// Makes the session key of the next message that is sealed to [`Recipient::Ahead`], unless
    /// there is one for the subkey of `now`.
    ///
    /// # Errors
    /// There is no such subkey, or the library refuses.
    ///
    /// [`Recipient::Ahead`]: crate::crypto::Recipient::Ahead
    pub fn wrap_ahead(&self, now: Timestamp) -> Result<(), CryptoError> {
        let subkey = self.subkey_for(now).ok_or(CryptoError::NoUsableSubkey)?;
        self.ahead.make(subkey)
    }

    pub(in crate::crypto) fn take_ahead(&self, now: Timestamp) -> Option<(SessionKey, Packet)> {
        self.ahead.take(self.subkey_for(now)?)
    }

    /// The key to seal to: the one alive that expires first; else the latest expired whose
    /// secret still exists; else, for whoever's clock is behind, the first to come.
    pub(in crate::crypto) fn subkey_for(
        &self,
        now: Timestamp,
    ) -> Option<&Key<PublicParts, SubordinateRole>> {
        let now = packets::seconds_of(now);
        let alive = |s: &&Subkey| s.start <= now && now < s.end;
        let grace = |s: &&Subkey| s.end <= now && now - s.end < SUBKEY_GRACE;
        let all = || self.subkeys.iter();
        all()
            .filter(alive)
            .min_by_key(|s| s.end)
            .or_else(|| all().filter(grace).max_by_key(|s| s.end))
            .or_else(|| all().filter(|s| now < s.start).min_by_key(|s| s.start))
            .map(|s| &s.key)
    }

    pub(in crate::crypto) fn primary(&self) -> &Key<PublicParts, PrimaryRole> {
        &self.primary
    }

    #[cfg(test)]
    pub(super) fn subkeys(&self) -> &[Subkey] {
        &self.subkeys
    }
}

impl PartialEq for DeviceCert {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for DeviceCert {}

impl fmt::Debug for DeviceCert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceCert[redacted]")
    }
}

/// The subkey, if `binding` is the one that a device makes for it.
pub(super) fn check_binding(
    primary: &Key<PublicParts, PrimaryRole>,
    key: &Key<PublicParts, SubordinateRole>,
    binding: &Signature,
) -> Result<Subkey, CryptoError> {
    let tags = [
        SubpacketTag::SignatureCreationTime,
        SubpacketTag::KeyExpirationTime,
        SubpacketTag::KeyFlags,
        SubpacketTag::IssuerFingerprint,
    ];
    let life = binding.key_validity_period().map(|life| life.as_secs());
    let start = packets::seconds(key.creation_time());
    let Some(end) = start.checked_add(SUBKEY_LIFE) else {
        return Err(malformed("a subkey starts after the end of time"));
    };
    if key.pk_algo() != PublicKeyAlgorithm::MLKEM768_X25519
        || !packets::has_exactly(binding, &tags)
        || binding.signature_creation_time() != Some(key.creation_time())
        || life != Some(SUBKEY_LIFE.into())
        || binding.key_flags() != Some(subkey_flags())
        || !packets::issued_by(binding, &primary.fingerprint())
    {
        return Err(malformed("a subkey's binding says other than it must"));
    }
    binding
        .verify_subkey_binding(primary, primary, key)
        .ok()
        .filter(|()| packets::repeats_digest(binding))
        .ok_or(malformed("a subkey's binding is not valid"))?;
    Ok(Subkey {
        key: key.clone(),
        start,
        end,
    })
}

pub(super) fn primary_flags() -> KeyFlags {
    KeyFlags::empty().set_certification().set_signing()
}

pub(super) fn subkey_flags() -> KeyFlags {
    KeyFlags::empty().set_transport_encryption()
}

pub(super) fn features() -> Features {
    Features::empty().set_seipdv2()
}
