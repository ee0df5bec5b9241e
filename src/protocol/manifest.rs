//! Device manifests: signed by the identity, chained by hash, never stepping back
//! (`protocol.md` A.1).

use crate::{
    crypto::{CryptoError, DeviceCert, IdentityCert, IdentityKey, hash},
    model::Fingerprint,
    wire::{self, FieldLimit, WireError, check_fields, v1},
};

use super::{MAX_UPDATE_MANIFESTS, VERSION};

const MANIFEST_VERSION: u32 = 1;
const MAX_DEVICES: usize = 16;
const MAX_REVOKED: usize = 64;
/// Purpose of the identity's signature.
const PURPOSE: &str = "manifest";

const SIGNED: &[FieldLimit] = &[FieldLimit::bytes(1, 8192), FieldLimit::bytes(2, 1024)];
const MANIFEST: &[FieldLimit] = &[
    FieldLimit::number(1),
    FieldLimit::number(2),
    FieldLimit::bytes(3, 32),
    FieldLimit::number(4),
    FieldLimit::bytes(5, 32),
    FieldLimit::list(6, 56, MAX_DEVICES),
    FieldLimit::list(7, 32, MAX_REVOKED),
];

/// Why a manifest is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The bytes break the format.
    #[error("the device manifest is malformed")]
    Malformed(#[source] WireError),
    /// A field does not have its one permitted form.
    #[error("the device manifest's {0} is not valid")]
    Field(&'static str),
    /// Its devices speak only later versions, or it is written in one.
    #[error("the device manifest needs a newer version of msgd")]
    NewerVersion,
    /// Not signed by the identity.
    #[error("the device manifest's signature is not valid")]
    Signature(#[source] CryptoError),
    /// It is about another identity.
    #[error("the device manifest belongs to another identity")]
    OtherIdentity,
    /// Older than one already seen.
    #[error("the device manifest is older than one already seen")]
    Rollback,
    /// Another history than the one already seen: somebody signs twice.
    #[error("the device manifest contradicts one already seen")]
    Fork,
    /// The manifests in between are missing.
    #[error("device manifests in between are missing")]
    Gap,
    /// It takes back what an earlier one said for good.
    #[error("the device manifest takes back its {0}")]
    StepsBack(&'static str),
}

/// A manifest and its signature, as they travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedManifest {
    manifest: Vec<u8>,
    signature: Vec<u8>,
}

impl SignedManifest {
    /// The bytes that travel.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        wire::write(&v1::SignedManifest {
            manifest: self.manifest.clone(),
            signature: self.signature.clone(),
        })
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; believes nothing of it yet.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ManifestError> {
        check_fields(bytes, SIGNED).map_err(ManifestError::Malformed)?;
        let raw: v1::SignedManifest = wire::read(bytes).map_err(ManifestError::Malformed)?;
        Ok(Self {
            manifest: raw.manifest,
            signature: raw.signature,
        })
    }

    /// By what the next manifest, and payloads, refer to this one.
    #[must_use]
    pub fn head(&self) -> [u8; 32] {
        hash(&[&self.manifest])
    }

    fn sign(ic: &IdentityKey, state: &ManifestState, before: &[u8]) -> Result<Self, ManifestError> {
        let manifest = wire::write(&v1::Manifest {
            version: MANIFEST_VERSION,
            min_version: state.min_version,
            identity: ic.fingerprint().0.to_vec(),
            seq: state.head.seq,
            previous: before.to_vec(),
            devices: state.devices.iter().map(ManifestDevice::out).collect(),
            revoked: state.revoked.iter().map(|dc| dc.0.to_vec()).collect(),
        });
        let signature = ic
            .sign(PURPOSE, &manifest)
            .map_err(ManifestError::Signature)?;
        Ok(Self {
            manifest,
            signature,
        })
    }
}

/// Which manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManifestHead {
    /// Its number, from 1.
    pub seq: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// A device in a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManifestDevice {
    /// Of its certificate.
    pub device: Fingerprint,
    /// What it can do, see [`CAPS`](super::CAPS).
    pub caps: u64,
    /// The number of the manifest that first named it.
    pub added: u64,
}

impl ManifestDevice {
    fn out(&self) -> v1::ManifestDevice {
        v1::ManifestDevice {
            device: self.device.0.to_vec(),
            caps: self.caps,
            added: self.added,
        }
    }
}

/// What a verified manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestState {
    /// Which one it is.
    pub head: ManifestHead,
    /// The lowest protocol version its devices speak.
    pub min_version: u32,
    /// The devices, rising by fingerprint.
    pub devices: Vec<ManifestDevice>,
    /// Devices that are no more, rising.
    pub revoked: Vec<Fingerprint>,
}

impl ManifestState {
    /// The entry of a device, unless it is unknown or revoked.
    #[must_use]
    pub fn device(&self, dc: &Fingerprint) -> Option<&ManifestDevice> {
        self.devices.iter().find(|entry| entry.device == *dc)
    }

    fn read(bytes: &[u8], ic: &Fingerprint) -> Result<(Self, Vec<u8>), ManifestError> {
        let raw: v1::Manifest = check_fields(bytes, MANIFEST)
            .and_then(|()| wire::read(bytes))
            .map_err(ManifestError::Malformed)?;
        if raw.version != MANIFEST_VERSION || raw.min_version > VERSION {
            return Err(ManifestError::NewerVersion);
        }
        if raw.identity != ic.0 {
            return Err(ManifestError::OtherIdentity);
        }
        let fingerprint = |bytes: &Vec<u8>| Fingerprint::from_slice(bytes);
        let devices = raw.devices.iter().map(|entry| {
            fingerprint(&entry.device).map(|device| ManifestDevice {
                device,
                caps: entry.caps,
                added: entry.added,
            })
        });
        let devices: Option<Vec<_>> = devices.collect();
        let revoked: Option<Vec<_>> = raw.revoked.iter().map(fingerprint).collect();
        let state = Self {
            head: ManifestHead {
                seq: raw.seq,
                hash: hash(&[bytes]),
            },
            min_version: raw.min_version,
            devices: devices.ok_or(ManifestError::Field("device"))?,
            revoked: revoked.ok_or(ManifestError::Field("revoked device"))?,
        };
        state.check()?;
        let previous_len = if raw.seq == 1 { 0 } else { 32 };
        if raw.previous.len() != previous_len {
            return Err(ManifestError::Field("predecessor"));
        }
        Ok((state, raw.previous))
    }

    /// Rules that a manifest keeps by itself.
    fn check(&self) -> Result<(), ManifestError> {
        let rule = |ok: bool, what| ok.then_some(()).ok_or(ManifestError::Field(what));
        rule(self.head.seq > 0, "number")?;
        rule(self.min_version > 0, "minimum version")?;
        let count = self.devices.len();
        rule((1..=MAX_DEVICES).contains(&count), "number of devices")?;
        rule(self.revoked.len() <= MAX_REVOKED, "list of revoked devices")?;
        let devices = self.devices.is_sorted_by(|a, b| a.device < b.device);
        rule(devices, "order of devices")?;
        let revoked = self.revoked.is_sorted_by(|a, b| a < b);
        rule(revoked, "order of revoked devices")?;
        let alive = |entry: &ManifestDevice| {
            (1..=self.head.seq).contains(&entry.added) && !self.revoked.contains(&entry.device)
        };
        rule(self.devices.iter().all(alive), "device")
    }

    /// Rules that a manifest keeps towards an earlier one, whatever lies in between.
    fn follows(&self, before: &Self) -> Result<(), ManifestError> {
        let keeps = |ok: bool, what| ok.then_some(()).ok_or(ManifestError::StepsBack(what));
        keeps(self.min_version >= before.min_version, "minimum version")?;
        let mut revoked = before.revoked.iter();
        let kept = revoked.all(|dc| self.revoked.contains(dc));
        keeps(kept, "revocations")?;
        for old in &before.devices {
            match self.device(&old.device) {
                Some(new) => {
                    keeps(new.caps & old.caps == old.caps, "capabilities")?;
                    keeps(new.added == old.added, "device history")?;
                }
                None => keeps(self.revoked.contains(&old.device), "devices")?,
            }
        }
        let fresh = |entry: &&ManifestDevice| before.device(&entry.device).is_none();
        let mut fresh = self.devices.iter().filter(fresh);
        keeps(
            fresh.all(|entry| entry.added > before.head.seq),
            "device history",
        )
    }
}

/// An identity's first manifest, with one device.
pub fn genesis(
    ic: &IdentityKey,
    dc: &DeviceCert,
    caps: u64,
) -> Result<SignedManifest, ManifestError> {
    let state = ManifestState {
        head: ManifestHead {
            seq: 1,
            hash: [0; 32],
        },
        min_version: VERSION,
        devices: vec![ManifestDevice {
            device: dc.fingerprint(),
            caps,
            added: 1,
        }],
        revoked: Vec::new(),
    };
    SignedManifest::sign(ic, &state, &[])
}

/// The manifest after `before`, with these devices (fingerprint and capabilities). Those of
/// `before` that are not among them are revoked for good.
pub fn successor(
    ic: &IdentityKey,
    before: &ManifestState,
    devices: &[(Fingerprint, u64)],
) -> Result<SignedManifest, ManifestError> {
    let seq = before.head.seq.saturating_add(1);
    let entry = |&(device, caps): &(Fingerprint, u64)| ManifestDevice {
        device,
        caps,
        added: before.device(&device).map_or(seq, |old| old.added),
    };
    let mut state = ManifestState {
        head: ManifestHead { seq, hash: [0; 32] },
        min_version: before.min_version,
        devices: devices.iter().map(entry).collect(),
        revoked: before.revoked.clone(),
    };
    let gone = before.devices.iter().map(|old| old.device);
    let gone = gone.filter(|dc| state.device(dc).is_none());
    let gone: Vec<_> = gone.collect();
    state.revoked.extend(gone);
    state.devices.sort_by_key(|entry| entry.device);
    state.revoked.sort_unstable();
    state.check()?;
    state.follows(before)?;
    SignedManifest::sign(ic, &state, &before.head.hash)
}

/// Accepts a manifest of the identity `ic`: any sound one if none is `known`, else the known
/// one again or its direct successor.
pub fn verify_chain(
    ic: &IdentityCert,
    known: Option<&ManifestState>,
    signed: &SignedManifest,
) -> Result<ManifestState, ManifestError> {
    ic.verify(PURPOSE, &signed.manifest, &signed.signature)
        .map_err(ManifestError::Signature)?;
    let (state, previous) = ManifestState::read(&signed.manifest, &ic.fingerprint())?;
    let Some(known) = known else {
        return Ok(state);
    };
    match state.head.seq.checked_sub(known.head.seq) {
        None => Err(ManifestError::Rollback),
        Some(0) if state.head.hash == known.head.hash => Ok(state),
        Some(0) => Err(ManifestError::Fork),
        Some(1) if previous != known.head.hash => Err(ManifestError::Fork),
        Some(1) => state.follows(known).map(|()| state),
        Some(_) => Err(ManifestError::Gap),
    }
}

/// Accepts what somebody whose manifest is `known` presents in a new handshake: that one, or
/// a later one that takes nothing back. The steps in between are not there to be looked at, so
/// a fork among them goes unseen; wherever they could be asked for, use [`follow_chain`].
pub fn verify_later(
    ic: &IdentityCert,
    known: &ManifestState,
    signed: &SignedManifest,
) -> Result<ManifestState, ManifestError> {
    match verify_chain(ic, Some(known), signed) {
        Err(ManifestError::Gap) => {
            let state = verify_chain(ic, None, signed)?;
            state.follows(known).map(|()| state)
        }
        judged => judged,
    }
}

/// Follows the manifests of an update, the oldest first, from the one that is `known`. Those
/// up to it are passed over: updates may cross, and then tell some of it twice.
pub fn follow_chain(
    ic: &IdentityCert,
    known: &ManifestState,
    chain: &[SignedManifest],
) -> Result<ManifestState, ManifestError> {
    let at = chain
        .iter()
        .position(|signed| signed.head() == known.head.hash);
    let fresh = chain.iter().skip(at.map_or(0, |at| at + 1));
    let mut state = known.clone();
    for signed in fresh {
        state = verify_chain(ic, Some(&state), signed)?;
    }
    Ok(state)
}

/// What of an identity's own manifests, the oldest first, somebody lacks who has `seen` this
/// head; at most as many as one update holds.
#[must_use]
pub fn chain_since<'a>(chain: &'a [SignedManifest], seen: &[u8; 32]) -> &'a [SignedManifest] {
    let at = chain.iter().position(|signed| signed.head() == *seen);
    let (_, fresh) = chain.split_at(at.map_or(0, |at| at + 1));
    fresh.get(..MAX_UPDATE_MANIFESTS).unwrap_or(fresh)
}

#[cfg(test)]
mod tests;
