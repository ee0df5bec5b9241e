//! Certificates: who somebody is ([`IdentityCert`]), which device speaks for them
//! ([`DeviceCert`]), and keys for one use ([`OneTimeKey`]).
//!
//! # Decisions
//! - Two kinds of certificate, so that a device rotates its encryption keys while the
//!   identity's key lies elsewhere.
//! - A certificate is parsed only if it is byte for byte what this program would have
//!   written: the hash of its bytes then stands for its content.
//! - No User IDs and no true creation times: names are told inside envelopes, and the age of
//!   an account is nobody's business.
//! - A device's certificate may hold one session key, wrapped before there is a message
//!   (`ahead`): the user waits for the rest of the sealing only. Such a key is made at random as
//!   any other, serves one message, and is forgotten with the certificate when the vault is
//!   locked; whoever could read it meanwhile could read the message before it is sealed, too.

mod ahead;
mod device;
mod device_key;
mod identity;
mod one_time;
mod statement;
#[cfg(test)]
mod tests;

pub use device::DeviceCert;
pub use device_key::DeviceKey;
pub use identity::{IdentityCert, IdentityKey};
pub use one_time::{OneTimeKey, OneTimePublic, kem_open, kem_seal};

pub(super) use one_time::{anonymous, session_key, unwrap};

use sequoia_openpgp::{
    crypto::KeyPair,
    packet::{
        Key, Signature,
        key::{PrimaryRole, PublicParts},
        signature::{SignatureBuilder, subpacket::SubpacketTag},
    },
    types::{Features, HashAlgorithm, KeyFlags, PublicKeyAlgorithm, SignatureType},
};

use super::{CryptoError, packets};

/// The self-signature of a primary key with these flags.
fn sign_self(
    pair: &mut KeyPair,
    flags: KeyFlags,
    created: u32,
    features: Option<Features>,
) -> sequoia_openpgp::Result<Signature> {
    let mut builder = SignatureBuilder::new(SignatureType::DirectKey)
        .set_hash_algo(HashAlgorithm::SHA512)
        .set_signature_creation_time(packets::at(created))?
        .set_key_flags(flags)?;
    if let Some(features) = features {
        builder = builder.set_features(features)?;
    }
    builder.sign_direct_key(pair, None)
}

/// Whether `signature` is the one that [`sign_self`] makes for this key.
fn check_self(
    primary: &Key<PublicParts, PrimaryRole>,
    signature: &Signature,
    flags: &KeyFlags,
    features: Option<&Features>,
) -> Result<(), &'static str> {
    let mut tags = vec![
        SubpacketTag::SignatureCreationTime,
        SubpacketTag::KeyFlags,
        SubpacketTag::IssuerFingerprint,
    ];
    tags.extend(features.map(|_| SubpacketTag::Features));
    if primary.pk_algo() != PublicKeyAlgorithm::Ed25519 {
        return Err("the primary key is not Ed25519");
    }
    if !packets::has_exactly(signature, &tags)
        || signature.signature_creation_time() != Some(primary.creation_time())
        || signature.key_flags().as_ref() != Some(flags)
        || signature.features().as_ref() != features
        || !packets::issued_by(signature, &primary.fingerprint())
    {
        return Err("the self-signature says other than it must");
    }
    signature
        .verify_direct_key(primary, primary)
        .ok()
        .filter(|()| packets::repeats_digest(signature))
        .ok_or("the self-signature is not valid")
}

fn malformed(why: &'static str) -> CryptoError {
    CryptoError::Malformed {
        what: "certificate",
        why,
    }
}
