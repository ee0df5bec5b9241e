//! Every rule of the envelope, by a message that breaks it and nothing else.

use std::{io::Write, sync::LazyLock, time::Duration};

use proptest::prelude::*;
use sequoia_openpgp::{
    Packet,
    crypto::SessionKey,
    packet::{
        Literal, OnePassSig, PKESK, Signature,
        one_pass_sig::OnePassSig6,
        pkesk::PKESK6,
        signature::{
            SignatureBuilder,
            subpacket::{NotationData, Subpacket, SubpacketValue},
        },
    },
    serialize::stream::{Encryptor, Message},
    types::{AEADAlgorithm, DataFormat, HashAlgorithm, SignatureType, SymmetricAlgorithm},
};

use super::*;
use crate::{
    crypto::{
        CryptoError, DeviceCert, DeviceKey, OneTimeKey, OpenError, Random, Secret, SeededRandom,
        SystemRandom, cert, packets,
    },
    model::Timestamp,
};

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const CONTEXT: [u8; 32] = [7; 32];
const PAYLOAD: &[u8] = b"Come at six.";

static ALICE: LazyLock<DeviceKey> = LazyLock::new(|| device(1));
static BOB: LazyLock<DeviceKey> = LazyLock::new(|| device(2));
static EVE: LazyLock<DeviceKey> = LazyLock::new(|| device(3));

fn device(seed: u64) -> DeviceKey {
    DeviceKey::generate(NOW, &mut SeededRandom::new(seed)).unwrap()
}

fn to_bob() -> Vec<u8> {
    let bob = BOB.cert();
    seal(&ALICE, &[Recipient::Device(&bob)], &CONTEXT, PAYLOAD, NOW).unwrap()
}

/// Bob opens a message that should be Alice's.
fn bob_opens(message: &[u8]) -> Result<Vec<u8>, OpenError> {
    open(Opener::Device(&BOB), &ALICE.cert(), &CONTEXT, message)
}

fn recipient(device: &DeviceKey, critical: bool) -> Subpacket {
    let device = packets::foreign(&device.fingerprint()).unwrap();
    Subpacket::new(SubpacketValue::IntendedRecipient(device), critical).unwrap()
}

fn notation(name: &str, value: &[u8], critical: bool) -> Subpacket {
    let data = NotationData::new(name, value, None);
    Subpacket::new(SubpacketValue::NotationData(data), critical).unwrap()
}

fn context(value: &[u8], critical: bool) -> Subpacket {
    notation(CONTEXT_NOTATION, value, critical)
}

/// What Alice's device properly says.
fn proper() -> Vec<Subpacket> {
    vec![recipient(&BOB, true), context(&CONTEXT, true)]
}

fn announced(signer: &DeviceKey, salt: &[u8], last: bool) -> Packet {
    let issuer = signer.signer().public().fingerprint();
    let mut announced = OnePassSig6::new(SignatureType::Binary, issuer);
    announced.set_pk_algo(signer.signer().public().pk_algo());
    announced.set_hash_algo(HashAlgorithm::SHA512);
    announced.set_salt(salt.to_vec());
    announced.set_last(last);
    OnePassSig::from(announced).into()
}

fn literal() -> Literal {
    let mut literal = Literal::new(DataFormat::Binary);
    literal.set_body(PAYLOAD.to_vec());
    literal
}

fn signature(signer: &DeviceKey, salt: &[u8], subpackets: Vec<Subpacket>) -> Signature {
    SignatureBuilder::new(SignatureType::Binary)
        .set_hash_algo(HashAlgorithm::SHA512)
        .set_signature_creation_time(packets::at(packets::seconds_of(NOW)))
        .unwrap()
        .modify_hashed_area(|mut area| {
            for subpacket in subpackets {
                area.add(subpacket)?;
            }
            Ok(area)
        })
        .unwrap()
        .set_prefix_salt(salt.to_vec())
        .0
        .sign_message(&mut signer.signer().clone(), PAYLOAD)
        .unwrap()
}

/// One-pass signature, literal, signature.
fn signed(signer: &DeviceKey, subpackets: Vec<Subpacket>) -> Vec<Packet> {
    let mut salt = [0; 32];
    SystemRandom.fill(&mut salt);
    vec![
        announced(signer, &salt, true),
        literal().into(),
        signature(signer, &salt, subpackets).into(),
    ]
}

fn session() -> SessionKey {
    cert::session_key(&Secret::random(&mut SystemRandom))
}

fn for_bob(session: &SessionKey) -> Vec<u8> {
    let bob = BOB.cert();
    let packet = cert::anonymous(session, bob.subkey_for(NOW).unwrap()).unwrap();
    packets::to_bytes(&[packet]).unwrap().to_vec()
}

fn encrypted_bytes(content: &[u8]) -> Vec<u8> {
    let session = session();
    let mut message = for_bob(&session);
    super::seal::encrypt(&mut message, session, content).unwrap();
    message
}

fn encrypted(content: &[Packet]) -> Vec<u8> {
    encrypted_bytes(&packets::to_bytes(content).unwrap())
}

/// Sealed with algorithms of the caller's choice; without AEAD it is SEIPDv1.
fn encrypted_with(cipher: SymmetricAlgorithm, aead: Option<AEADAlgorithm>) -> Vec<u8> {
    let content = packets::to_bytes(&signed(&ALICE, proper())).unwrap();
    let session = SessionKey::new(cipher.key_size().unwrap()).unwrap();
    let mut message = for_bob(&session);
    let sink = Message::new(&mut message);
    let mut encryptor = Encryptor::with_session_key(sink, cipher, session).unwrap();
    if let Some(aead) = aead {
        encryptor = encryptor.aead_algo(aead);
    }
    let mut sink = encryptor.build().unwrap();
    sink.write_all(&content).unwrap();
    sink.finalize().unwrap();
    message
}

#[track_caller]
fn assert_form(message: &[u8]) {
    let verdict = bob_opens(message);
    assert!(matches!(verdict, Err(OpenError::Form(_))), "{verdict:?}");
}

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
fn only_the_expected_author_is_believed() {
    assert_eq!(
        bob_opens(&encrypted(&signed(&EVE, proper()))),
        Err(OpenError::BadSignature)
    );
    // Eve's signature under Alice's name.
    let alice = ALICE.signer().public().fingerprint();
    let mut subpackets = proper();
    let named = SubpacketValue::IssuerFingerprint(alice);
    subpackets.push(Subpacket::new(named, true).unwrap());
    let mut forged = signed(&EVE, subpackets);
    forged[0] = match (&forged[0], announced(&ALICE, &[], true)) {
        (
            Packet::OnePassSig(OnePassSig::V6(eve)),
            Packet::OnePassSig(OnePassSig::V6(mut alice)),
        ) => {
            alice.set_salt(eve.salt().to_vec());
            OnePassSig::from(alice).into()
        }
        _ => unreachable!(),
    };
    assert_eq!(bob_opens(&encrypted(&forged)), Err(OpenError::BadSignature));
    // Alice's signature over other words.
    let mut changed = signed(&ALICE, proper());
    let mut other = Literal::new(DataFormat::Binary);
    other.set_body(b"Come at ten.".to_vec());
    changed[1] = other.into();
    assert_eq!(
        bob_opens(&encrypted(&changed)),
        Err(OpenError::BadSignature)
    );
}

#[test]
fn a_message_for_somebody_else_cannot_be_passed_on() {
    let not_addressed = Err(OpenError::NotAddressed);
    let with = |recipients: Vec<Subpacket>| {
        let subpackets = [recipients, vec![context(&CONTEXT, true)]].concat();
        bob_opens(&encrypted(&signed(&ALICE, subpackets)))
    };
    assert_eq!(with(vec![]), not_addressed, "no recipient named");
    assert_eq!(
        with(vec![recipient(&EVE, true)]),
        not_addressed,
        "what Eve got, passed on"
    );
    assert_eq!(
        with(vec![recipient(&BOB, false)]),
        not_addressed,
        "not critical"
    );
    let mixed = vec![recipient(&BOB, true), recipient(&EVE, false)];
    assert_eq!(with(mixed), not_addressed, "one of them not critical");
}

#[test]
fn a_message_belongs_to_one_conversation() {
    let wrong = Err(OpenError::WrongContext);
    let with = |contexts: Vec<Subpacket>| {
        let subpackets = [vec![recipient(&BOB, true)], contexts].concat();
        bob_opens(&encrypted(&signed(&ALICE, subpackets)))
    };
    assert_eq!(with(vec![]), wrong, "none");
    assert_eq!(with(vec![context(&[8; 32], true)]), wrong, "another");
    assert_eq!(
        with(vec![context(&CONTEXT[..31], true)]),
        wrong,
        "cut short"
    );
    assert_eq!(with(vec![context(&CONTEXT, false)]), wrong, "not critical");
    let twice = vec![context(&CONTEXT, true), context(&[8; 32], true)];
    assert_eq!(with(twice), wrong, "two");
}

#[test]
fn a_signature_may_demand_nothing_unknown() {
    let with = |more: Subpacket| encrypted(&signed(&ALICE, [proper(), vec![more]].concat()));
    assert_form(&with(notation("other@msgd", b"x", true)));
    let expires =
        SubpacketValue::SignatureExpirationTime(Duration::from_secs(60).try_into().unwrap());
    assert_form(&with(Subpacket::new(expires, false).unwrap()));
    let harmless = with(notation("other@msgd", b"x", false));
    assert_eq!(bob_opens(&harmless).unwrap(), PAYLOAD);
}

#[test]
fn a_statement_is_not_an_envelope() {
    let detached = ALICE.sign("purpose", PAYLOAD).unwrap();
    assert_form(&detached);
    let mut content = signed(&ALICE, proper());
    content[2] = packets::flat(&detached, 1).unwrap().remove(0);
    assert_form(&encrypted(&content));
}

#[test]
fn there_is_exactly_one_signature_and_one_literal() {
    let good = signed(&ALICE, proper());
    let (salt_a, salt_b) = ([1; 32], [2; 32]);
    let two = [
        announced(&ALICE, &salt_a, false),
        announced(&ALICE, &salt_b, true),
        literal().into(),
        signature(&ALICE, &salt_b, proper()).into(),
        signature(&ALICE, &salt_a, proper()).into(),
    ];
    assert_form(&encrypted(&two));
    assert_form(&encrypted(&[good.clone(), vec![good[2].clone()]].concat()));
    assert_form(&encrypted(&[good.clone(), vec![literal().into()]].concat()));
    assert_form(&encrypted(&[vec![literal().into()], good.clone()].concat()));
    assert_form(&encrypted(
        &[vec![Packet::Marker(Default::default())], good.clone()].concat(),
    ));
    assert_form(&encrypted(&[literal().into()]));
    assert_form(&encrypted(&good[..2]));
    assert_form(&encrypted(&good[1..]));
    assert_form(&encrypted(&[good[2].clone(), good[1].clone()]));
    assert_form(&encrypted(&[]));
}

#[test]
fn the_signature_is_the_one_announced() {
    let mut other_salt = signed(&ALICE, proper());
    other_salt[0] = announced(&ALICE, &[1; 32], true);
    assert_form(&encrypted(&other_salt));
    let salt = [3; 32];
    let more_to_come = [
        announced(&ALICE, &salt, false),
        literal().into(),
        signature(&ALICE, &salt, proper()).into(),
    ];
    assert_form(&encrypted(&more_to_come));
    let mut other_issuer = signed(&ALICE, proper());
    let Packet::OnePassSig(OnePassSig::V6(real)) = other_issuer[0].clone() else {
        unreachable!()
    };
    other_issuer[0] = announced(&EVE, real.salt(), true);
    assert_form(&encrypted(&other_issuer));
}

#[test]
fn nothing_stands_outside_the_signature() {
    let change = |change: fn(&mut Literal)| {
        let mut content = signed(&ALICE, proper());
        let mut literal = literal();
        change(&mut literal);
        content[1] = literal.into();
        encrypted(&content)
    };
    assert_eq!(bob_opens(&change(|_| ())).unwrap(), PAYLOAD);
    assert_form(&change(|l| assert!(l.set_filename("evil.sh").is_ok())));
    assert_form(&change(|l| assert!(l.set_date(packets::at(1)).is_ok())));
    assert_form(&change(|l| {
        assert_eq!(l.set_format(DataFormat::Unicode), DataFormat::Binary)
    }));

    let mut content = signed(&ALICE, proper());
    let Packet::Signature(signature) = &mut content[2] else {
        unreachable!()
    };
    signature
        .unhashed_area_mut()
        .add(notation("other@msgd", b"x", false))
        .unwrap();
    assert_form(&encrypted(&content));
}

#[test]
fn nothing_is_compressed_or_nested() {
    let content = packets::to_bytes(&signed(&ALICE, proper())).unwrap();
    let len = u32::try_from(content.len() + 1).unwrap().to_be_bytes();
    // Compressed data, algorithm "none".
    let compressed = [&[0xC8, 0xFF], len.as_slice(), &[0], &content].concat();
    assert_form(&encrypted_bytes(&compressed));
    assert_form(&compressed);
    assert_form(&encrypted_bytes(&to_bob()));
    assert_form(&content);
}

#[test]
fn other_ciphers_and_containers_are_refused() {
    use SymmetricAlgorithm::{AES128, AES256};
    assert_eq!(
        bob_opens(&encrypted_with(AES256, Some(AEADAlgorithm::OCB))).unwrap(),
        PAYLOAD
    );
    assert_form(&encrypted_with(AES256, None));
    assert_form(&encrypted_with(AES256, Some(AEADAlgorithm::EAX)));
    assert_form(&encrypted_with(AES128, Some(AEADAlgorithm::OCB)));
}

#[test]
fn the_outer_packets_are_fixed_too() {
    let message = to_bob();
    assert_form(&[message.as_slice(), &message].concat());
    assert_form(&[message.as_slice(), &[0]].concat());
    let marker = packets::to_bytes(&[Packet::Marker(Default::default())]).unwrap();
    assert_form(&[marker.as_slice(), &message].concat());
    assert_form(&[message.as_slice(), &marker].concat());
    assert_form(&[]);

    let session = session();
    assert_form(&for_bob(&session));
    let bob = BOB.cert();
    let named = PKESK6::for_recipient(&session, bob.subkey_for(NOW).unwrap()).unwrap();
    let mut open_name = packets::to_bytes(&[PKESK::from(named).into()])
        .unwrap()
        .to_vec();
    let content = packets::to_bytes(&signed(&ALICE, proper())).unwrap();
    super::seal::encrypt(&mut open_name, session.clone(), &content).unwrap();
    assert_form(&open_name);

    let mut crowd = for_bob(&session).repeat(MAX_RECIPIENTS + 1);
    super::seal::encrypt(&mut crowd, session, &content).unwrap();
    assert_form(&crowd);
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
