//! Mailbox frames: what is encoded is decoded, and nothing else is.

use super::{super::*, *};
use proptest::prelude::*;
use serde_json::Value;

fn sets() -> impl Strategy<Value = TagSet> {
    (
        SET_POWERS,
        any::<[u8; 12]>(),
        any::<bool>(),
        0..4_u8,
        any::<u32>(),
    )
        .prop_map(|(power, start, replace, max_class, valid_until)| TagSet {
            hashes: rising(1 << power, start),
            replace,
            max_class,
            valid_until,
        })
}

fn rising(count: u32, start: [u8; 12]) -> Vec<TagHash> {
    let hash = |n: u32| {
        let mut hash = [0; 16];
        hash[..4].copy_from_slice(&n.to_be_bytes());
        hash[4..].copy_from_slice(&start);
        hash
    };
    (0..count).map(hash).collect()
}

fn listed() -> impl Strategy<Value = Listed> {
    (any::<[u8; 16]>(), 0..4_u8, any::<u32>()).prop_map(|(hash, class, day)| Listed {
        hash,
        class,
        day,
    })
}

pub(in crate::wire) fn frames() -> impl Strategy<Value = MailboxFrame> {
    let parcel =
        (0..2_usize, any::<u8>()).prop_map(|(class, fill)| vec![fill; PARCEL_BYTES[class]]);
    let quota = (any::<[u32; 3]>(), any::<[u64; 2]>(), any::<u16>(), 0..4_u8).prop_map(
        |([hashes, max_hashes, parcels], [bytes, max_bytes], keep_days, max_class)| Quota {
            hashes,
            max_hashes,
            bytes,
            max_bytes,
            parcels,
            keep_days,
            max_class,
        },
    );
    let hash = any::<[u8; 16]>;
    prop_oneof![
        sets().prop_map(MailboxFrame::Register),
        (any::<bool>(), any::<u32>())
            .prop_map(|(taken, hashes)| MailboxFrame::Registered { taken, hashes }),
        any::<u64>().prop_map(|after| MailboxFrame::List { after }),
        (
            prop::collection::vec(listed(), 0..40),
            any::<u64>(),
            any::<bool>()
        )
            .prop_map(|(entries, next, more)| MailboxFrame::Listing {
                entries,
                next,
                more
            }),
        hash().prop_map(MailboxFrame::Fetch),
        parcel.clone().prop_map(MailboxFrame::Fetched),
        hash().prop_map(MailboxFrame::Missing),
        prop::collection::vec(hash(), 1..=MAX_DELETED).prop_map(MailboxFrame::Delete),
        (0..=256_u16).prop_map(|parcels| MailboxFrame::Deleted { parcels }),
        parcel.prop_map(MailboxFrame::Put),
        hash().prop_map(MailboxFrame::PutOk),
        hash().prop_map(MailboxFrame::PutNo),
        Just(MailboxFrame::Wipe),
        Just(MailboxFrame::Wiped),
        Just(MailboxFrame::Stat),
        quota.prop_map(MailboxFrame::Quota),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_encoded_is_decoded(frames in prop::collection::vec(frames(), 0..6)) {
        let mut bytes = Vec::new();
        for frame in &frames {
            encode(&Frame::Mailbox(frame.clone()), &mut bytes).expect("valid");
        }
        let mut rest = bytes.as_slice();
        for frame in frames {
            let (found, after) = decode_first(rest).expect("valid").expect("whole");
            prop_assert_eq!(found, Frame::Mailbox(frame));
            rest = after;
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn what_is_decoded_has_one_spelling(
        kind in 16..=28_u8,
        size in prop_oneof![0..300_u16, any::<u16>()],
        seed: Vec<u8>,
    ) {
        let [high, low] = size.to_be_bytes();
        let header = [kind, high, low];
        let Ok(len) = super::super::body_len(&header) else { return Ok(()) };
        prop_assert!(len <= MAX_BODY_LEN);
        let body: Vec<u8> = seed.iter().copied().chain([0]).cycle().take(len).collect();
        if let Ok(frame) = super::super::decode(&header, &body) {
            let mut again = Vec::new();
            encode(&frame, &mut again).expect("valid");
            prop_assert_eq!(again, [header.as_slice(), &body].concat());
        }
    }
}

fn refused(frame: MailboxFrame) -> FrameError {
    let mut out = vec![9];
    let error = encode(&Frame::Mailbox(frame), &mut out).expect_err("nobody may send it");
    assert_eq!(out, [9]);
    error
}

#[test]
fn frames_that_nobody_may_send_are_refused() {
    let set = |hashes, max_class| {
        MailboxFrame::Register(TagSet {
            hashes,
            replace: false,
            max_class,
            valid_until: 1,
        })
    };
    for count in [0, 1, 32, 63, 65, 8192] {
        assert_eq!(refused(set(rising(count, [0; 12]), 0)), FrameError::BadSize);
    }
    assert_eq!(refused(set(vec![[7; 16]; 64], 0)), FrameError::BadBody);
    let falling = rising(64, [0; 12]).into_iter().rev().collect();
    assert_eq!(refused(set(falling, 0)), FrameError::BadBody);
    assert_eq!(refused(set(rising(64, [0; 12]), 4)), FrameError::BadBody);
    let one = Listed {
        hash: [0; 16],
        class: 0,
        day: 0,
    };
    let listing = |entries| MailboxFrame::Listing {
        entries,
        next: 0,
        more: false,
    };
    assert_eq!(refused(listing(vec![one; 1025])), FrameError::BadSize);
    assert_eq!(
        refused(listing(vec![Listed { class: 4, ..one }])),
        FrameError::BadBody
    );
    assert_eq!(
        refused(MailboxFrame::Delete(Vec::new())),
        FrameError::BadSize
    );
    assert_eq!(
        refused(MailboxFrame::Delete(vec![[0; 16]; 257])),
        FrameError::BadSize
    );
    assert_eq!(
        refused(MailboxFrame::Put(vec![0; 4095])),
        FrameError::BadSize
    );
    assert_eq!(
        refused(MailboxFrame::Fetched(vec![0; 4097])),
        FrameError::BadSize
    );
}

#[test]
fn sizes_out_of_range_are_refused_before_a_body_is_read() {
    for header in [
        [16, 0, 5],
        [16, 0, 13],
        [19, 0x04, 0x01],
        [21, 0, 4],
        [23, 0, 0],
        [25, 0, 4],
        [26, 0, 2],
        [28, 0, 2],
    ] {
        assert_eq!(
            super::super::body_len(&header),
            Err(FrameError::BadSize),
            "{header:?}"
        );
    }
    assert_eq!(
        super::super::body_len(&[29, 0, 0]),
        Err(FrameError::UnknownType(29))
    );
}

#[test]
fn both_answers_to_a_deposit_are_as_long() {
    let len = |frame| {
        let mut out = Vec::new();
        encode(&Frame::Mailbox(frame), &mut out).expect("valid");
        out.len()
    };
    assert_eq!(
        len(MailboxFrame::PutOk([1; 16])),
        len(MailboxFrame::PutNo([1; 16]))
    );
}

#[test]
fn nothing_secret_is_printed() {
    let frame = Frame::Mailbox(MailboxFrame::PutOk([0xab; 16]));
    assert_eq!(format!("{frame:?}"), "PutOk");
}

fn sample(name: &str) -> MailboxFrame {
    let hash = [0x1a; 16];
    match name {
        "register" => MailboxFrame::Register(TagSet {
            hashes: rising(64, [0xe5; 12]),
            replace: true,
            max_class: 3,
            valid_until: 20_781,
        }),
        "registered" => MailboxFrame::Registered {
            taken: true,
            hashes: 64,
        },
        "refused" => MailboxFrame::Registered {
            taken: false,
            hashes: 4096,
        },
        "list" => MailboxFrame::List { after: 7 },
        "listing" => MailboxFrame::Listing {
            entries: vec![Listed {
                hash,
                class: 2,
                day: 20_780,
            }],
            next: 8,
            more: true,
        },
        "fetch" => MailboxFrame::Fetch(hash),
        "fetched" => MailboxFrame::Fetched(vec![0xf0; PARCEL_BYTES[1]]),
        "missing" => MailboxFrame::Missing(hash),
        "delete" => MailboxFrame::Delete(vec![hash; 2]),
        "deleted" => MailboxFrame::Deleted { parcels: 2 },
        "put" => MailboxFrame::Put(vec![0xa0; PARCEL_BYTES[0]]),
        "put_ok" => MailboxFrame::PutOk(hash),
        "put_no" => MailboxFrame::PutNo(hash),
        "wipe" => MailboxFrame::Wipe,
        "wiped" => MailboxFrame::Wiped,
        "stat" => MailboxFrame::Stat,
        "quota" => MailboxFrame::Quota(Quota {
            hashes: 64,
            max_hashes: 4096,
            bytes: 65_536,
            max_bytes: 67_108_864,
            parcels: 3,
            keep_days: 30,
            max_class: 3,
        }),
        other => panic!("unknown {other}"),
    }
}

#[test]
fn frames_match_the_committed_vectors() {
    let vectors: Value = serde_json::from_str(include_str!(
        "../../../../tests/fixtures/vectors/mailbox_frames.json"
    ))
    .expect("JSON");
    let cases = vectors.as_array().expect("a list");
    assert_eq!(cases.len(), 17);
    for case in cases {
        let frame = Frame::Mailbox(sample(case["frame"].as_str().expect("a name")));
        let mut bytes = Vec::new();
        encode(&frame, &mut bytes).expect("valid");
        let start: String = bytes.iter().take(40).map(|b| format!("{b:02x}")).collect();
        assert_eq!(start, case["start"].as_str().expect("hex"));
        assert_eq!(Some(bytes.len() as u64), case["total"].as_u64());
        assert_eq!(decode_first(&bytes), Ok(Some((frame, &[][..]))));
    }
}
