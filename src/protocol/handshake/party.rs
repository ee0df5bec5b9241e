//! One side of a handshake, presented and checked.

use std::net::SocketAddr;

use super::{HandshakeError, Me};
use crate::{
    crypto::{DeviceCert, IdentityCert},
    model::limits,
    protocol::{
        MAX_ADDRESSES, MAX_CERT_BYTES, MAX_MANIFEST_BYTES, ManifestState, SignedManifest,
        payload::{SOCKET_ADDRESS_BYTES, read_address, write_address},
        verify_chain, verify_later,
    },
    wire::{FieldLimit, Readable, check_fields, read, v1, write},
};

const MAX_IDENTITY_BYTES: usize = 1024;
/// Longest encoded party.
pub(super) const MAX_PARTY_BYTES: usize =
    MAX_IDENTITY_BYTES + MAX_MANIFEST_BYTES + MAX_CERT_BYTES + 1024;
/// Longest one-time key, ciphertext or signature.
pub(super) const MAX_KEY_BYTES: usize = 2048;

const PARTY: &[FieldLimit] = &[
    FieldLimit::bytes(1, MAX_IDENTITY_BYTES),
    FieldLimit::bytes(2, MAX_MANIFEST_BYTES),
    FieldLimit::bytes(3, MAX_CERT_BYTES),
    FieldLimit::bytes(4, limits::MAX_NAME_BYTES),
    FieldLimit::list(5, SOCKET_ADDRESS_BYTES, MAX_ADDRESSES),
];

/// The other side, checked: the identity signed the manifest, the manifest names the device.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Identity certificate.
    pub ic: IdentityCert,
    /// The [`SignedManifest`], as bytes.
    pub manifest: Vec<u8>,
    /// Hash of the manifest.
    pub manifest_head: [u8; 32],
    /// Device certificate.
    pub device: DeviceCert,
    /// What they call themselves; empty before they say.
    pub name: String,
    /// Where they say they can be reached.
    pub addresses: Vec<SocketAddr>,
    /// What the device can do.
    pub caps: u64,
}

impl Peer {
    pub(super) fn out(&self) -> v1::Party {
        v1::Party {
            identity: self.ic.to_bytes(),
            manifest: self.manifest.clone(),
            device: self.device.to_bytes(),
            name: self.name.clone(),
            addresses: self.addresses.iter().map(write_address).collect(),
        }
    }

    /// Whether the manifest is the one in `known`, or a later one that takes nothing of it
    /// back. To be asked about everybody of whom a manifest is kept: the handshake itself
    /// knows none.
    pub fn follows(&self, known: &[u8]) -> Result<(), HandshakeError> {
        let known = verify(&self.ic, known)?;
        let signed = read_manifest(&self.manifest)?;
        verify_later(&self.ic, &known, &signed)
            .map(drop)
            .map_err(HandshakeError::Manifest)
    }
}

/// This side, with or without its name.
pub(super) fn present(me: &Me<'_>, with_name: bool) -> Result<v1::Party, HandshakeError> {
    if me.name.len() > limits::MAX_NAME_BYTES {
        return Err(HandshakeError::TooLong("name"));
    }
    let addresses = me.addresses.iter().take(MAX_ADDRESSES);
    Ok(v1::Party {
        identity: me.ic.to_bytes(),
        manifest: me.manifest.to_vec(),
        device: me.device.cert().to_bytes(),
        name: if with_name { me.name } else { "" }.to_string(),
        addresses: addresses.map(write_address).collect(),
    })
}

/// Checks what the other side presents.
pub(super) fn check(party: Option<&v1::Party>) -> Result<Peer, HandshakeError> {
    let party = party.ok_or(HandshakeError::Field("party"))?;
    check_fields(&write(party), PARTY).map_err(HandshakeError::Malformed)?;
    let ic = IdentityCert::parse(&party.identity).map_err(HandshakeError::Certificate)?;
    let device = DeviceCert::parse(&party.device).map_err(HandshakeError::Certificate)?;
    let state = verify(&ic, &party.manifest)?;
    let entry = state.device(&device.fingerprint());
    let caps = entry.ok_or(HandshakeError::ForeignDevice)?.caps;
    let addresses: Option<Vec<_>> = party.addresses.iter().map(read_address).collect();
    Ok(Peer {
        ic,
        manifest: party.manifest.clone(),
        manifest_head: state.head.hash,
        device,
        name: party.name.clone(),
        addresses: addresses.ok_or(HandshakeError::Field("address"))?,
        caps,
    })
}

fn verify(ic: &IdentityCert, manifest: &[u8]) -> Result<ManifestState, HandshakeError> {
    verify_chain(ic, None, &read_manifest(manifest)?).map_err(HandshakeError::Manifest)
}

fn read_manifest(bytes: &[u8]) -> Result<SignedManifest, HandshakeError> {
    SignedManifest::from_bytes(bytes).map_err(HandshakeError::Manifest)
}

/// Reads a message after a look over its fields.
pub(super) fn read_limited<M: Readable>(
    bytes: &[u8],
    limits: &[FieldLimit],
) -> Result<M, HandshakeError> {
    check_fields(bytes, limits)
        .and_then(|()| read(bytes))
        .map_err(HandshakeError::Malformed)
}
