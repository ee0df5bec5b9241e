//! Parcels: what is sealed opens, under its own number only, in the smallest size.

use super::*;
use crate::crypto::SeededRandom;
use proptest::prelude::*;

fn tk() -> Secret<32> {
    Secret::new([5; 32])
}

fn envelopes() -> impl Strategy<Value = Vec<SealedEnvelope>> {
    let one = (
        any::<u32>(),
        any::<u64>(),
        any::<bool>(),
        prop::collection::vec(any::<u8>(), 0..3000),
    );
    let one = one.prop_map(|(epoch, index, statement, bytes)| SealedEnvelope {
        epoch,
        index,
        kind: if statement {
            EnvelopeKind::Statement
        } else {
            EnvelopeKind::Sealed
        },
        bytes,
    });
    prop::collection::vec(one, 1..9)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_sealed_opens_and_no_byte_may_change(
        content in envelopes(), path: u32, j: u64, at: prop::sample::Index, flip in 1..=255_u8,
    ) {
        let mut parcel = seal_parcel(&tk(), path, j, &content).unwrap();
        prop_assert!(PARCEL_BYTES.contains(&parcel.len()));
        prop_assert_eq!(open_parcel(&tk(), path, j, &parcel).unwrap(), content);
        let at = at.index(parcel.len());
        parcel[at] ^= flip;
        prop_assert!(open_parcel(&tk(), path, j, &parcel).is_err());
    }

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 4096)) {
        prop_assert!(open_single(&tk(), &bytes).is_err());
        prop_assert!(open_single(&tk(), &bytes[1..]).is_err());
    }

    // What an authenticated but hostile contact can put inside.
    #[test]
    fn any_sealed_content_is_parsed_or_refused(mut content in prop::collection::vec(any::<u8>(), 0..200), versioned: bool) {
        if versioned && content.len() > 2 { content[0] = VERSION; content[1] %= 3; }
        content.resize(PARCEL_BYTES[0] - TAG_LEN - aead::TAG_BYTES, 0);
        let body = aead::seal(&tk(), &[0; 24], &[0; 16], Zeroizing::new(content));
        if let Ok(opened) = open_with(&tk(), &[0; 16], Nonce::Zero, &body) {
            prop_assert!(!opened.is_empty());
        }
    }
}

#[test]
fn a_parcel_opens_only_under_its_own_number() {
    let content = [SealedEnvelope {
        epoch: 1,
        index: 2,
        kind: EnvelopeKind::Sealed,
        bytes: vec![3; 10],
    }];
    let parcel = seal_parcel(&tk(), 0, 7, &content).unwrap();
    assert!(open_parcel(&tk(), 0, 8, &parcel).is_err());
    assert!(open_parcel(&tk(), 1, 7, &parcel).is_err());
    assert!(open_parcel(&Secret::new([6; 32]), 0, 7, &parcel).is_err());
    assert_ne!(tag(&tk(), 0, 7), tag(&tk(), 1, 7));
}

#[test]
fn a_kind_of_a_later_version_is_named_and_refused() {
    for kind in [0, 3, 5, 255] {
        let entry = [[0; 12].as_slice(), &[kind], &[0; 4]].concat();
        let mut content = [[VERSION, 1].as_slice(), &entry].concat();
        content.resize(PARCEL_BYTES[0] - TAG_LEN - aead::TAG_BYTES, 0);
        let body = aead::seal(&tk(), &[0; 24], &[0; 16], Zeroizing::new(content));
        let opened = open_with(&tk(), &[0; 16], Nonce::Zero, &body);
        assert!(
            matches!(opened, Err(CryptoError::UnknownEnvelope { kind: named }) if named == kind)
        );
    }
}

#[test]
fn a_window_has_a_place_and_nothing_else() {
    let window = |bytes: Vec<u8>| SealedEnvelope {
        epoch: 3,
        index: 9,
        kind: EnvelopeKind::Window,
        bytes,
    };
    let parcel = seal_parcel(&tk(), 1, 7, &[window(Vec::new())]).unwrap();
    assert_eq!(
        open_parcel(&tk(), 1, 7, &parcel).unwrap(),
        [window(Vec::new())]
    );
    let parcel = seal_parcel(&tk(), 1, 7, &[window(vec![1])]).unwrap();
    assert!(open_parcel(&tk(), 1, 7, &parcel).is_err());
}

#[test]
fn the_smallest_class_that_fits_is_used() {
    let overhead = TAG_LEN + aead::NONCE_BYTES + aead::TAG_BYTES + HEADER_LEN + ENTRY_LEN;
    let rng = &mut SeededRandom::new(1);
    for size in PARCEL_BYTES {
        let full = vec![0; size - overhead];
        assert_eq!(
            seal_single(&Tag([1; 16]), &tk(), &full, rng).unwrap().len(),
            size
        );
    }
    let over = vec![0; PARCEL_BYTES[0] - overhead + 1];
    assert_eq!(
        seal_single(&Tag([1; 16]), &tk(), &over, rng).unwrap().len(),
        PARCEL_BYTES[1]
    );
    let too_much = vec![0; PARCEL_BYTES[3] - overhead + 1];
    assert!(matches!(
        seal_single(&Tag([1; 16]), &tk(), &too_much, rng),
        Err(CryptoError::TooLarge { .. })
    ));
}

#[test]
fn a_handshake_parcel_holds_exactly_one_message() {
    let parcel = seal_single(&Tag([1; 16]), &tk(), b"hello", &mut SeededRandom::new(1)).unwrap();
    assert_eq!(open_single(&tk(), &parcel).unwrap(), b"hello");
    let one = SealedEnvelope {
        epoch: 0,
        index: 0,
        kind: EnvelopeKind::Sealed,
        bytes: vec![1],
    };
    let two = seal_with(
        &Tag([1; 16]),
        &tk(),
        Nonce::Sent([9; 24]),
        &[one.clone(), one.clone()],
    )
    .unwrap();
    assert!(open_single(&tk(), &two).is_err());
    let stated = SealedEnvelope {
        kind: EnvelopeKind::Statement,
        ..one.clone()
    };
    let stated = seal_with(&Tag([1; 16]), &tk(), Nonce::Sent([9; 24]), &[stated]).unwrap();
    assert!(open_single(&tk(), &stated).is_err());
    let numbered = SealedEnvelope { index: 1, ..one };
    let numbered = seal_with(&Tag([1; 16]), &tk(), Nonce::Sent([9; 24]), &[numbered]).unwrap();
    assert!(open_single(&tk(), &numbered).is_err());
    assert!(seal_with(&Tag([1; 16]), &tk(), Nonce::Sent([9; 24]), &[]).is_err());
}

#[test]
fn two_who_share_a_key_share_no_key_stream() {
    let rng = &mut SeededRandom::new(1);
    let mut seal = || seal_single(&Tag([1; 16]), &tk(), b"the same", rng).unwrap();
    let (one, two) = (seal(), seal());
    assert_ne!(one[16..40], two[16..40], "the nonces");
    assert_ne!(one[40..], two[40..], "the contents");
    // Neither kind of parcel passes for the other.
    let numbered = SealedEnvelope {
        epoch: 0,
        index: 0,
        kind: EnvelopeKind::Sealed,
        bytes: vec![1],
    };
    let parcel = seal_parcel(&tk(), 0, 7, &[numbered]).unwrap();
    assert!(open_single(&key(&tk(), 0, 7), &parcel).is_err());
}
