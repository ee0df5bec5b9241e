//! Between bytes and OpenPGP packets: one flat sequence, nothing skipped, nothing unpacked.

use std::{
    panic::catch_unwind,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sequoia_openpgp::{
    Packet,
    crypto::KeyPair,
    packet::{Key, Signature, key, signature::subpacket::SubpacketTag},
    parse::{Dearmor, PacketParserBuilder, PacketParserResult, Parse},
    policy::Policy,
    serialize::{Marshal, MarshalInto},
};
use zeroize::Zeroizing;

use super::{CryptoError, policy::Strict};
use crate::model;

/// A parser for binary packets that keeps their bodies and enters no container.
pub(super) fn parser(bytes: &[u8]) -> Result<PacketParserResult<'_>, CryptoError> {
    PacketParserBuilder::from_bytes(bytes)
        .and_then(|builder| {
            builder
                .dearmor(Dearmor::Disabled)
                .max_recursion_depth(0)
                .automatic_hashing(false)
                .buffer_unread_content()
                .build()
        })
        .map_err(CryptoError::open_pgp)
}

/// The packets in `bytes`, at most `max`, each permitted by the policy. Certificates come from
/// strangers too, so a panic of the parser costs no more than the bytes that caused it.
pub(super) fn flat(bytes: &[u8], max: usize) -> Result<Vec<Packet>, CryptoError> {
    catch_unwind(|| parse(bytes, max)).unwrap_or(Err(CryptoError::Malformed {
        what: "packet sequence",
        why: "it broke the parser",
    }))
}

fn parse(bytes: &[u8], max: usize) -> Result<Vec<Packet>, CryptoError> {
    let mut packets = Vec::new();
    let mut next = parser(bytes)?;
    while let PacketParserResult::Some(current) = next {
        if packets.len() == max {
            return Err(CryptoError::Malformed {
                what: "packet sequence",
                why: "too many packets",
            });
        }
        let (packet, rest) = current.next().map_err(CryptoError::open_pgp)?;
        Strict.packet(&packet).map_err(CryptoError::open_pgp)?;
        packets.push(packet);
        next = rest;
    }
    Ok(packets)
}

/// The packets as bytes, in a buffer that wipes itself and never moves while it fills.
pub(super) fn to_bytes(packets: &[Packet]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let len = packets.iter().map(MarshalInto::serialized_len).sum();
    let mut bytes = Zeroizing::new(Vec::with_capacity(len));
    for packet in packets {
        packet
            .serialize(&mut *bytes)
            .map_err(CryptoError::open_pgp)?;
    }
    Ok(bytes)
}

/// As [`to_bytes`], for packets of which every one was serialised or parsed before.
pub(super) fn own_to_bytes(packets: &[Packet]) -> Zeroizing<Vec<u8>> {
    match to_bytes(packets) {
        Ok(bytes) => bytes,
        Err(error) => unreachable!("a packet of our own has no bytes: {error}"),
    }
}

/// Whether the hashed area holds exactly these subpackets, each once, and the unhashed none.
pub(super) fn has_exactly(signature: &Signature, tags: &[SubpacketTag]) -> bool {
    let mut found: Vec<_> = signature.hashed_area().iter().map(|s| s.tag()).collect();
    let mut wanted = tags.to_vec();
    found.sort();
    wanted.sort();
    found == wanted && signature.unhashed_area().iter().next().is_none()
}

/// Whether the signature names `issuer` as its maker.
pub(super) fn issued_by(signature: &Signature, issuer: &sequoia_openpgp::Fingerprint) -> bool {
    let mut issuers = signature.issuer_fingerprints();
    issuers.next() == Some(issuer) && issuers.next().is_none()
}

/// Whether the two bytes of digest that a signature repeats in clear are the true ones. The
/// library does not look at them; unchecked they could be changed at will. For a signature
/// that has just been verified.
pub(super) fn repeats_digest(signature: &Signature) -> bool {
    signature
        .computed_digest()
        .is_some_and(|digest| digest.starts_with(signature.digest_prefix()))
}

/// The fingerprint of a version 6 key in the words of the house.
pub(super) fn fingerprint<P: key::KeyParts, R: key::KeyRole>(
    key: &Key<P, R>,
) -> Result<model::Fingerprint, CryptoError> {
    model::Fingerprint::from_slice(key.fingerprint().as_bytes()).ok_or(CryptoError::Malformed {
        what: "key",
        why: "not version 6",
    })
}

/// A fingerprint in the library's words.
pub(super) fn foreign(
    fingerprint: &model::Fingerprint,
) -> Result<sequoia_openpgp::Fingerprint, CryptoError> {
    sequoia_openpgp::Fingerprint::from_bytes(6, &fingerprint.0).map_err(CryptoError::open_pgp)
}

/// A key with its secret, ready for use.
pub(super) fn pair<R: key::KeyRole>(key: Key<key::SecretParts, R>) -> Result<KeyPair, CryptoError> {
    key.into_keypair().map_err(CryptoError::open_pgp)
}

/// OpenPGP time: whole seconds.
pub(super) fn at(seconds: u32) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds.into())
}

/// The seconds of an OpenPGP time, which has no others.
pub(super) fn seconds(time: SystemTime) -> u32 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}

/// `time` as OpenPGP can express it.
pub(super) fn seconds_of(time: model::Timestamp) -> u32 {
    u32::try_from(time.0.max(0) / 1000).unwrap_or(u32::MAX)
}
