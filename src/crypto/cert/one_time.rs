//! Keys for one use: each side of a handshake makes one, and deletes it afterwards.

use std::fmt;

use sequoia_openpgp::{
    Packet,
    crypto::{KeyPair, SessionKey},
    packet::{
        Key, PKESK,
        key::{Key6, PublicParts, SecretParts, SubordinateRole},
        pkesk::PKESK6,
    },
    types::{PublicKeyAlgorithm, SymmetricAlgorithm},
};
use zeroize::Zeroizing;

use crate::crypto::{CryptoError, Secret, SystemRandom, packets};

/// The public half of a [`OneTimeKey`].
#[derive(Clone)]
pub struct OneTimePublic {
    bytes: Vec<u8>,
    key: Key<PublicParts, SubordinateRole>,
}

impl OneTimePublic {
    /// Reads what [`OneTimePublic::to_bytes`] wrote.
    ///
    /// # Errors
    /// It is in any byte something else.
    pub fn parse(bytes: &[u8]) -> Result<Self, CryptoError> {
        let packets = packets::flat(bytes, 1)?;
        let [Packet::PublicSubkey(key)] = packets.as_slice() else {
            return Err(malformed("it is not one public key"));
        };
        if *packets::to_bytes(&packets)? != bytes {
            return Err(malformed("it is not written in the one permitted way"));
        }
        check(key)?;
        Ok(Self {
            bytes: bytes.to_vec(),
            key: key.clone(),
        })
    }

    /// The key as it is sent.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    pub(in crate::crypto) fn key(&self) -> &Key<PublicParts, SubordinateRole> {
        &self.key
    }
}

impl PartialEq for OneTimePublic {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for OneTimePublic {}

impl fmt::Debug for OneTimePublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimePublic[redacted]")
    }
}

/// An ML-KEM-768+X25519 key that opens one handshake.
pub struct OneTimeKey {
    secret: Key<SecretParts, SubordinateRole>,
    pair: KeyPair,
    public: OneTimePublic,
}

impl OneTimeKey {
    /// A new key. It has no creation time.
    ///
    /// # Errors
    /// The library refuses.
    pub fn generate() -> Result<Self, CryptoError> {
        let mut key = Key6::<SecretParts, SubordinateRole>::generate_mlkem768_x25519()
            .map_err(CryptoError::open_pgp)?;
        key.set_creation_time(packets::at(0))
            .map_err(CryptoError::open_pgp)?;
        Self::assemble(key.into())
    }

    /// Reads what [`OneTimeKey::to_bytes`] wrote.
    ///
    /// # Errors
    /// It is not that.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        match packets::flat(bytes, 1)?.pop() {
            Some(Packet::SecretSubkey(key)) => Self::assemble(key),
            _ => Err(malformed("it is not one secret key")),
        }
    }

    fn assemble(secret: Key<SecretParts, SubordinateRole>) -> Result<Self, CryptoError> {
        let public = packets::to_bytes(&[secret.parts_as_public().clone().into()])?;
        Ok(Self {
            public: OneTimePublic::parse(&public)?,
            pair: packets::pair(secret.clone())?,
            secret,
        })
    }

    /// The secret key, unencrypted: seal it before it goes anywhere.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        packets::own_to_bytes(&[self.secret.clone().into()])
    }

    /// What the other side needs.
    #[must_use]
    pub fn public(&self) -> OneTimePublic {
        self.public.clone()
    }

    pub(in crate::crypto) fn pair(&self) -> &KeyPair {
        &self.pair
    }
}

impl fmt::Debug for OneTimeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeKey[redacted]")
    }
}

/// A fresh secret, and the packet that tells it to the holder of `to` without naming them.
///
/// # Errors
/// The library refuses.
pub fn kem_seal(to: &OneTimePublic) -> Result<(Secret<32>, Vec<u8>), CryptoError> {
    let secret = Secret::random(&mut SystemRandom);
    let packet = anonymous(&session_key(&secret), &to.key)?;
    Ok((secret, packets::to_bytes(&[packet])?.to_vec()))
}

/// The secret that [`kem_seal`] told.
///
/// # Errors
/// `ct` is not exactly one anonymous packet for this key.
pub fn kem_open(key: &OneTimeKey, ct: &[u8]) -> Result<Secret<32>, CryptoError> {
    let packets = packets::flat(ct, 1)?;
    let [Packet::PKESK(PKESK::V6(pkesk))] = packets.as_slice() else {
        return Err(malformed("it is not one sealed secret"));
    };
    if *packets::to_bytes(&packets)? != ct {
        return Err(malformed("it is not written in the one permitted way"));
    }
    unwrap(pkesk, &key.pair)
        .and_then(|session| Secret::from_slice(&session))
        .ok_or(CryptoError::Unauthentic)
}

/// A packet that tells `session` to the holder of `to` without naming them.
pub(in crate::crypto) fn anonymous(
    session: &SessionKey,
    to: &Key<PublicParts, SubordinateRole>,
) -> Result<Packet, CryptoError> {
    let mut pkesk = PKESK6::for_recipient(session, to).map_err(CryptoError::open_pgp)?;
    pkesk.set_recipient(None);
    Ok(PKESK::from(pkesk).into())
}

/// What an anonymous packet tells this key, if it is meant for it.
pub(in crate::crypto) fn unwrap(pkesk: &PKESK6, key: &KeyPair) -> Option<SessionKey> {
    if pkesk.recipient().is_some() || pkesk.pk_algo() != PublicKeyAlgorithm::MLKEM768_X25519 {
        return None;
    }
    pkesk.decrypt(&mut key.clone(), Some(SymmetricAlgorithm::AES256))
}

pub(in crate::crypto) fn session_key(secret: &Secret<32>) -> SessionKey {
    SessionKey::from(secret.as_bytes().as_slice())
}

fn check(key: &Key<PublicParts, SubordinateRole>) -> Result<(), CryptoError> {
    if key.pk_algo() != PublicKeyAlgorithm::MLKEM768_X25519 {
        return Err(malformed("it is not an ML-KEM-768+X25519 key"));
    }
    if packets::seconds(key.creation_time()) != 0 {
        return Err(malformed("it has a creation time"));
    }
    Ok(())
}

fn malformed(why: &'static str) -> CryptoError {
    CryptoError::Malformed {
        what: "one-time key",
        why,
    }
}
