//! Opening, with every rule of the protocol.

use std::{
    io::Read,
    panic::{AssertUnwindSafe, catch_unwind},
};

use sequoia_openpgp::{
    Packet,
    crypto::{KeyPair, SessionKey},
    packet::{
        OnePassSig, PKESK, SEIP, Signature,
        one_pass_sig::OnePassSig6,
        pkesk::PKESK6,
        signature::subpacket::{Subpacket, SubpacketTag, SubpacketValue},
    },
    parse::PacketParserResult,
    policy::Policy,
    types::{DataFormat, SignatureType},
};
use zeroize::Zeroizing;

use super::{CONTEXT_NOTATION, MAX_ENVELOPE_BYTES, MAX_RECIPIENTS};
use crate::{
    crypto::{DeviceCert, DeviceKey, OneTimeKey, OpenError, cert, kdf, packets, policy::Strict},
    model::Fingerprint,
};

/// With what a message is opened.
#[derive(Clone, Copy, Debug)]
pub enum Opener<'a> {
    /// Any subkey that this device still holds, expired or not.
    Device(&'a DeviceKey),
    /// The key that this device gave for this one message.
    OneTime {
        /// The key.
        key: &'a OneTimeKey,
        /// The device.
        device: Fingerprint,
    },
}

impl Opener<'_> {
    fn device(&self) -> Fingerprint {
        match self {
            Self::Device(key) => key.fingerprint(),
            Self::OneTime { device, .. } => *device,
        }
    }

    fn decryptors(&self) -> Vec<&KeyPair> {
        match self {
            Self::Device(key) => key.decryptors(),
            Self::OneTime { key, .. } => vec![key.pair()],
        }
    }
}

/// The payload of `message`, if `author` signed it for this device and this conversation.
///
/// # Errors
/// Anything at all is not as [`super::seal`] makes it.
pub fn open(
    with: Opener<'_>,
    author: &DeviceCert,
    context: &[u8; 32],
    message: &[u8],
) -> Result<Vec<u8>, OpenError> {
    contained(|| {
        let content = Content::decrypt(with, message)?;
        content.check(with.device(), author, context)?;
        Ok(content.payload)
    })
}

/// Opens a message whose author is known only from its payload: `author` finds the
/// certificate and the conversation there. Believe neither before this returns.
///
/// # Errors
/// As for [`open`], or `author` finds none.
pub fn open_unknown_author(
    with: Opener<'_>,
    message: &[u8],
    author: impl FnOnce(&[u8]) -> Option<(DeviceCert, [u8; 32])>,
) -> Result<(Vec<u8>, DeviceCert), OpenError> {
    contained(|| {
        let content = Content::decrypt(with, message)?;
        let (author, context) = author(&content.payload).ok_or(OpenError::UnknownAuthor)?;
        content.check(with.device(), &author, &context)?;
        Ok((content.payload, author))
    })
}

/// A panic in the parser is the loss of one message, not of the daemon. Nothing that the
/// closure touches is used after one.
fn contained<T>(work: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(OpenError::Crashed))
}

/// A decrypted message of the right form. Who wrote it, and to whom, is not yet checked.
struct Content {
    /// To how many keys the message was sealed.
    sealed_to: usize,
    announced: OnePassSig6,
    payload: Vec<u8>,
    signature: Signature,
}

impl Content {
    fn decrypt(with: Opener<'_>, message: &[u8]) -> Result<Self, OpenError> {
        if message.len() > MAX_ENVELOPE_BYTES {
            return Err(OpenError::TooLarge {
                max: MAX_ENVELOPE_BYTES,
            });
        }
        let (sealed_to, plain) = decrypt(&with.decryptors(), message)?;
        Self::parse(sealed_to, &plain)
    }

    /// Exactly three packets: compression, nesting and second literals have no place.
    fn parse(sealed_to: usize, content: &[u8]) -> Result<Self, OpenError> {
        const WRONG: OpenError = OpenError::Form("it does not hold one signed literal");
        let packets = packets::flat(content, 3).map_err(|_| WRONG)?;
        // OpenPGP has several spellings of one packet; here a message has one.
        if packets::to_bytes(&packets).map_err(|_| WRONG)?.as_slice() != content {
            return Err(WRONG);
        }
        let mut packets = packets.into_iter();
        let packets = [packets.next(), packets.next(), packets.next()];
        let [
            Some(Packet::OnePassSig(OnePassSig::V6(announced))),
            Some(Packet::Literal(mut literal)),
            Some(Packet::Signature(signature)),
        ] = packets
        else {
            return Err(WRONG);
        };
        // These are not covered by the signature.
        if literal.format() != DataFormat::Binary
            || literal.filename().is_some()
            || literal.date().is_some()
        {
            return Err(OpenError::Form(
                "the literal has a name, a date or a format",
            ));
        }
        Ok(Self {
            sealed_to,
            announced,
            payload: literal.set_body(Vec::new()),
            signature,
        })
    }

    fn check(
        &self,
        device: Fingerprint,
        author: &DeviceCert,
        context: &[u8; 32],
    ) -> Result<(), OpenError> {
        self.check_form()?;
        if !packets::issued_by(&self.signature, &author.primary().fingerprint()) {
            return Err(OpenError::BadSignature);
        }
        self.signature
            .verify_message(author.primary(), &self.payload)
            .ok()
            .filter(|()| packets::repeats_digest(&self.signature))
            .ok_or(OpenError::BadSignature)?;
        if !self.names_recipient(&device) {
            return Err(OpenError::NotAddressed);
        }
        if !self.names_context(context) {
            return Err(OpenError::WrongContext);
        }
        if self.recipients().count() != self.sealed_to {
            return Err(OpenError::Form("it is not sealed to whom it names"));
        }
        Ok(())
    }

    /// The signature is of the one kind, agrees with its announcement, and demands nothing
    /// that this version does not know.
    fn check_form(&self) -> Result<(), OpenError> {
        let Signature::V6(signature) = &self.signature else {
            return Err(OpenError::Form("the signature is not version 6"));
        };
        if signature.typ() != SignatureType::Binary
            || self.announced.typ() != signature.typ()
            || self.announced.hash_algo() != signature.hash_algo()
            || self.announced.pk_algo() != signature.pk_algo()
            || self.announced.salt() != signature.salt()
            || self.announced.last_raw() != 1
            || !packets::issued_by(&self.signature, self.announced.issuer())
        {
            return Err(OpenError::Form("the signature is not the one announced"));
        }
        if signature.unhashed_area().iter().next().is_some() {
            return Err(OpenError::Form("the signature has unsigned parts"));
        }
        for subpacket in signature.hashed_area().iter() {
            let known = match subpacket.value() {
                SubpacketValue::SignatureCreationTime(_)
                | SubpacketValue::IssuerFingerprint(_)
                | SubpacketValue::IntendedRecipient(_) => true,
                SubpacketValue::NotationData(data) => data.name() == CONTEXT_NOTATION,
                _ => false,
            };
            if subpacket.critical() && !known {
                return Err(OpenError::Form("the signature demands something unknown"));
            }
        }
        if signature
            .subpacket(SubpacketTag::SignatureExpirationTime)
            .is_some()
        {
            return Err(OpenError::Form("the signature expires"));
        }
        Ok(())
    }

    fn recipients(&self) -> impl Iterator<Item = &Subpacket> {
        let area = self.signature.hashed_area();
        area.subpackets(SubpacketTag::IntendedRecipient)
    }

    fn names_recipient(&self, device: &Fingerprint) -> bool {
        let is_device = |value: &SubpacketValue| match value {
            SubpacketValue::IntendedRecipient(name) => name.as_bytes() == device.0,
            _ => false,
        };
        self.recipients().all(|subpacket| subpacket.critical())
            && self
                .recipients()
                .any(|subpacket| is_device(subpacket.value()))
    }

    fn names_context(&self, context: &[u8; 32]) -> bool {
        let mut contexts =
            self.signature
                .hashed_area()
                .iter()
                .filter_map(|subpacket| match subpacket.value() {
                    SubpacketValue::NotationData(data) if data.name() == CONTEXT_NOTATION => {
                        Some((subpacket.critical(), data.value()))
                    }
                    _ => None,
                });
        match (contexts.next(), contexts.next()) {
            (Some((critical, value)), None) => critical && kdf::same(value, context),
            _ => false,
        }
    }
}

/// The plaintext of a message of the form: session keys, then one SEIPDv2 packet, then the
/// end; and how many session keys there were. All of it is authenticated before a byte is
/// returned.
fn decrypt(keys: &[&KeyPair], message: &[u8]) -> Result<(usize, Zeroizing<Vec<u8>>), OpenError> {
    const BROKEN: OpenError = OpenError::Form("it is not a sequence of packets");
    let mut wrapped: Vec<PKESK6> = Vec::new();
    let mut next = packets::parser(message).map_err(|_| BROKEN)?;
    while let PacketParserResult::Some(mut current) = next {
        Strict
            .packet(&current.packet)
            .map_err(|_| OpenError::Form("it uses an algorithm or packet that is not permitted"))?;
        match &current.packet {
            Packet::PKESK(PKESK::V6(pkesk)) => {
                if pkesk.recipient().is_some() {
                    return Err(OpenError::Form("it names its recipient openly"));
                }
                if wrapped.len() == MAX_RECIPIENTS {
                    return Err(OpenError::Form("it has too many recipients"));
                }
                wrapped.push(pkesk.clone());
                next = current.next().map_err(|_| BROKEN)?.1;
            }
            Packet::SEIP(SEIP::V2(_)) => {
                let session = unwrap_session(&wrapped, keys).ok_or(OpenError::NoKey)?;
                current
                    .decrypt(None, &session)
                    .map_err(|_| OpenError::Tampered)?;
                // The plaintext is shorter than the message, so that it never moves.
                let mut plain = Zeroizing::new(Vec::with_capacity(message.len()));
                current
                    .read_to_end(&mut plain)
                    .map_err(|_| OpenError::Tampered)?;
                return match current.next() {
                    Ok((_, PacketParserResult::EOF(_))) => Ok((wrapped.len(), plain)),
                    _ => Err(OpenError::Form("something follows the encrypted packet")),
                };
            }
            _ => return Err(OpenError::Form("it has a packet out of place")),
        }
    }
    Err(OpenError::Form("it has no encrypted packet"))
}

fn unwrap_session(wrapped: &[PKESK6], keys: &[&KeyPair]) -> Option<SessionKey> {
    keys.iter()
        .find_map(|key| wrapped.iter().find_map(|pkesk| cert::unwrap(pkesk, key)))
}
