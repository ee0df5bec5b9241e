//! Statements (`protocol.md` D.2): what a device says about itself, signed, in the clear inside
//! the parcel's seal.
//!
//! A statement is read with nothing but the author's certificate, whose primary key never
//! changes, and made without any key of the recipient. So it gets through when both sides have
//! been away for longer than each other's subkeys live, and brings the new ones.

use crate::{
    crypto::{CryptoError, DeviceCert, DeviceKey, EnvelopeKind},
    model::limits,
    wire::{self, FieldLimit, WireError, check_fields, v1},
};

use super::{Body, Payload, PayloadError};

/// Purpose of the device's signature.
const PURPOSE: &str = "device-update";

const STATEMENT: &[FieldLimit] = &[
    FieldLimit::bytes(1, limits::MAX_PAYLOAD_BYTES),
    FieldLimit::bytes(2, 1024),
];

/// Why a statement is not made or not believed.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// The bytes break the format.
    #[error("the statement is malformed")]
    Malformed(#[source] WireError),
    /// Not signed by the device, or for another pair.
    #[error("the statement's signature is not valid")]
    Signature(#[source] CryptoError),
    /// It could not be signed.
    #[error("the statement could not be signed")]
    Sign(#[source] CryptoError),
}

impl Body {
    /// How it is sent: each known kind has one way.
    #[must_use]
    pub const fn envelope_kind(&self) -> EnvelopeKind {
        match self {
            Self::Address(_) | Self::Device(_) | Self::Void { .. } => EnvelopeKind::Statement,
            Self::Text(_)
            | Self::Receipt(_)
            | Self::Profile { .. }
            | Self::Mailbox(_)
            | Self::Unknown { .. } => EnvelopeKind::Sealed,
        }
    }
}

impl Payload {
    /// Whether a payload of its kind may come in such an envelope. How a later version's kinds
    /// travel is not known here, so they may come in any.
    pub fn check_envelope(&self, kind: EnvelopeKind) -> Result<(), PayloadError> {
        match self.body {
            Body::Unknown { .. } => Ok(()),
            _ if self.body.envelope_kind() == kind => Ok(()),
            _ => Err(PayloadError::Field("envelope")),
        }
    }
}

/// Signs an encoded payload for the pair that `context` names.
pub fn state(
    device: &DeviceKey,
    context: &[u8; 32],
    payload: &[u8],
) -> Result<Vec<u8>, StatementError> {
    let signature = device
        .sign(PURPOSE, &signed(context, payload))
        .map_err(StatementError::Sign)?;
    Ok(wire::write(&v1::Statement {
        payload: payload.to_vec(),
        signature,
    }))
}

/// The payload in `bytes`, if `author` stated it to the pair that `context` names.
pub fn open_statement(
    author: &DeviceCert,
    context: &[u8; 32],
    bytes: &[u8],
) -> Result<Vec<u8>, StatementError> {
    let raw: v1::Statement = check_fields(bytes, STATEMENT)
        .and_then(|()| wire::read(bytes))
        .map_err(StatementError::Malformed)?;
    author
        .verify(PURPOSE, &signed(context, &raw.payload), &raw.signature)
        .map_err(StatementError::Signature)?;
    Ok(raw.payload)
}

/// The context has one length, so nothing of the payload can pass for it.
fn signed(context: &[u8; 32], payload: &[u8]) -> Vec<u8> {
    [context.as_slice(), payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        crypto::{SeededRandom, seal},
        model::Timestamp,
    };
    use proptest::prelude::*;
    use std::{sync::LazyLock, time::Duration};

    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const CONTEXT: [u8; 32] = [7; 32];

    static ALICE: LazyLock<DeviceKey> = LazyLock::new(|| device(1));

    fn device(seed: u64) -> DeviceKey {
        DeviceKey::generate(NOW, &mut SeededRandom::new(seed)).expect("a key")
    }

    #[test]
    fn only_the_author_speaks_and_only_to_the_pair() {
        let alice = ALICE.cert();
        let stated = state(&ALICE, &CONTEXT, b"payload").expect("signed");
        let opened = open_statement(&alice, &CONTEXT, &stated).expect("hers");
        assert_eq!(opened, b"payload");
        assert!(open_statement(&alice, &[8; 32], &stated).is_err());
        assert!(open_statement(&device(2).cert(), &CONTEXT, &stated).is_err());
        // What she signed for another purpose.
        let data = signed(&CONTEXT, b"payload");
        let other = wire::write(&v1::Statement {
            payload: b"payload".to_vec(),
            signature: ALICE.sign("bundle", &data).expect("signed"),
        });
        assert!(open_statement(&alice, &CONTEXT, &other).is_err());
    }

    #[test]
    fn it_outlives_every_subkey_of_both_sides() {
        let (mut alice, mut bob) = (device(3), device(4));
        let (old_alice, old_bob) = (alice.cert(), bob.cert());
        let later = NOW.after(Duration::from_secs(40 * 86_400));
        alice.rotate(later).expect("rotated");
        bob.rotate(later).expect("rotated");
        assert!(!old_bob.has_subkey_for(later) && !old_alice.has_subkey_for(later));
        let news = alice.cert().to_bytes();
        let stated = state(&alice, &CONTEXT, &news).expect("signed");
        let told = open_statement(&old_alice, &CONTEXT, &stated).expect("the same device");
        let told = DeviceCert::parse(&told).expect("whole");
        let to = [crate::crypto::Recipient::Device(&told)];
        seal(&bob, &to, &CONTEXT, b"at last", later).expect("a usable key");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_change_is_refused(at: prop::sample::Index, flip in 1..=255_u8) {
            let mut stated = state(&ALICE, &CONTEXT, b"payload").expect("signed");
            let at = at.index(stated.len());
            stated[at] ^= flip;
            prop_assert!(open_statement(&ALICE.cert(), &CONTEXT, &stated).is_err());
        }

        #[test]
        fn any_bytes_are_refused(bytes: Vec<u8>) {
            prop_assert!(open_statement(&ALICE.cert(), &CONTEXT, &bytes).is_err());
        }
    }
}
