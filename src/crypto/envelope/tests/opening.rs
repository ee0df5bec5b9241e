//! What opens, for whom and how long; and that no changed byte passes.

use proptest::prelude::*;

use super::*;

#[test]
fn a_proper_message_opens() {
    assert_eq!(bob_opens(&to_bob()).unwrap(), PAYLOAD);
    // So what the tests below build differs from a proper one only in what they change.
    assert_eq!(
        bob_opens(&encrypted(&signed(&ALICE, proper()))).unwrap(),
        PAYLOAD
    );
}

#[test]
fn every_addressed_device_opens_it_and_no_other() {
    let (bob, eve) = (BOB.cert(), EVE.cert());
    let to = [Recipient::Device(&bob), Recipient::Device(&eve)];
    let message = seal(&ALICE, &to, &CONTEXT, PAYLOAD, NOW).unwrap();
    for device in [&*BOB, &*EVE] {
        let opened = open(Opener::Device(device), &ALICE.cert(), &CONTEXT, &message);
        assert_eq!(opened.unwrap(), PAYLOAD);
    }
    let opened = open(Opener::Device(&ALICE), &ALICE.cert(), &CONTEXT, &message);
    assert_eq!(opened, Err(OpenError::NoKey));
}

#[test]
fn a_one_time_key_opens_what_was_sealed_to_it() {
    let key = OneTimeKey::generate().unwrap();
    let device = BOB.fingerprint();
    let public = key.public();
    let to = [Recipient::OneTime {
        key: &public,
        device,
    }];
    let message = seal(&ALICE, &to, &CONTEXT, PAYLOAD, NOW).unwrap();
    let with = Opener::OneTime { key: &key, device };
    assert_eq!(
        open(with, &ALICE.cert(), &CONTEXT, &message).unwrap(),
        PAYLOAD
    );
    assert_eq!(bob_opens(&message), Err(OpenError::NoKey));
    let other = Opener::OneTime {
        key: &key,
        device: EVE.fingerprint(),
    };
    assert_eq!(
        open(other, &ALICE.cert(), &CONTEXT, &message),
        Err(OpenError::NotAddressed)
    );
}

#[test]
fn an_author_found_in_the_payload_is_still_checked() {
    let message = to_bob();
    let found = |cert: DeviceCert, context| {
        open_unknown_author(Opener::Device(&BOB), &message, |payload| {
            assert_eq!(payload, PAYLOAD);
            Some((cert, context))
        })
    };
    let (payload, author) = found(ALICE.cert(), CONTEXT).unwrap();
    assert_eq!((payload.as_slice(), author), (PAYLOAD, ALICE.cert()));
    assert_eq!(found(EVE.cert(), CONTEXT), Err(OpenError::BadSignature));
    assert_eq!(found(ALICE.cert(), [8; 32]), Err(OpenError::WrongContext));
    let nobody = open_unknown_author(Opener::Device(&BOB), &message, |_| None);
    assert_eq!(nobody, Err(OpenError::UnknownAuthor));
    let panic = open_unknown_author(Opener::Device(&BOB), &message, |_| panic!("a defect"));
    assert_eq!(panic, Err(OpenError::Crashed));
}

#[test]
fn mail_to_an_expired_subkey_still_opens() {
    let mut bob = device(4);
    let old = bob.cert();
    let message = seal(&ALICE, &[Recipient::Device(&old)], &CONTEXT, PAYLOAD, NOW).unwrap();
    for _ in 0..10 {
        let due = bob.next_rotation();
        assert!(bob.rotate(due).unwrap());
    }
    let opened = open(Opener::Device(&bob), &ALICE.cert(), &CONTEXT, &message);
    assert_eq!(opened.unwrap(), PAYLOAD);
    // Who has not heard of the rotation still reaches him, until the grace is over.
    let later = NOW.after(Duration::from_secs(30 * 86_400));
    assert!(seal(&ALICE, &[Recipient::Device(&old)], &CONTEXT, PAYLOAD, later).is_ok());
    let too_late = NOW.after(Duration::from_secs(40 * 86_400));
    let sealed = seal(
        &ALICE,
        &[Recipient::Device(&old)],
        &CONTEXT,
        PAYLOAD,
        too_late,
    );
    assert!(matches!(sealed, Err(CryptoError::NoUsableSubkey)));
}

#[test]
fn limits_hold() {
    let bob = BOB.cert();
    let to = [Recipient::Device(&bob)];
    let sealed = |len| seal(&ALICE, &to, &CONTEXT, &vec![1; len], NOW);
    let large = sealed(200 * 1024).unwrap();
    assert_eq!(bob_opens(&large).unwrap().len(), 200 * 1024);
    assert_eq!(bob_opens(&sealed(0).unwrap()).unwrap(), b"");
    assert!(matches!(
        sealed(MAX_ENVELOPE_BYTES),
        Err(CryptoError::TooLarge { .. })
    ));
    let too_large = OpenError::TooLarge {
        max: MAX_ENVELOPE_BYTES,
    };
    assert_eq!(bob_opens(&vec![0; MAX_ENVELOPE_BYTES + 1]), Err(too_large));
    let nobody = seal(&ALICE, &[], &CONTEXT, PAYLOAD, NOW);
    assert!(matches!(
        nobody,
        Err(CryptoError::Recipients { count: 0, .. })
    ));
    let crowd = vec![to[0]; MAX_RECIPIENTS + 1];
    assert!(seal(&ALICE, &crowd, &CONTEXT, PAYLOAD, NOW).is_err());
}

#[test]
fn no_byte_may_change_or_be_missing() {
    let message = to_bob();
    for at in 0..message.len() {
        let mut changed = message.clone();
        changed[at] ^= 1;
        assert!(bob_opens(&changed).is_err(), "byte {at}");
    }
    for at in (0..message.len()).step_by(11) {
        assert!(bob_opens(&message[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn no_byte_may_change_inside_either() {
    let content = packets::to_bytes(&signed(&ALICE, proper())).unwrap();
    for at in 0..content.len() {
        let mut changed = content.to_vec();
        changed[at] ^= 1;
        let verdict = bob_opens(&encrypted_bytes(&changed));
        assert!(verdict.is_err(), "byte {at}");
        assert_ne!(verdict, Err(OpenError::Crashed), "byte {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_sealed_opens(payload in prop::collection::vec(any::<u8>(), 0..9000), context: [u8; 32]) {
        let bob = BOB.cert();
        let message = seal(&ALICE, &[Recipient::Device(&bob)], &context, &payload, NOW).unwrap();
        let opened = open(Opener::Device(&BOB), &ALICE.cert(), &context, &message);
        prop_assert_eq!(opened, Ok(payload));
    }

    #[test]
    fn any_change_is_refused(at: prop::sample::Index, flip in 1..=255_u8) {
        let mut message = to_bob();
        let at = at.index(message.len());
        message[at] ^= flip;
        prop_assert!(bob_opens(&message).is_err());
    }

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let verdict = bob_opens(&bytes);
        prop_assert!(verdict.is_err() && verdict != Err(OpenError::Crashed));
    }

    // What an authenticated but hostile contact can put inside.
    #[test]
    fn any_content_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let verdict = bob_opens(&encrypted_bytes(&bytes));
        prop_assert!(verdict.is_err() && verdict != Err(OpenError::Crashed));
    }

    #[test]
    fn any_change_to_the_sealed_packets_is_refused(at: prop::sample::Index, flip in 1..=255_u8) {
        let mut content = packets::to_bytes(&signed(&ALICE, proper())).unwrap().to_vec();
        let at = at.index(content.len());
        content[at] ^= flip;
        let verdict = bob_opens(&encrypted_bytes(&content));
        prop_assert!(verdict.is_err() && verdict != Err(OpenError::Crashed));
    }
}
