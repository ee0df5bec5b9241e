//! Which parts of OpenPGP exist for us. Everything else the library can do (RSA, DSA,
//! ElGamal, NIST curves, CFB, SHA-1, passwords, compression) is unreachable through this.

use sequoia_openpgp::{
    Packet, Result,
    cert::amalgamation::key::ValidErasedKeyAmalgamation,
    packet::{Key, OnePassSig, PKESK, SEIP, Signature, key},
    policy::{HashAlgoSecurity, Policy},
    types::{AEADAlgorithm, HashAlgorithm, PublicKeyAlgorithm, SymmetricAlgorithm},
};

/// Version 6 packets with Ed25519, X25519, ML-KEM-768+X25519, AES-256-OCB, SHA-2 and SHA-3.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strict;

impl Strict {
    /// Whether a key may be used at all.
    pub(super) fn permits_key<P: key::KeyParts, R: key::KeyRole>(
        self,
        key: &Key<P, R>,
    ) -> Result<()> {
        match (key.version(), key.pk_algo()) {
            (6, algorithm) => public_key_algorithm(algorithm),
            (version, _) => refuse(format!("version {version} keys")),
        }
    }
}

impl Policy for Strict {
    fn signature(&self, signature: &Signature, _: HashAlgoSecurity) -> Result<()> {
        let Signature::V6(signature) = signature else {
            return refuse("signatures before version 6");
        };
        if signature.pk_algo() != PublicKeyAlgorithm::Ed25519 {
            return refuse(format!("signatures by {}", signature.pk_algo()));
        }
        hash_algorithm(signature.hash_algo())
    }

    fn key(&self, key: &ValidErasedKeyAmalgamation<key::PublicParts>) -> Result<()> {
        self.permits_key(key.key())
    }

    fn symmetric_algorithm(&self, algorithm: SymmetricAlgorithm) -> Result<()> {
        match algorithm {
            SymmetricAlgorithm::AES256 => Ok(()),
            other => refuse(other.to_string()),
        }
    }

    fn aead_algorithm(&self, algorithm: AEADAlgorithm) -> Result<()> {
        match algorithm {
            AEADAlgorithm::OCB => Ok(()),
            other => refuse(other.to_string()),
        }
    }

    fn packet(&self, packet: &Packet) -> Result<()> {
        match packet {
            Packet::Signature(signature) => {
                self.signature(signature, HashAlgoSecurity::CollisionResistance)
            }
            Packet::OnePassSig(OnePassSig::V6(ops)) => {
                if ops.pk_algo() != PublicKeyAlgorithm::Ed25519 {
                    return refuse(format!("signatures by {}", ops.pk_algo()));
                }
                hash_algorithm(ops.hash_algo())
            }
            Packet::PublicKey(key) => self.permits_key(key),
            Packet::PublicSubkey(key) => self.permits_key(key),
            Packet::SecretKey(key) => self.permits_key(key),
            Packet::SecretSubkey(key) => self.permits_key(key),
            Packet::PKESK(PKESK::V6(pkesk)) => public_key_algorithm(pkesk.pk_algo()),
            Packet::SEIP(SEIP::V2(seip)) => {
                self.symmetric_algorithm(seip.symmetric_algo())?;
                self.aead_algorithm(seip.aead())
            }
            Packet::Literal(_) => Ok(()),
            other => refuse(format!("a packet of type {}", other.tag())),
        }
    }
}

fn public_key_algorithm(algorithm: PublicKeyAlgorithm) -> Result<()> {
    match algorithm {
        PublicKeyAlgorithm::Ed25519
        | PublicKeyAlgorithm::X25519
        | PublicKeyAlgorithm::MLKEM768_X25519 => Ok(()),
        other => refuse(other.to_string()),
    }
}

fn hash_algorithm(algorithm: HashAlgorithm) -> Result<()> {
    match algorithm {
        HashAlgorithm::SHA256
        | HashAlgorithm::SHA384
        | HashAlgorithm::SHA512
        | HashAlgorithm::SHA3_256
        | HashAlgorithm::SHA3_512 => Ok(()),
        other => refuse(other.to_string()),
    }
}

fn refuse<T>(what: impl Into<String>) -> Result<T> {
    Err(sequoia_openpgp::Error::PolicyViolation(what.into(), None).into())
}
