//! Statements: detached signatures over data of ours, each good for one purpose only.

use sequoia_openpgp::{
    Packet,
    crypto::KeyPair,
    packet::{
        Key, Signature,
        key::{PrimaryRole, PublicParts},
        signature::{
            SignatureBuilder,
            subpacket::{NotationData, Subpacket, SubpacketTag, SubpacketValue},
        },
    },
    types::{HashAlgorithm, SignatureType},
};

use crate::crypto::{CryptoError, packets};

/// Keeps statements apart from envelopes, which carry `ctx@msgd`.
const NOTATION: &str = "use@msgd";
const DOMAIN: &[u8] = b"msgd/1/";

/// Signs `data` for the purpose that `context` names. The time in it is the key's own: a
/// statement that must be dated says so in `data`.
pub(super) fn sign(pair: &KeyPair, context: &str, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let signature = signature(pair, context, data).map_err(CryptoError::open_pgp)?;
    Ok(packets::to_bytes(&[signature.into()])?.to_vec())
}

fn signature(pair: &KeyPair, context: &str, data: &[u8]) -> sequoia_openpgp::Result<Signature> {
    let purpose = NotationData::new(NOTATION, context, None);
    let purpose = Subpacket::new(SubpacketValue::NotationData(purpose), true)?;
    SignatureBuilder::new(SignatureType::Binary)
        .set_hash_algo(HashAlgorithm::SHA512)
        .set_signature_creation_time(pair.public().creation_time())?
        .modify_hashed_area(|mut area| {
            area.add(purpose)?;
            Ok(area)
        })?
        .sign_message(&mut pair.clone(), message(context, data))
}

/// Whether `bytes` is what `signer` made for exactly this purpose and data.
pub(super) fn verify(
    signer: &Key<PublicParts, PrimaryRole>,
    context: &str,
    data: &[u8],
    bytes: &[u8],
) -> Result<(), CryptoError> {
    let packets = packets::flat(bytes, 1)?;
    let [Packet::Signature(signature)] = packets.as_slice() else {
        return Err(CryptoError::BadSignature);
    };
    let tags = [
        SubpacketTag::SignatureCreationTime,
        SubpacketTag::NotationData,
        SubpacketTag::IssuerFingerprint,
    ];
    let purpose_fits = signature.hashed_area().iter().any(|subpacket| {
        matches!(
            subpacket.value(),
            SubpacketValue::NotationData(notation)
                if subpacket.critical()
                    && notation.name() == NOTATION
                    && notation.value() == context.as_bytes()
        )
    });
    if signature.typ() != SignatureType::Binary
        || !packets::has_exactly(signature, &tags)
        || !packets::issued_by(signature, &signer.fingerprint())
        || !purpose_fits
        || *packets::to_bytes(&packets)? != bytes
    {
        return Err(CryptoError::BadSignature);
    }
    signature
        .verify_message(signer, message(context, data))
        .ok()
        .filter(|()| packets::repeats_digest(signature))
        .ok_or(CryptoError::BadSignature)
}

fn message(context: &str, data: &[u8]) -> Vec<u8> {
    [DOMAIN, context.as_bytes(), &[0], data].concat()
}
