//! Makes the fixtures. Run by name, and never again once something has been released.

use super::*;
use crate::{
    crypto::{SealedEnvelope, SeededRandom, hash, ic_hash20},
    model::{Fingerprint, Hlc},
    protocol::{DeviceUpdate, InviteFlags, genesis, state, succeed, successor},
};
use serde_json::json;

#[test]
#[ignore = "writes the fixtures anew: for a change of formats before the first release"]
fn the_fixtures_are_written_anew() {
    fs::create_dir_all(path("handshake")).expect("a folder");
    let put = |name: &str, bytes: &[u8]| {
        fs::write(path(&format!("handshake/{name}")), bytes).expect("written");
    };
    for (name, seed) in [("alice", 1), ("bob", 2), ("successor", 3)] {
        let ic = IdentityKey::generate().expect("a key");
        let rng = &mut SeededRandom::new(seed);
        let device = DeviceKey::generate(MADE_AT, rng).expect("a key");
        let manifest = genesis(&ic, &device.cert(), CAPS).expect("signed");
        put(&format!("{name}.identity"), &ic.to_bytes());
        put(&format!("{name}.device"), &device.to_bytes());
        put(&format!("{name}.manifest-1"), &manifest.to_bytes());
    }
    let (alice, bob, rng) = (alice(), bob(), &mut SeededRandom::new(4));
    let link = InviteLink::new(
        InviteFlags::default(),
        [7; 16],
        ic_hash20(&alice.cert.fingerprint()),
        &["192.0.2.1:4711".parse().expect("an address")],
    );
    put("link", format!("{link}\n").as_bytes());
    let keys = link.keys();
    let offer = offer(&alice.me(), &keys, EXPIRES, MADE_AT, rng).expect("made");
    put("offer", &offer.to_bytes());
    put("bundle", &offer.bundle);
    let opened = open_bundle(&link, &offer.bundle, MADE_AT).expect("opens");
    let (parcel, pending) =
        hello(&bob.me(), &link, &opened, "Hi, it's me", MADE_AT, rng).expect("made");
    put("hello.parcel", &parcel);
    put("pending", &pending.to_bytes());
    let envelope = open_single(&keys.hello_parcel().1, &parcel).expect("ours");
    let with = Opener::OneTime {
        key: &offer.otk,
        device: alice.device.fingerprint(),
    };
    let context = pair().hello_context();
    let said = open(with, &bob.device.cert(), &context, &envelope).expect("opens");
    put("hello.message", &said);
    let incoming = open_hello(&alice.me(), &keys, &offer, &parcel, MADE_AT).expect("opens");
    let (parcel, made) = confirm(&alice.me(), &keys, &incoming, MADE_AT, rng).expect("made");
    put("confirm.parcel", &parcel);
    let envelope = open_single(&keys.confirm_parcel().1, &parcel).expect("ours");
    let with = Opener::OneTime {
        key: &pending.otk,
        device: bob.device.fingerprint(),
    };
    let context = pair().confirm_context();
    let answered = open(with, &alice.device.cert(), &context, &envelope).expect("opens");
    put("confirm.message", &answered);

    let first = SignedManifest::from_bytes(&alice.manifest).expect("whole");
    let before = verify_chain(&alice.cert, None, &first).expect("sound");
    let devices = [
        (alice.device.fingerprint(), CAPS),
        (Fingerprint([9; 32]), CAPS),
    ];
    let second = successor(&alice.ic, &before, &devices).expect("sound");
    put("alice.manifest-2", &second.to_bytes());

    let pairs = PairKeys::derive(&made.root, false);
    let names = pair();
    let context = pair_context(&pairs.conversation, &names.inviter, &names.invitee);
    let payload = Payload {
        conversation: pairs.conversation,
        author_device: alice.device.fingerprint(),
        seq: 0,
        parents: Vec::new(),
        hlc: Hlc(7),
        manifest_head_seen: made.peer.manifest_head,
        expires: None,
        salt: [6; 16],
        body: Body::Device(DeviceUpdate {
            manifests: vec![second.to_bytes()],
            dc: alice.device.cert().to_bytes(),
        }),
    };
    let stated = state(&alice.device, &context, &payload.encode().expect("valid"));
    let envelope = SealedEnvelope {
        epoch: 0,
        index: 0,
        kind: EnvelopeKind::Statement,
        bytes: stated.expect("signed"),
    };
    let parcel = seal_parcel(&pairs.send_tag, 0, 0, &[envelope]).expect("fits");
    put("statement.parcel", &parcel);

    let new = IdentityKey::from_bytes(&fixture("successor.identity")).expect("a key");
    let manifest = SignedManifest::from_bytes(&fixture("successor.manifest-1")).expect("whole");
    let succession = succeed(&alice.ic, &new, &manifest.head()).expect("signed");
    put("succession", &succession);

    let said: v1::Hello = read(&said).expect("whole");
    let answered: v1::Confirm = read(&answered).expect("whole");
    let secret = |otk, ciphertext: &[u8]| hex(kem_open(otk, ciphertext).expect("opens").as_bytes());
    let expected = json!({
        "manifest_1": hex(&first.head()),
        "manifest_2": hex(&second.head()),
        "successor_manifest": hex(&manifest.head()),
        "bundle": hex(&hash(&[&offer.bundle])),
        "ss1": secret(&offer.otk, &said.ciphertext),
        "ss2": secret(&pending.otk, &answered.ciphertext),
        "hello_proof": hex(&said.proof),
        "hello_transcript": hex(&pending.transcript),
        "confirm_proof": hex(&answered.proof),
        "confirm_transcript": hex(&confirm_transcript(&pending.transcript, &write(&answered))),
        "root": hex(made.root.as_bytes()),
        "context": hex(&context),
    });
    let text = serde_json::to_string_pretty(&expected).expect("JSON");
    fs::write(path("vectors/protocol.json"), text + "\n").expect("written");
}
