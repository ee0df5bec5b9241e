//! Known answers. What `tests/fixtures/` holds was true of the first release and stays true:
//! a change here breaks stored data, invites or the other side of a conversation.
//!
//! `vectors/crypto.json` is the output of [`current`] with fixed keys and seeds, checked
//! against an independent implementation where one was at hand (HKDF, HMAC, safety number).
//! `keys/` was written once by `IdentityKey::generate`, `DeviceKey::generate` at
//! [`MADE_AT`] with seed 1, and `OneTimeKey::generate`; the envelope by `seal` from that
//! device to itself, in the context of 32 bytes 7. They hold no secret of anybody's.

use serde_json::{Value, json};

use super::*;
use crate::model::{Fingerprint, Timestamp};

/// Noon of 2026-11-23, UTC.
const MADE_AT: Timestamp = Timestamp(1_795_435_200_000);
const CONTEXT: [u8; 32] = [7; 32];
const PAYLOAD: &[u8] = b"This must always open.";
const PASSPHRASE: SlotSecret<'_> = SlotSecret::Passphrase(b"correct horse battery staple");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    let pair = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(pair).collect()
}

fn fixture(path: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/");
    std::fs::read(format!("{root}{path}")).unwrap()
}

fn key() -> Secret<32> {
    let mut bytes = [0; 32];
    for (number, byte) in (0..).zip(bytes.iter_mut()) {
        *byte = number;
    }
    Secret::new(bytes)
}

/// Every vector, as this version computes it.
fn current() -> Value {
    let key = key();
    let labels = [
        "root", "pair", "link", "tag", "tag-roll", "parcel", "rec", "key", "file", "blind",
    ];
    let kdf: serde_json::Map<String, Value> = labels
        .iter()
        .map(|label| {
            let derived = derive::<32>(key.as_bytes(), label, &[b"ab", b""]);
            let mac = mac(key.as_bytes(), label, &[b"ab", b""]);
            let both = json!({ "derive": hex(derived.as_bytes()), "mac": hex(&mac) });
            ((*label).to_owned(), both)
        })
        .collect();
    let envelopes = [
        SealedEnvelope {
            epoch: 1,
            index: 2,
            kind: EnvelopeKind::Sealed,
            bytes: b"first".to_vec(),
        },
        SealedEnvelope {
            epoch: 1,
            index: 3,
            kind: EnvelopeKind::Statement,
            bytes: b"second".to_vec(),
        },
    ];
    let parcel = seal_parcel(&key, 0, 5, &envelopes).unwrap();
    let window = SealedEnvelope {
        epoch: 1,
        index: 2,
        kind: EnvelopeKind::Window,
        bytes: Vec::new(),
    };
    let window = seal_parcel(&key, 1, 5, &[window]).unwrap();
    let records = RecordCipher::new(&key, 1);
    let name = records.blind("contacts-1", b"a key");
    let record = records.seal("contacts-1", &name, b"a value", &mut SeededRandom::new(1));
    let file = seal_file(&key, "identity", b"content", &mut SeededRandom::new(2));
    json!({
        "seeded_random": hex(Secret::<48>::random(&mut SeededRandom::new(1)).as_bytes()),
        "hash": { "bare": hex(&hash(&[b"abc"])), "framed": hex(&hash(&[b"a", b"bc"])), "none": hex(&hash(&[])) },
        "kdf": kdf,
        "derive_64": hex(derive::<64>(key.as_bytes(), "root", &[]).as_bytes()),
        "tags": [hex(&tag(&key, 0, 0).0), hex(&tag(&key, 0, 1).0), hex(&tag(&key, 1, 0).0)],
        // The whole is 4096 bytes: its start and its hash.
        "parcel": { "start": hex(&parcel[..64]), "hash": hex(&hash(&[&parcel])) },
        "parcel_window": { "start": hex(&window[..64]), "hash": hex(&hash(&[&window])) },
        "record": { "name": hex(&name), "sealed": hex(&record) },
        "file": hex(&file),
        "passphrase": hex(
            kdf::passphrase_key(b"correct horse", &[1; 16], KdfParams::WEAK_FOR_TESTS)
                .unwrap()
                .as_bytes(),
        ),
        "keyring": hex(&keyring().to_bytes()),
        "safety_number": safety_number(&Fingerprint([1; 32]), &Fingerprint([2; 32])),
        "ic_hash20": hex(&ic_hash20(&Fingerprint([1; 32]))),
    })
}

fn keyring() -> Keyring {
    let rng = &mut SeededRandom::new(3);
    let mut keyring = Keyring::create(&key(), PASSPHRASE, KdfParams::WEAK_FOR_TESTS, rng).unwrap();
    let file = Secret::new([5; 32]);
    let params = KdfParams::WEAK_FOR_TESTS;
    keyring
        .add_slot(&key(), SlotSecret::File(&file), params, rng)
        .unwrap();
    keyring
}

fn committed() -> Value {
    serde_json::from_slice(&fixture("vectors/crypto.json")).unwrap()
}

#[test]
fn every_vector_still_holds() {
    let (committed, current) = (committed(), current());
    for (name, value) in committed.as_object().unwrap() {
        assert_eq!(current.get(name), Some(value), "{name}");
    }
    assert_eq!(committed, current, "a vector is missing");
}

#[test]
fn what_was_sealed_then_opens_now() {
    let vectors = committed();
    let text = |value: &Value| unhex(value.as_str().unwrap());
    let records = RecordCipher::new(&key(), 1);
    let name = records.blind("contacts-1", b"a key");
    let record = records.open("contacts-1", &name, &text(&vectors["record"]["sealed"]));
    assert_eq!(&*record.unwrap(), b"a value");
    let file = open_file(&key(), "identity", &text(&vectors["file"]));
    assert_eq!(&*file.unwrap(), b"content");
    let keyring = Keyring::parse(&text(&vectors["keyring"])).unwrap();
    assert_eq!(keyring.generation(), 2);
    assert_eq!(keyring.unlock(PASSPHRASE).unwrap(), key());
    let file = Secret::new([5; 32]);
    assert_eq!(keyring.unlock(SlotSecret::File(&file)).unwrap(), key());
}

#[test]
fn the_first_keys_are_still_read_and_the_first_envelope_opens() {
    let identity = IdentityKey::from_bytes(&fixture("keys/identity.key")).unwrap();
    assert_eq!(identity.to_bytes().as_slice(), fixture("keys/identity.key"));
    let cert = IdentityCert::parse(&fixture("keys/identity.cert")).unwrap();
    assert_eq!(identity.cert(), cert);
    let statement = fixture("keys/statement.sig");
    cert.verify("fixture", PAYLOAD, &statement).unwrap();

    let device = DeviceKey::from_bytes(&fixture("keys/device.key")).unwrap();
    assert_eq!(device.to_bytes().as_slice(), fixture("keys/device.key"));
    let cert = DeviceCert::parse(&fixture("keys/device.cert")).unwrap();
    assert_eq!(device.cert(), cert);
    assert!(cert.has_subkey_for(MADE_AT));
    let envelope = fixture("keys/envelope.pgp");
    let opened = open(Opener::Device(&device), &cert, &CONTEXT, &envelope);
    assert_eq!(opened.unwrap(), PAYLOAD);

    let one_time = OneTimeKey::from_bytes(&fixture("keys/one-time.key")).unwrap();
    assert_eq!(one_time.to_bytes().as_slice(), fixture("keys/one-time.key"));
    let secret = kem_open(&one_time, &fixture("keys/one-time.pkesk")).unwrap();
    assert_eq!(
        secret.as_bytes().as_slice(),
        fixture("keys/one-time.secret")
    );
}

#[test]
fn a_safety_number_is_sixty_digits_alike_for_both() {
    let (a, b) = (Fingerprint([1; 32]), Fingerprint([2; 32]));
    let number = safety_number(&a, &b);
    assert!(number.len() == 60 && number.bytes().all(|digit| digit.is_ascii_digit()));
    assert_eq!(number, safety_number(&b, &a));
    assert_ne!(number, safety_number(&a, &Fingerprint([3; 32])));
}

#[test]
fn framing_keeps_lists_apart() {
    assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
    let key = key();
    let derived = |label, ctx: &[&[u8]]| derive::<32>(key.as_bytes(), label, ctx);
    assert_ne!(derived("l", &[b"ab", b"c"]), derived("l", &[b"a", b"bc"]));
    assert_ne!(derived("l", &[b"a"]), derived("l", &[b"a", b""]));
    assert_ne!(derived("l", &[]), derived("la", &[]));
    assert!(same(b"a", b"a") && !same(b"a", b"b") && !same(b"a", b"aa"));
}
