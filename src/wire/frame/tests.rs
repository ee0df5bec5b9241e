//! Frames: what is encoded is decoded, and nothing else is.

use super::*;
use proptest::prelude::*;
use serde_json::Value;

fn frames() -> impl Strategy<Value = Frame> {
    prop_oneof![
        (0..2_usize, any::<u8>())
            .prop_map(|(class, fill)| Frame::Parcel(vec![fill; PARCEL_BYTES[class]])),
        prop::collection::vec(any::<[u8; 16]>(), 1..=MAX_CUSTODY_TAGS).prop_map(Frame::Custody),
        any::<u64>().prop_map(Frame::Ping),
        any::<u64>().prop_map(Frame::Pong),
        (any::<u32>(), any::<u64>()).prop_map(|(epoch, next)| Frame::Window { epoch, next }),
        any::<u8>().prop_map(|fill| Frame::Bundle(Box::new([fill; BUNDLE_BYTES]))),
        Just(Frame::BundleRequest),
        Just(Frame::Bye),
        mailbox::tests::frames().prop_map(Frame::Mailbox),
    ]
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(frames in prop::collection::vec(frames(), 0..6)) {
        let mut bytes = Vec::new();
        for frame in &frames {
            encode(frame, &mut bytes).expect("valid");
        }
        let mut rest = bytes.as_slice();
        for frame in frames {
            let (found, after) = decode_first(rest).expect("valid").expect("whole");
            prop_assert_eq!(found, frame);
            rest = after;
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn arbitrary_bytes_never_panic(header: [u8; HEADER_LEN], body: Vec<u8>) {
        if let Ok(len) = body_len(&header) {
            prop_assert!(len <= MAX_BODY_LEN);
        }
        let _ = decode(&header, &body);
        let _ = decode_first(&body);
    }

    #[test]
    fn what_is_decoded_has_one_spelling(kind in 0..10_u8, size in 0..300_u16, fill: u8) {
        let [high, low] = size.to_be_bytes();
        let header = [kind, high, low];
        if let Ok(len) = body_len(&header) {
            let body = vec![fill; len];
            let mut again = Vec::new();
            encode(&decode(&header, &body).expect("sized"), &mut again).expect("valid");
            prop_assert_eq!(again, [header.as_slice(), &body].concat());
            prop_assert_eq!(decode(&header, &[body.as_slice(), &[0]].concat()), Err(FrameError::BadBody));
        }
    }
}

#[test]
fn frames_that_nobody_may_send_are_refused() {
    let mut out = vec![9];
    for frame in [
        Frame::Parcel(vec![0; 4095]),
        Frame::Custody(Vec::new()),
        Frame::Custody(vec![[0; 16]; MAX_CUSTODY_TAGS + 1]),
    ] {
        assert_eq!(encode(&frame, &mut out), Err(FrameError::BadSize));
    }
    assert_eq!(out, [9]);
    assert_eq!(body_len(&[9, 0, 0]), Err(FrameError::UnknownType(9)));
    assert_eq!(body_len(&[PARCEL, 0, 4]), Err(FrameError::BadSize));
    assert_eq!(body_len(&[BYE, 0, 1]), Err(FrameError::BadSize));
}

#[test]
fn frames_match_the_committed_vectors() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../tests/fixtures/vectors/frames.json"))
            .expect("JSON");
    let number = |value: &Value| value.as_u64().expect("a number");
    for case in vectors.as_array().expect("a list") {
        let frame = match case["frame"].as_str().expect("a name") {
            "parcel" => Frame::Parcel(vec![
                u8::try_from(number(&case["fill"])).expect("a byte");
                usize::try_from(number(&case["len"])).expect("a length")
            ]),
            "custody" => Frame::Custody(vec![[0xc5; 16]; 2]),
            "ping" => Frame::Ping(number(&case["number"])),
            "pong" => Frame::Pong(number(&case["number"])),
            "window" => Frame::Window {
                epoch: u32::try_from(number(&case["epoch"])).expect("32 bits"),
                next: number(&case["next"]),
            },
            "bundle" => Frame::Bundle(Box::new([0xb0; BUNDLE_BYTES])),
            "bundle_request" => Frame::BundleRequest,
            "bye" => Frame::Bye,
            other => panic!("unknown {other}"),
        };
        let mut bytes = Vec::new();
        encode(&frame, &mut bytes).expect("valid");
        let start: String = bytes.iter().take(40).map(|b| format!("{b:02x}")).collect();
        assert_eq!(start, case["start"].as_str().expect("hex"));
        assert_eq!(bytes.len() as u64, number(&case["total"]));
        assert_eq!(decode_first(&bytes), Ok(Some((frame, &[][..]))));
    }
}
