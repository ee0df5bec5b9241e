//! Payloads: one spelling, hard limits, ids by content.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{
    crypto::{EnvelopeKind, Secret},
    protocol::EpochReceipt,
};

fn payload(body: Body) -> Payload {
    Payload {
        conversation: ConversationId([1; 16]),
        author_device: Fingerprint([2; 32]),
        seq: u64::from(matches!(body, Body::Text(_))),
        parents: vec![[3; 16], [4; 16]],
        hlc: Hlc(0x0191_0000_0000_0007),
        manifest_head_seen: [5; 32],
        expires: Some(Timestamp(1_800_000_000_000)),
        salt: [6; 16],
        body,
    }
}

fn receipts() -> impl Strategy<Value = Receipt> {
    let ranges = prop::collection::vec((1..50_u64, 1..50_u64), 0..20);
    let epoch = (0..1000_u64, ranges).prop_map(|(below, steps)| {
        let mut at = below;
        let mut range = |(gap, len)| {
            let start = at + gap;
            at = start + len;
            (start, at)
        };
        let ranges = steps.into_iter().map(&mut range).collect();
        (below, ranges)
    });
    let slots = prop::collection::vec(any::<(u32, u64)>(), 0..9);
    (prop::collection::vec(epoch, 0..4), any::<u64>(), slots).prop_map(
        |(epochs, read_up_to, cannot_open)| Receipt {
            epochs: (0..4_u32)
                .rev()
                .zip(epochs)
                .map(|(epoch, (below, ranges))| EpochReceipt {
                    epoch,
                    below,
                    ranges,
                })
                .collect(),
            read_up_to,
            cannot_open,
        },
    )
}

fn offers() -> impl Strategy<Value = MailboxOffer> {
    let address = any::<([u8; 4], u16)>().prop_map(|(ip, port)| SocketAddr::new(ip.into(), port));
    let addresses = prop::collection::vec(address, 1..=MAX_ADDRESSES);
    let keys = any::<([u8; 32], [u8; 32])>();
    let tags = (
        keys,
        addresses,
        1..u32::MAX,
        any::<u32>(),
        1..=64_u64,
        1..i64::MAX,
    )
        .prop_map(
            |(keys, addresses, batch, first, count, until)| MailboxTags {
                deposit_key: Secret::new(keys.0),
                addresses,
                batch,
                seed: Secret::new(keys.1),
                first: u64::from(first),
                end: u64::from(first) + count,
                valid_until: Timestamp(until),
            },
        );
    (1..=65_535_u32, prop::option::of(tags))
        .prop_map(|(number, tags)| MailboxOffer { number, tags })
}

fn offer() -> MailboxOffer {
    MailboxOffer {
        number: 2,
        tags: Some(MailboxTags {
            deposit_key: Secret::new([9; 32]),
            addresses: vec!["192.0.2.1:4711".parse().expect("v4")],
            batch: 3,
            seed: Secret::new([10; 32]),
            first: 64,
            end: 128,
            valid_until: Timestamp(1_800_000_000_000),
        }),
    }
}

fn bodies() -> impl Strategy<Value = Body> {
    let v4 = any::<([u8; 4], u16)>().prop_map(|(ip, port)| SocketAddr::new(ip.into(), port));
    let v6 = any::<([u8; 16], u16)>().prop_map(|(ip, port)| SocketAddr::new(ip.into(), port));
    let addresses = prop::collection::vec(prop_oneof![v4, v6], 0..=MAX_ADDRESSES);
    let bytes = || prop::collection::vec(any::<u8>(), 1..300);
    prop_oneof![
        "\\PC{1,200}".prop_map(Body::Text),
        receipts().prop_map(Body::Receipt),
        (any::<u64>(), addresses)
            .prop_map(|(counter, addresses)| Body::Address(AddressRecord { counter, addresses })),
        (prop::collection::vec(bytes(), 0..4), bytes())
            .prop_map(|(manifests, dc)| Body::Device(DeviceUpdate { manifests, dc })),
        prop::collection::btree_set(any::<u64>(), 1..=256).prop_map(|seqs| Body::Void {
            seqs: seqs.into_iter().collect()
        }),
        "\\PC{0,30}".prop_map(|name| Body::Profile { name }),
        offers().prop_map(Body::Mailbox),
        (8..u32::MAX, bytes()).prop_map(|(kind, bytes)| Body::Unknown { kind, bytes }),
    ]
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(body in bodies()) {
        let payload = payload(body);
        let bytes = payload.encode().expect("valid");
        prop_assert!(Payload::decode(&bytes) == Ok(payload));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, kind in 0..9_u32) {
        let _ = Payload::decode(&bytes);
        let raw = wire::write(&v1::Payload { version: 1, kind, conversation: vec![1; 16],
            author_device: vec![2; 32], seq: 1, manifest_head_seen: vec![5; 32], salt: vec![6; 16],
            body: bytes, auth: 1, ..Default::default() });
        if let Ok(payload) = Payload::decode(&raw) {
            prop_assert_eq!(payload.encode(), Ok(raw));
        }
    }

    #[test]
    fn a_changed_byte_is_refused_or_makes_another_message(body in bodies(), at: prop::sample::Index, flip in 1..=255_u8) {
        let payload = payload(body);
        let mut bytes = payload.encode().expect("valid");
        let id = message_id(&bytes, &payload.author_device);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(other) = Payload::decode(&bytes) {
            prop_assert!(other != payload);
        }
        prop_assert!(message_id(&bytes, &payload.author_device) != id);
    }
}

#[test]
fn limits_hold_in_both_directions() {
    let text = |len: usize| payload(Body::Text("x".repeat(len)));
    assert!(text(limits::MAX_TEXT_BYTES).encode().is_ok());
    assert_eq!(
        text(limits::MAX_TEXT_BYTES + 1).encode(),
        Err(PayloadError::Limit("text"))
    );
    assert_eq!(text(0).encode(), Err(PayloadError::Field("text")));
    let mut parents = text(1);
    parents.parents = (0..9).map(|n| [n; 16]).collect();
    assert_eq!(parents.encode(), Err(PayloadError::Limit("parents")));
    parents.parents = vec![[1; 16]; 2];
    assert_eq!(parents.encode(), Err(PayloadError::Field("parents")));
    let device = |manifests| {
        payload(Body::Device(DeviceUpdate {
            manifests,
            dc: vec![1],
        }))
    };
    assert!(device(vec![vec![1]; 16]).encode().is_ok());
    assert_eq!(
        device(vec![vec![1]; 17]).encode(),
        Err(PayloadError::Limit("manifests"))
    );
    assert_eq!(
        device(vec![Vec::new()]).encode(),
        Err(PayloadError::Field("manifest"))
    );
    let huge = payload(Body::Unknown {
        kind: 99,
        bytes: vec![0; limits::MAX_PAYLOAD_BYTES],
    });
    assert_eq!(huge.encode(), Err(PayloadError::Limit("length")));
    let raw = |parents: usize, version| {
        wire::write(&v1::Payload {
            version,
            kind: 99,
            conversation: vec![1; 16],
            author_device: vec![2; 32],
            parents: vec![vec![3; 16]; parents],
            manifest_head_seen: vec![5; 32],
            salt: vec![6; 16],
            auth: 1,
            ..Default::default()
        })
    };
    assert_eq!(
        Payload::decode(&raw(9, 1)),
        Err(PayloadError::Malformed(WireError::Limit { field: 6 }))
    );
    assert!(Payload::decode(&raw(1, 1)).is_ok());
    assert_eq!(Payload::decode(&raw(1, 2)), Err(PayloadError::Version(2)));
}

#[test]
fn a_mailbox_is_announced_whole_or_taken_back() {
    let refused = |change: fn(&mut MailboxTags)| {
        let mut offer = offer();
        change(offer.tags.as_mut().expect("some"));
        payload(Body::Mailbox(offer)).encode().err()
    };
    assert_eq!(refused(|_| {}), None);
    let field = |what| Some(PayloadError::Field(what));
    assert_eq!(refused(|tags| tags.end = tags.first), field("mailbox tags"));
    assert_eq!(refused(|tags| tags.end += 1), field("mailbox tags"));
    assert_eq!(refused(|tags| tags.batch = 0), field("mailbox batch"));
    assert_eq!(
        refused(|tags| tags.addresses.clear()),
        field("mailbox address")
    );
    assert_eq!(
        refused(|tags| tags.valid_until = Timestamp(0)),
        field("mailbox term")
    );
    assert_eq!(
        refused(|tags| tags.addresses = vec![tags.addresses[0]; 17]),
        Some(PayloadError::Limit("mailbox addresses"))
    );
    for number in [0, 65_536] {
        let other = MailboxOffer { number, tags: None };
        assert_eq!(
            payload(Body::Mailbox(other)).encode().err(),
            field("mailbox number")
        );
    }
    // Neither the one nor the other.
    let raw = wire::write(&v1::Mailbox {
        number: 1,
        batch: 1,
        ..v1::Mailbox::default()
    });
    assert!(read_body(7, &raw).is_err());
    let debug = format!("{:?}", offer());
    assert!(!debug.contains("192.0.2.1") && !debug.contains("9, 9"));
}

#[test]
fn only_texts_are_numbered() {
    let mut text = payload(Body::Text("a".into()));
    text.seq = 0;
    assert_eq!(text.encode(), Err(PayloadError::Field("number")));
    text.seq = MAX_SEQ;
    assert_eq!(text.encode(), Err(PayloadError::Field("number")));
    let mut profile = payload(Body::Profile {
        name: String::new(),
    });
    profile.seq = 1;
    assert_eq!(profile.encode(), Err(PayloadError::Field("number")));
}

#[test]
fn an_author_is_known_by_a_signature_or_not_at_all() {
    let good = payload(Body::Text("a".into())).encode().expect("valid");
    let with = |auth| {
        let raw: v1::Payload = wire::read(&good).expect("whole");
        Payload::decode(&wire::write(&v1::Payload { auth, ..raw }))
    };
    assert!(with(1).is_ok());
    for auth in [0, 2, 3, u32::MAX] {
        assert_eq!(with(auth), Err(PayloadError::Auth(auth)));
    }
}

#[test]
fn each_known_kind_has_one_way_to_travel() {
    let sealed = |body| {
        let payload = payload(body);
        let may = |kind| payload.check_envelope(kind).is_ok();
        (may(EnvelopeKind::Sealed), may(EnvelopeKind::Statement))
    };
    assert_eq!(sealed(Body::Text("a".into())), (true, false));
    assert_eq!(sealed(Body::Receipt(Receipt::default())), (true, false));
    assert_eq!(sealed(Body::Device(DeviceUpdate::default())), (false, true));
    assert_eq!(sealed(Body::Mailbox(offer())), (true, false));
    assert_eq!(
        sealed(Body::Address(AddressRecord::default())),
        (false, true)
    );
    assert_eq!(sealed(Body::Void { seqs: vec![1] }), (false, true));
    let later = Body::Unknown {
        kind: 77,
        bytes: Vec::new(),
    };
    assert_eq!(sealed(later), (true, true));
}

#[test]
fn a_known_kind_cannot_pose_as_unknown() {
    let posing = payload(Body::Unknown {
        kind: 1,
        bytes: vec![1],
    });
    assert_eq!(posing.encode(), Err(PayloadError::Field("kind")));
}

#[test]
fn payloads_match_the_committed_vectors() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../tests/fixtures/vectors/payload.json"))
            .expect("JSON");
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let known = [
        ("text", Body::Text("Grüße".into())),
        (
            "receipt",
            Body::Receipt(Receipt {
                epochs: vec![EpochReceipt {
                    epoch: 1,
                    below: 7,
                    ranges: vec![(9, 11), (12, 13)],
                }],
                read_up_to: 5,
                cannot_open: vec![(1, 6)],
            }),
        ),
        (
            "address",
            Body::Address(AddressRecord {
                counter: 2,
                addresses: vec![
                    "192.0.2.1:4711".parse().expect("v4"),
                    "[2001:db8::1]:4711".parse().expect("v6"),
                ],
            }),
        ),
        (
            "device",
            Body::Device(DeviceUpdate {
                manifests: vec![vec![1, 2], vec![4]],
                dc: vec![3],
            }),
        ),
        (
            "device_alone",
            Body::Device(DeviceUpdate {
                manifests: Vec::new(),
                dc: vec![3],
            }),
        ),
        ("void", Body::Void { seqs: vec![3, 300] }),
        (
            "profile",
            Body::Profile {
                name: "Alice".into(),
            },
        ),
        ("mailbox", Body::Mailbox(offer())),
        (
            "mailbox_gone",
            Body::Mailbox(MailboxOffer {
                number: 2,
                tags: None,
            }),
        ),
        (
            "unknown",
            Body::Unknown {
                kind: 77,
                bytes: vec![0xff],
            },
        ),
    ];
    for (name, body) in known {
        let payload = payload(body);
        let bytes = payload.encode().expect("valid");
        assert_eq!(
            vectors[name]["bytes"].as_str(),
            Some(hex(&bytes).as_str()),
            "{name}"
        );
        let id = message_id(&bytes, &payload.author_device).to_string();
        assert_eq!(vectors[name]["id"].as_str(), Some(id.as_str()), "{name}");
    }
    let context = pair_context(
        &ConversationId([1; 16]),
        &Fingerprint([7; 32]),
        &Fingerprint([8; 32]),
    );
    assert_eq!(
        vectors["pair_context"].as_str(),
        Some(hex(&context).as_str())
    );
}
