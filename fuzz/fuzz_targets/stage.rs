//! The two sides of a handshake. The one whose messages are fuzzed has the keys of
//! `tests/fixtures/keys`, so that the corpora hold messages that are all but good.
#![allow(dead_code, reason = "each target uses its part")]

use msgd::{
    crypto::{
        DeviceKey, IdentityCert, IdentityKey, OneTimePublic, Recipient, Secret, SeededRandom, Tag,
        derive, ic_hash20, mac, seal, seal_single,
    },
    model::Timestamp,
    protocol::{CAPS, InviteFlags, InviteKeys, InviteLink, Me, Offer, genesis, offer},
};

pub const NOW: Timestamp = Timestamp(1_795_425_900_000);

pub struct Side {
    pub ic: IdentityKey,
    pub cert: IdentityCert,
    pub device: DeviceKey,
    pub manifest: Vec<u8>,
}

impl Side {
    /// The side that is attacked.
    pub fn local() -> Self {
        let ic = IdentityKey::generate().expect("a key");
        let device = DeviceKey::generate(NOW, &mut SeededRandom::new(1)).expect("a key");
        Self::of(ic, device)
    }

    /// The side that attacks.
    pub fn remote() -> Self {
        let ic = include_bytes!("../../tests/fixtures/keys/identity.key");
        let device = include_bytes!("../../tests/fixtures/keys/device.key");
        Self::of(
            IdentityKey::from_bytes(ic).expect("a key"),
            DeviceKey::from_bytes(device).expect("a key"),
        )
    }

    fn of(ic: IdentityKey, device: DeviceKey) -> Self {
        let manifest = genesis(&ic, &device.cert(), CAPS).expect("signed");
        Self {
            cert: ic.cert(),
            manifest: manifest.to_bytes(),
            ic,
            device,
        }
    }

    pub fn me(&self) -> Me<'_> {
        Me {
            ic: &self.cert,
            manifest: &self.manifest,
            device: &self.device,
            name: "Name",
            addresses: &[],
        }
    }

    /// An invite of this side's.
    pub fn link(&self) -> InviteLink {
        let hash = ic_hash20(&self.cert.fingerprint());
        InviteLink::new(InviteFlags::default(), [7; 16], hash, &[])
    }

    pub fn offer(&self) -> Offer {
        let expires = NOW.after(std::time::Duration::from_secs(86_400));
        let keys = self.link().keys();
        offer(&self.me(), &keys, expires, NOW, &mut SeededRandom::new(2)).expect("made")
    }

    /// `content` in an envelope that this side signs and `key` opens.
    pub fn envelope(
        &self,
        key: &OneTimePublic,
        to: &Side,
        context: &[u8; 32],
        content: &[u8],
    ) -> Option<Vec<u8>> {
        let device = to.device.fingerprint();
        let to = Recipient::OneTime { key, device };
        seal(&self.device, &[to], context, content, NOW).ok()
    }
}

/// `inner` in the parcel of the handshake message called `what`.
pub fn parcel(keys: &InviteKeys, what: &str, inner: &[u8]) -> Option<Vec<u8>> {
    let tag: Secret<16> = derive(keys.tag.as_bytes(), what, &[]);
    let key: Secret<32> = derive(keys.seal.as_bytes(), what, &[]);
    seal_single(
        &Tag(*tag.as_bytes()),
        &key,
        inner,
        &mut SeededRandom::new(2),
    )
    .ok()
}

/// The proof that a message called `what` with these parts comes from somebody with the link.
pub fn proof(keys: &InviteKeys, what: &str, parts: &[&[u8]]) -> Vec<u8> {
    mac(keys.auth.as_bytes(), what, parts).to_vec()
}
