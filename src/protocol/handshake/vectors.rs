//! Known answers for whatever two daemons say to each other until the first message flows.
//! What `tests/fixtures/handshake/` and `vectors/protocol.json` hold was true of the first
//! release and stays true: a change here breaks invites, identities or conversations.
//!
//! `anew` made them, with keys that are no secret of anybody's.
//! The hashes, proofs and keys in the JSON, the outer seals and the signatures of statements
//! were checked from the committed bytes by an independent program (HKDF, HMAC, BLAKE3,
//! XChaCha20-Poly1305, Ed25519).

mod anew;

use std::{fs, path::PathBuf};

use serde_json::Value;

use super::{
    bundle::{open as open_outer, seal as seal_outer},
    schedule::{Pair, bundle_hash, confirm_transcript},
    *,
};
use crate::{
    crypto::{
        EnvelopeKind, IdentityKey, Opener, Random, kem_open, open, open_parcel, open_single,
        seal_parcel, seal_single,
    },
    model::Timestamp,
    protocol::{
        Body, CAPS, InviteLink, PairKeys, Payload, SignedManifest, follow_chain, open_statement,
        pair_context, verify_chain, verify_succession,
    },
    wire::{read, v1, write},
};

/// Noon of 2026-11-23, UTC.
const MADE_AT: Timestamp = Timestamp(1_795_435_200_000);
const EXPIRES: Timestamp = Timestamp(MADE_AT.0 + 7 * 86_400_000);

fn path(name: &str) -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/");
    PathBuf::from(format!("{root}{name}"))
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(path(&format!("handshake/{name}"))).expect("a fixture")
}

fn vectors() -> Value {
    serde_json::from_slice(&fs::read(path("vectors/protocol.json")).expect("a fixture"))
        .expect("JSON")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Gives the bytes that were random when a fixture was made.
struct Known<'a>(&'a [u8]);

impl Random for Known<'_> {
    fn fill(&mut self, out: &mut [u8]) {
        let (now, later) = self.0.split_at(out.len());
        out.copy_from_slice(now);
        self.0 = later;
    }
}

struct Side {
    ic: IdentityKey,
    cert: IdentityCert,
    device: DeviceKey,
    manifest: Vec<u8>,
    name: &'static str,
}

impl Side {
    fn committed(name: &'static str, key: &str) -> Self {
        let ic = IdentityKey::from_bytes(&fixture(&format!("{key}.identity"))).expect("a key");
        Self {
            cert: ic.cert(),
            ic,
            device: DeviceKey::from_bytes(&fixture(&format!("{key}.device"))).expect("a key"),
            manifest: fixture(&format!("{key}.manifest-1")),
            name,
        }
    }

    fn me(&self) -> Me<'_> {
        Me {
            ic: &self.cert,
            manifest: &self.manifest,
            device: &self.device,
            name: self.name,
            addresses: &[],
        }
    }
}

fn alice() -> Side {
    Side::committed("Alice", "alice")
}

fn bob() -> Side {
    Side::committed("Bob", "bob")
}

fn link() -> InviteLink {
    let text = String::from_utf8(fixture("link")).expect("text");
    text.trim().parse().expect("a link")
}

fn pair() -> Pair {
    Pair {
        inviter: alice().cert.fingerprint(),
        invitee: bob().cert.fingerprint(),
    }
}

#[test]
fn the_first_manifests_still_hold() {
    let alice = alice();
    let (first, second) = (fixture("alice.manifest-1"), fixture("alice.manifest-2"));
    let one = SignedManifest::from_bytes(&first).expect("whole");
    let two = SignedManifest::from_bytes(&second).expect("whole");
    assert_eq!(
        (one.to_bytes(), two.to_bytes()),
        (first.clone(), second.clone())
    );
    let before = verify_chain(&alice.cert, None, &one).expect("sound");
    let after = verify_chain(&alice.cert, Some(&before), &two).expect("follows");
    assert_eq!(vectors()["manifest_1"], hex(&before.head.hash));
    assert_eq!(vectors()["manifest_2"], hex(&after.head.hash));
    for bytes in [first, second] {
        let signed: v1::SignedManifest = read(&bytes).expect("whole");
        let raw: v1::Manifest = read(&signed.manifest).expect("whole");
        assert_eq!(write(&raw), signed.manifest);
        assert_eq!(raw.identity, alice.cert.fingerprint().0);
        let verdict = alice
            .cert
            .verify("manifest", &signed.manifest, &signed.signature);
        verdict.expect("signed for this purpose");
    }
    assert_eq!(after.devices.len(), 2);
    assert_eq!(
        after.device(&alice.device.fingerprint()).map(|d| d.caps),
        Some(CAPS)
    );
}

#[test]
fn the_first_bundle_still_opens() {
    let (link, bytes) = (link(), fixture("bundle"));
    let opened = open_bundle(&link, &bytes, MADE_AT).expect("opens");
    assert_eq!(opened.peer.ic, alice().cert);
    assert_eq!(opened.peer.device, alice().device.cert());
    assert_eq!(opened.expires, EXPIRES);
    assert_eq!(vectors()["bundle"], hex(&bundle_hash(&bytes)));
    let offer = Offer::from_bytes(&fixture("offer")).expect("kept");
    assert_eq!(offer.to_bytes().as_slice(), fixture("offer"));
    assert_eq!(offer.bundle, bytes);

    let plain = open_outer(&link.keys(), &bytes).expect("ours");
    let again = seal_outer(&link.keys(), &plain, &mut Known(&bytes)).expect("fits");
    assert!(
        again == bytes,
        "nonce, length, padding and label are as they were"
    );
    let bundle: v1::Bundle = read(&plain).expect("whole");
    let content: v1::BundleContent = read(&bundle.content).expect("whole");
    assert_eq!(write(&content), bundle.content);
    let device = alice().device.cert();
    let verdict = device.verify("bundle", &bundle.content, &bundle.signature);
    verdict.expect("signed for this purpose");
}

#[test]
fn the_first_hello_still_opens() {
    let (alice, link, parcel) = (alice(), link(), fixture("hello.parcel"));
    let offer = Offer::from_bytes(&fixture("offer")).expect("kept");
    let opened = open_hello(&alice.me(), &link.keys(), &offer, &parcel, MADE_AT).expect("opens");
    assert_eq!(opened.peer.ic, bob().cert);
    assert_eq!(
        (opened.peer.name.as_str(), opened.greeting.as_str()),
        ("Bob", "Hi, it's me")
    );
    let expected = vectors();
    assert_eq!(expected["hello_transcript"], hex(&opened.transcript));

    let (tag, key) = link.keys().hello_parcel();
    let envelope = open_single(&key, &parcel).expect("ours");
    let again = seal_single(&tag, &key, &envelope, &mut Known(&parcel[16..])).expect("fits");
    assert!(
        again == parcel,
        "tag, nonce, key and framing are as they were"
    );
    let with = Opener::OneTime {
        key: &offer.otk,
        device: alice.device.fingerprint(),
    };
    let author = bob().device.cert();
    let plain = open(with, &author, &pair().hello_context(), &envelope).expect("opens");
    assert_eq!(plain, fixture("hello.message"));
    let message: v1::Hello = read(&plain).expect("whole");
    assert_eq!(write(&message), plain);
    assert_eq!(expected["hello_proof"], hex(&message.proof));
    let secret = kem_open(&offer.otk, &message.ciphertext).expect("opens");
    assert_eq!(expected["ss1"], hex(secret.as_bytes()));
}

#[test]
fn the_first_confirm_still_opens() {
    let (bob, link, parcel) = (bob(), link(), fixture("confirm.parcel"));
    let pending = PendingHello::from_bytes(&fixture("pending")).expect("kept");
    assert_eq!(pending.to_bytes().as_slice(), fixture("pending"));
    let made = open_confirm(&bob.me(), &link, &pending, &parcel, MADE_AT).expect("opens");
    assert_eq!((made.peer.name.as_str(), made.initiator), ("Alice", true));
    let expected = vectors();
    assert_eq!(expected["root"], hex(made.root.as_bytes()));

    let (tag, key) = link.keys().confirm_parcel();
    let envelope = open_single(&key, &parcel).expect("ours");
    let again = seal_single(&tag, &key, &envelope, &mut Known(&parcel[16..])).expect("fits");
    assert!(
        again == parcel,
        "tag, nonce, key and framing are as they were"
    );
    let with = Opener::OneTime {
        key: &pending.otk,
        device: bob.device.fingerprint(),
    };
    let author = alice().device.cert();
    let plain = open(with, &author, &pair().confirm_context(), &envelope).expect("opens");
    assert_eq!(plain, fixture("confirm.message"));
    let message: v1::Confirm = read(&plain).expect("whole");
    assert_eq!(write(&message), plain);
    assert_eq!(expected["confirm_proof"], hex(&message.proof));
    let transcript = confirm_transcript(&pending.transcript, &plain);
    assert_eq!(expected["confirm_transcript"], hex(&transcript));
    let secret = kem_open(&pending.otk, &message.ciphertext).expect("opens");
    assert_eq!(expected["ss2"], hex(secret.as_bytes()));
}

#[test]
fn the_first_device_update_is_still_believed() {
    let (alice, parcel) = (alice(), fixture("statement.parcel"));
    let pending = PendingHello::from_bytes(&fixture("pending")).expect("kept");
    let made = open_confirm(
        &bob().me(),
        &link(),
        &pending,
        &fixture("confirm.parcel"),
        MADE_AT,
    );
    let keys = PairKeys::derive(&made.expect("opens").root, true);
    let envelopes = open_parcel(&keys.recv_tag, 0, 0, &parcel).expect("hers");
    let again = seal_parcel(&keys.recv_tag, 0, 0, &envelopes).expect("fits");
    assert!(again == parcel, "tag, key and framing are as they were");
    let [envelope] = envelopes.as_slice() else {
        panic!("one statement");
    };
    assert_eq!(envelope.kind, EnvelopeKind::Statement);
    let pair = pair();
    let context = pair_context(&keys.conversation, &pair.inviter, &pair.invitee);
    assert_eq!(vectors()["context"], hex(&context));
    let device = alice.device.cert();
    let plain = open_statement(&device, &context, &envelope.bytes).expect("hers");
    let raw: v1::Statement = read(&envelope.bytes).expect("whole");
    let signed = [context.as_slice(), &plain].concat();
    let verdict = device.verify("device-update", &signed, &raw.signature);
    verdict.expect("signed for this purpose");

    let payload = Payload::decode(&plain).expect("valid");
    assert_eq!(payload.encode().expect("valid"), plain);
    payload.check_envelope(envelope.kind).expect("a statement");
    let Body::Device(update) = payload.body else {
        panic!("a device update");
    };
    assert_eq!(update.dc, device.to_bytes());
    let whole = |bytes: &Vec<u8>| SignedManifest::from_bytes(bytes).expect("whole");
    let known = verify_chain(&alice.cert, None, &whole(&alice.manifest)).expect("sound");
    let chain: Vec<_> = update.manifests.iter().map(whole).collect();
    let state = follow_chain(&alice.cert, &known, &chain).expect("follows");
    assert_eq!(vectors()["manifest_2"], hex(&state.head.hash));
}

#[test]
fn the_first_succession_is_still_believed() {
    let bytes = fixture("succession");
    let new = IdentityKey::from_bytes(&fixture("successor.identity")).expect("a key");
    let told = verify_succession(&alice().cert, &bytes).expect("sound");
    assert_eq!(
        (told.old, &told.new),
        (alice().cert.fingerprint(), &new.cert())
    );
    let manifest = fixture("successor.manifest-1");
    let manifest = SignedManifest::from_bytes(&manifest).expect("whole");
    assert_eq!(told.manifest_head, manifest.head());
    assert_eq!(vectors()["successor_manifest"], hex(&told.manifest_head));
    let signed: v1::SignedSuccession = read(&bytes).expect("whole");
    assert_eq!(write(&signed), bytes);
    let raw: v1::Succession = read(&signed.succession).expect("whole");
    assert_eq!(write(&raw), signed.succession);
    for (cert, signature) in [
        (&alice().cert, &signed.signature),
        (&new.cert(), &signed.countersignature),
    ] {
        let verdict = cert.verify("succession", &signed.succession, signature);
        verdict.expect("signed for this purpose");
    }
}
