//! A device with its secrets, and the daily rotation of its encryption keys.

use std::fmt;

use sequoia_openpgp::{
    Packet,
    crypto::KeyPair,
    packet::{
        Key, Signature,
        key::{Key6, PrimaryRole, SecretParts, SubordinateRole},
        signature::SignatureBuilder,
    },
    types::{HashAlgorithm, SignatureType},
};
use zeroize::Zeroizing;

use super::{
    device::{self, DeviceCert, PUBLISHED, SUBKEY_GRACE, SUBKEY_LIFE},
    malformed, sign_self, statement,
};
use crate::{
    crypto::{CryptoError, Random, packets},
    model::{Fingerprint, Timestamp},
};

/// More than a device ever holds: one for each day of grace and those published.
const MAX_HELD: usize = 64;

/// An encryption key that may still open something.
pub(in crate::crypto) struct HeldSubkey {
    pub(in crate::crypto) pair: KeyPair,
    secret: Key<SecretParts, SubordinateRole>,
    binding: Signature,
    start: u32,
}

/// A device with its secrets.
///
/// `held` begins with the published subkeys in order of time; that order is what
/// [`DeviceKey::to_bytes`] keeps.
pub struct DeviceKey {
    pair: KeyPair,
    secret: Key<SecretParts, PrimaryRole>,
    signature: Signature,
    held: Vec<HeldSubkey>,
    cert: DeviceCert,
}

impl DeviceKey {
    /// A new device. Its keys change at a time of day that `rng` picks, so that the devices
    /// of the world do not all change at midnight; all its dates are coarse.
    ///
    /// # Errors
    /// The library refuses.
    pub fn generate(now: Timestamp, rng: &mut dyn Random) -> Result<Self, CryptoError> {
        let mut pick = [0; 4];
        rng.fill(&mut pick);
        let phase = u32::from_be_bytes(pick) % SUBKEY_LIFE;
        let now = calendar(now);
        let start = period_start(now, phase);
        let created = start - start % SUBKEY_LIFE;
        let (secret, signature) = new_primary(created).map_err(CryptoError::open_pgp)?;
        let mut pair = packets::pair(secret.clone())?;
        let held = [start, start.saturating_add(SUBKEY_LIFE)]
            .into_iter()
            .map(|start| new_subkey(&mut pair, start))
            .collect::<Result<Vec<_>, _>>()?;
        Self::assemble(secret, signature, held)
    }

    /// Reads what [`DeviceKey::to_bytes`] wrote.
    ///
    /// # Errors
    /// It is not that.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        let mut packets = packets::flat(bytes, 2 + 2 * MAX_HELD)?.into_iter();
        let (Some(Packet::SecretKey(secret)), Some(Packet::Signature(signature))) =
            (packets.next(), packets.next())
        else {
            return Err(malformed(
                "a stored device has a secret key and a signature",
            ));
        };
        let mut held = Vec::new();
        while let Some(packet) = packets.next() {
            let (Packet::SecretSubkey(key), Some(Packet::Signature(binding))) =
                (packet, packets.next())
            else {
                return Err(malformed("a stored subkey is followed by its binding"));
            };
            let primary = secret.parts_as_public();
            device::check_binding(primary, key.parts_as_public(), &binding)?;
            held.push(HeldSubkey::new(key, binding)?);
        }
        Self::assemble(secret, signature, held)
    }

    fn assemble(
        secret: Key<SecretParts, PrimaryRole>,
        signature: Signature,
        held: Vec<HeldSubkey>,
    ) -> Result<Self, CryptoError> {
        Ok(Self {
            pair: packets::pair(secret.clone())?,
            cert: publish(&secret, &signature, &held)?,
            secret,
            signature,
            held,
        })
    }

    /// The secret keys, unencrypted: seal them before they go anywhere.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut packets = vec![
            self.secret.clone().into(),
            Packet::from(self.signature.clone()),
        ];
        for held in &self.held {
            packets.push(held.secret.clone().into());
            packets.push(held.binding.clone().into());
        }
        packets::own_to_bytes(&packets)
    }

    /// What others may see.
    #[must_use]
    pub fn cert(&self) -> DeviceCert {
        self.cert.clone()
    }

    /// What names this device in manifests and envelopes.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.cert.fingerprint()
    }

    /// Signs `data` for the purpose `context`.
    ///
    /// # Errors
    /// The library refuses.
    pub fn sign(&self, context: &str, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        statement::sign(&self.pair, context, data)
    }

    /// Makes sure that there is a subkey for this day and the next, publishes these and the
    /// one before, and forgets those whose grace is over. `true`: something changed, so the
    /// key must be stored and the certificate sent to contacts.
    ///
    /// The last three before this day are never forgotten, whatever the clock says: a clock
    /// that runs ahead would otherwise destroy what is still on its way. Three, since it may
    /// jump from a day whose previous, current and next key are all known to somebody.
    ///
    /// # Errors
    /// The library refuses; then nothing has changed.
    pub fn rotate(&mut self, now: Timestamp) -> Result<bool, CryptoError> {
        let created = packets::seconds(self.secret.creation_time());
        let phase = self.held.first().map_or(0, |s| s.start % SUBKEY_LIFE);
        let now = calendar(now);
        let current = period_start(now.max(created + phase), phase);
        let next = current.saturating_add(SUBKEY_LIFE);

        let mut fresh = Vec::new();
        for start in [current, next] {
            if !self.held.iter().any(|s| s.start == start) {
                fresh.push(new_subkey(&mut self.pair, start)?);
            }
        }
        let before = self.order();
        let mut held = std::mem::take(&mut self.held);
        held.append(&mut fresh);
        let mut earlier: Vec<_> = held.iter().map(|s| s.start).collect();
        earlier.retain(|start| *start < current);
        earlier.sort_unstable_by_key(|start| std::cmp::Reverse(*start));
        earlier.truncate(PUBLISHED);
        let previous = earlier.first().copied();
        let published =
            |s: &HeldSubkey| Some(s.start) == previous || s.start == current || s.start == next;
        held.retain(|s| {
            published(s)
                || earlier.contains(&s.start)
                || now <= s.start.saturating_add(SUBKEY_LIFE + SUBKEY_GRACE)
        });
        held.sort_by_key(|s| (!published(s), s.start));
        held.truncate(MAX_HELD);
        self.held = held;
        if self.order() == before {
            return Ok(false);
        }
        self.cert = publish(&self.secret, &self.signature, &self.held)?;
        Ok(true)
    }

    /// When [`DeviceKey::rotate`] has something to do.
    #[must_use]
    pub fn next_rotation(&self) -> Timestamp {
        let last = self.held.iter().take(PUBLISHED).map(|s| s.start).max();
        Timestamp(i64::from(last.unwrap_or(0)).saturating_mul(1000))
    }

    fn order(&self) -> Vec<u32> {
        self.held.iter().map(|s| s.start).collect()
    }

    /// Every key that may open something, the likeliest first: an anonymous message is tried
    /// with one after the other. The newest is tomorrow's, so the one before it leads.
    pub(in crate::crypto) fn decryptors(&self) -> Vec<&KeyPair> {
        let mut newest: Vec<_> = self.held.iter().collect();
        newest.sort_by_key(|s| std::cmp::Reverse(s.start));
        if newest.len() > 1 {
            newest.swap(0, 1);
        }
        newest.into_iter().map(|s| &s.pair).collect()
    }

    pub(in crate::crypto) fn signer(&self) -> &KeyPair {
        &self.pair
    }

    #[cfg(test)]
    pub(super) fn starts(&self) -> Vec<u32> {
        self.order()
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceKey[redacted]")
    }
}

impl HeldSubkey {
    fn new(
        secret: Key<SecretParts, SubordinateRole>,
        binding: Signature,
    ) -> Result<Self, CryptoError> {
        Ok(Self {
            pair: packets::pair(secret.clone())?,
            start: packets::seconds(secret.creation_time()),
            secret,
            binding,
        })
    }
}

/// `now` in seconds, kept away from both ends of what OpenPGP can date.
fn calendar(now: Timestamp) -> u32 {
    packets::seconds_of(now).clamp(2 * SUBKEY_LIFE, u32::MAX - 4 * SUBKEY_LIFE)
}

/// The start of the day, counted from `phase`, in which `now` lies.
fn period_start(now: u32, phase: u32) -> u32 {
    now - now.saturating_sub(phase) % SUBKEY_LIFE
}

fn new_primary(
    created: u32,
) -> sequoia_openpgp::Result<(Key<SecretParts, PrimaryRole>, Signature)> {
    let mut key = Key6::<SecretParts, PrimaryRole>::generate_ed25519()?;
    key.set_creation_time(packets::at(created))?;
    let key = Key::from(key);
    let mut pair = key.clone().into_keypair()?;
    let features = Some(device::features());
    let signature = sign_self(&mut pair, device::primary_flags(), created, features)?;
    Ok((key, signature))
}

fn new_subkey(primary: &mut KeyPair, start: u32) -> Result<HeldSubkey, CryptoError> {
    let mut bind = || -> sequoia_openpgp::Result<_> {
        let mut key = Key6::<SecretParts, SubordinateRole>::generate_mlkem768_x25519()?;
        key.set_creation_time(packets::at(start))?;
        let key = Key::from(key);
        let binding = SignatureBuilder::new(SignatureType::SubkeyBinding)
            .set_hash_algo(HashAlgorithm::SHA512)
            .set_signature_creation_time(packets::at(start))?
            .set_key_validity_period(std::time::Duration::from_secs(SUBKEY_LIFE.into()))?
            .set_key_flags(device::subkey_flags())?
            .sign_subkey_binding(primary, None, &key)?;
        Ok((key, binding))
    };
    let (key, binding) = bind().map_err(CryptoError::open_pgp)?;
    HeldSubkey::new(key, binding)
}

/// The certificate with the first three subkeys.
fn publish(
    secret: &Key<SecretParts, PrimaryRole>,
    signature: &Signature,
    held: &[HeldSubkey],
) -> Result<DeviceCert, CryptoError> {
    let mut packets = vec![
        Packet::from(secret.parts_as_public().clone()),
        signature.clone().into(),
    ];
    for held in held.iter().take(PUBLISHED) {
        packets.push(held.secret.parts_as_public().clone().into());
        packets.push(held.binding.clone().into());
    }
    DeviceCert::parse(&packets::to_bytes(&packets)?)
}
