//! Every rule of the envelope, by a message that breaks it and nothing else; here is how
//! such messages are made.

mod form;
mod opening;
mod trust;

use std::{io::Write, sync::LazyLock, time::Duration};

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

use super::{seal::encrypt as encrypt_into, *};
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
    encrypt_into(&mut message, session, content).unwrap();
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
