//! The identity: a certificate that can do nothing but vouch for devices.

use std::fmt;

use sequoia_openpgp::{
    Packet,
    crypto::KeyPair,
    packet::{
        Key, Signature,
        key::{Key6, PrimaryRole, PublicParts, SecretParts},
    },
    types::KeyFlags,
};
use zeroize::Zeroizing;

use super::{check_self, malformed, sign_self, statement};
use crate::{
    crypto::{CryptoError, packets},
    model::Fingerprint,
};

/// Every identity was made at this time, as far as others can tell.
const CREATED: u32 = 0;

/// An identity certificate, and with it a fingerprint that never changes.
#[derive(Clone)]
pub struct IdentityCert {
    bytes: Vec<u8>,
    primary: Key<PublicParts, PrimaryRole>,
    fingerprint: Fingerprint,
}

impl IdentityCert {
    /// Reads a certificate that [`IdentityKey::generate`] made.
    ///
    /// # Errors
    /// It is in any byte something else.
    pub fn parse(bytes: &[u8]) -> Result<Self, CryptoError> {
        let packets = packets::flat(bytes, 2)?;
        let [Packet::PublicKey(primary), Packet::Signature(signature)] = packets.as_slice() else {
            return Err(malformed("an identity has a key and a signature"));
        };
        if packets::seconds(primary.creation_time()) != CREATED {
            return Err(malformed("an identity has no creation time"));
        }
        check_self(primary, signature, &flags(), None).map_err(malformed)?;
        if *packets::to_bytes(&packets)? != bytes {
            return Err(malformed("it is not written in the one permitted way"));
        }
        Ok(Self {
            bytes: bytes.to_vec(),
            fingerprint: packets::fingerprint(primary)?,
            primary: primary.clone(),
        })
    }

    /// The certificate as it is sent.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// What names this identity everywhere.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Whether this identity signed `data` for the purpose `context`.
    ///
    /// # Errors
    /// It did not.
    pub fn verify(&self, context: &str, data: &[u8], sig: &[u8]) -> Result<(), CryptoError> {
        statement::verify(&self.primary, context, data, sig)
    }
}

impl PartialEq for IdentityCert {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for IdentityCert {}

impl fmt::Debug for IdentityCert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityCert[redacted]")
    }
}

/// An identity with its secret.
pub struct IdentityKey {
    pair: KeyPair,
    secret: Key<SecretParts, PrimaryRole>,
    signature: Signature,
    cert: IdentityCert,
}

impl IdentityKey {
    /// A new identity.
    ///
    /// # Errors
    /// The library refuses.
    pub fn generate() -> Result<Self, CryptoError> {
        let mut key =
            Key6::<SecretParts, PrimaryRole>::generate_ed25519().map_err(CryptoError::open_pgp)?;
        key.set_creation_time(packets::at(CREATED))
            .map_err(CryptoError::open_pgp)?;
        let key = Key::from(key);
        let signature = sign_self(&mut packets::pair(key.clone())?, flags(), CREATED, None)
            .map_err(CryptoError::open_pgp)?;
        Self::assemble(key, signature)
    }

    /// Reads what [`IdentityKey::to_bytes`] wrote.
    ///
    /// # Errors
    /// It is not that.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        let mut packets = packets::flat(bytes, 2)?.into_iter();
        match (packets.next(), packets.next()) {
            (Some(Packet::SecretKey(key)), Some(Packet::Signature(signature))) => {
                Self::assemble(key, signature)
            }
            _ => Err(malformed(
                "a stored identity has a secret key and a signature",
            )),
        }
    }

    fn assemble(
        secret: Key<SecretParts, PrimaryRole>,
        signature: Signature,
    ) -> Result<Self, CryptoError> {
        let public = Packet::from(secret.parts_as_public().clone());
        let public = packets::to_bytes(&[public, signature.clone().into()])?;
        Ok(Self {
            pair: packets::pair(secret.clone())?,
            secret,
            signature,
            cert: IdentityCert::parse(&public)?,
        })
    }

    /// The secret key, unencrypted: seal it before it goes anywhere.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let packets = [self.secret.clone().into(), self.signature.clone().into()];
        packets::own_to_bytes(&packets)
    }

    /// What others may see.
    #[must_use]
    pub fn cert(&self) -> IdentityCert {
        self.cert.clone()
    }

    /// What names this identity everywhere.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.cert.fingerprint
    }

    /// Signs `data` for the purpose `context`.
    ///
    /// # Errors
    /// The library refuses.
    pub fn sign(&self, context: &str, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        statement::sign(&self.pair, context, data)
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey[redacted]")
    }
}

fn flags() -> KeyFlags {
    KeyFlags::empty().set_certification()
}
