//! Sealing.

use std::io::Write;

use sequoia_openpgp::{
    Fingerprint as ForeignFingerprint, Packet,
    crypto::{KeyPair, SessionKey},
    packet::{
        Key, Literal, Signature,
        key::{PublicParts, SubordinateRole},
        one_pass_sig::OnePassSig6,
        signature::{
            SignatureBuilder,
            subpacket::{NotationData, Subpacket, SubpacketValue},
        },
    },
    serialize::stream::{Encryptor, Message},
    types::{AEADAlgorithm, DataFormat, HashAlgorithm, SignatureType, SymmetricAlgorithm},
};

use super::{CONTEXT_NOTATION, MAX_ENVELOPE_BYTES, MAX_RECIPIENTS};
use crate::{
    crypto::{
        CryptoError, DeviceCert, DeviceKey, OneTimePublic, Random, Secret, SystemRandom, cert,
        packets,
    },
    model::{Fingerprint, Timestamp},
};

const HASH: HashAlgorithm = HashAlgorithm::SHA512;
const SALT_BYTES: usize = 32;

/// To whom a message is sealed.
#[derive(Clone, Copy, Debug)]
pub enum Recipient<'a> {
    /// A device, through its subkey of the day.
    Device(&'a DeviceCert),
    /// The same, for whom nobody should wait: alone it takes the session key that
    /// [`DeviceCert::wrap_ahead`] made, if there is one.
    Ahead(&'a DeviceCert),
    /// A device, through a key that it gave for this one message.
    OneTime {
        /// The key.
        key: &'a OneTimePublic,
        /// The device.
        device: Fingerprint,
    },
}

impl Recipient<'_> {
    fn device(&self) -> Fingerprint {
        match self {
            Self::Device(cert) | Self::Ahead(cert) => cert.fingerprint(),
            Self::OneTime { device, .. } => *device,
        }
    }

    fn key(&self, now: Timestamp) -> Option<&Key<PublicParts, SubordinateRole>> {
        match self {
            Self::Device(cert) | Self::Ahead(cert) => cert.subkey_for(now),
            Self::OneTime { key, .. } => Some(key.key()),
        }
    }
}

/// Signs `payload` for the conversation `context` and seals it to every recipient.
///
/// # Errors
/// There are no or too many recipients, one has no usable key, or the payload is too large.
pub fn seal(
    signer: &DeviceKey,
    to: &[Recipient<'_>],
    context: &[u8; 32],
    payload: &[u8],
    now: Timestamp,
) -> Result<Vec<u8>, CryptoError> {
    if to.is_empty() || to.len() > MAX_RECIPIENTS {
        return Err(CryptoError::Recipients {
            count: to.len(),
            max: MAX_RECIPIENTS,
        });
    }
    let devices = to
        .iter()
        .map(|recipient| packets::foreign(&recipient.device()))
        .collect::<Result<Vec<_>, _>>()?;
    let content = content(signer.signer(), devices, context, payload, now)?;

    let made = match to {
        [Recipient::Ahead(cert)] => cert.take_ahead(now),
        _ => None,
    };
    let (session, wrapped) = match made {
        Some((session, packet)) => (session, vec![packet]),
        None => wrap(to, now)?,
    };
    let mut message = packets::to_bytes(&wrapped)?.to_vec();
    encrypt(&mut message, session, &packets::to_bytes(&content)?).map_err(CryptoError::open_pgp)?;
    if message.len() > MAX_ENVELOPE_BYTES {
        return Err(CryptoError::TooLarge {
            len: message.len(),
            max: MAX_ENVELOPE_BYTES,
        });
    }
    Ok(message)
}

/// A fresh session key, wrapped for every recipient.
fn wrap(to: &[Recipient<'_>], now: Timestamp) -> Result<(SessionKey, Vec<Packet>), CryptoError> {
    let session = cert::session_key(&Secret::random(&mut SystemRandom));
    let wrapped = to.iter().map(|recipient| {
        let key = recipient.key(now).ok_or(CryptoError::NoUsableSubkey)?;
        cert::anonymous(&session, key)
    });
    let wrapped = wrapped.collect::<Result<_, _>>()?;
    Ok((session, wrapped))
}

/// What is sealed: one-pass signature, literal, signature.
fn content(
    signer: &KeyPair,
    devices: Vec<ForeignFingerprint>,
    context: &[u8; 32],
    payload: &[u8],
    now: Timestamp,
) -> Result<[Packet; 3], CryptoError> {
    let mut salt = [0; SALT_BYTES];
    SystemRandom.fill(&mut salt);
    let mut announced = OnePassSig6::new(SignatureType::Binary, signer.public().fingerprint());
    announced.set_pk_algo(signer.public().pk_algo());
    announced.set_hash_algo(HASH);
    announced.set_salt(salt.to_vec());
    announced.set_last(true);

    let mut literal = Literal::new(DataFormat::Binary);
    literal.set_body(payload.to_vec());

    let signature =
        sign(signer, devices, context, payload, now, salt).map_err(CryptoError::open_pgp)?;
    Ok([
        sequoia_openpgp::packet::OnePassSig::from(announced).into(),
        literal.into(),
        signature.into(),
    ])
}

fn sign(
    signer: &KeyPair,
    devices: Vec<ForeignFingerprint>,
    context: &[u8; 32],
    payload: &[u8],
    now: Timestamp,
    salt: [u8; SALT_BYTES],
) -> sequoia_openpgp::Result<Signature> {
    // A signature older than its key is void, whatever our clock says.
    let time = packets::at(packets::seconds_of(now)).max(signer.public().creation_time());
    let context = NotationData::new(CONTEXT_NOTATION, context, None);
    let context = Subpacket::new(SubpacketValue::NotationData(context), true)?;
    SignatureBuilder::new(SignatureType::Binary)
        .set_hash_algo(HASH)
        .set_signature_creation_time(time)?
        .modify_hashed_area(|mut area| {
            for device in devices {
                let recipient = SubpacketValue::IntendedRecipient(device);
                area.add(Subpacket::new(recipient, true)?)?;
            }
            area.add(context)?;
            Ok(area)
        })?
        .set_prefix_salt(salt.to_vec())
        .0
        .sign_message(&mut signer.clone(), payload)
}

pub(super) fn encrypt(
    message: &mut Vec<u8>,
    session: SessionKey,
    content: &[u8],
) -> sequoia_openpgp::Result<()> {
    let sink = Message::new(message);
    let mut sink = Encryptor::with_session_key(sink, SymmetricAlgorithm::AES256, session)?
        .aead_algo(AEADAlgorithm::OCB)
        .build()?;
    sink.write_all(content)?;
    sink.finalize()
}
