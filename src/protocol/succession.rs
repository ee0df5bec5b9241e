//! Succession (`protocol.md` A.2): an identity names the one that takes its place.
//!
//! The old identity signs, so that nobody else can give its contacts away; the new one
//! countersigns, so that nobody is made the successor of somebody they are not. What follows
//! from it, and that the user is told, is for the engine to see to.

use crate::{
    crypto::{CryptoError, IdentityCert, IdentityKey},
    model::Fingerprint,
    wire::{self, FieldLimit, WireError, check_fields, v1},
};

const SUCCESSION_VERSION: u32 = 1;
/// Purpose of both signatures.
const PURPOSE: &str = "succession";

const SIGNED: &[FieldLimit] = &[
    FieldLimit::bytes(1, 2048),
    FieldLimit::bytes(2, 1024),
    FieldLimit::bytes(3, 1024),
];
const SUCCESSION: &[FieldLimit] = &[
    FieldLimit::number(1),
    FieldLimit::bytes(2, 32),
    FieldLimit::bytes(3, 1024),
    FieldLimit::bytes(4, 32),
];

/// Why a succession is not made or not believed.
#[derive(Debug, thiserror::Error)]
pub enum SuccessionError {
    /// The bytes break the format.
    #[error("the succession is malformed")]
    Malformed(#[source] WireError),
    /// A field does not have its one permitted form.
    #[error("the succession's {0} is not valid")]
    Field(&'static str),
    /// It is written in a later version.
    #[error("the succession needs a newer version of msgd")]
    NewerVersion,
    /// It is another identity's.
    #[error("the succession is of another identity")]
    OtherIdentity,
    /// The certificate of the new identity is not one.
    #[error("the new identity's certificate is not valid")]
    Certificate(#[source] CryptoError),
    /// The old identity did not sign it.
    #[error("the old identity did not sign the succession")]
    Signature(#[source] CryptoError),
    /// The new identity did not sign it.
    #[error("the new identity did not sign the succession")]
    Countersignature(#[source] CryptoError),
    /// It could not be signed.
    #[error("the succession could not be signed")]
    Sign(#[source] CryptoError),
}

/// What a verified succession says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succession {
    /// The identity that steps back.
    pub old: Fingerprint,
    /// The one that takes its place.
    pub new: IdentityCert,
    /// Hash of the manifest with which the new one begins towards the old one's contacts.
    pub manifest_head: [u8; 32],
}

/// Makes `new` the successor of `old`, with the manifest of that hash.
pub fn succeed(
    old: &IdentityKey,
    new: &IdentityKey,
    manifest_head: &[u8; 32],
) -> Result<Vec<u8>, SuccessionError> {
    if old.fingerprint() == new.fingerprint() {
        return Err(SuccessionError::Field("new identity"));
    }
    let succession = wire::write(&v1::Succession {
        version: SUCCESSION_VERSION,
        old: old.fingerprint().0.to_vec(),
        identity: new.cert().to_bytes(),
        manifest_head: manifest_head.to_vec(),
    });
    let sign = |key: &IdentityKey| {
        key.sign(PURPOSE, &succession)
            .map_err(SuccessionError::Sign)
    };
    let (signature, countersignature) = (sign(old)?, sign(new)?);
    Ok(wire::write(&v1::SignedSuccession {
        succession,
        signature,
        countersignature,
    }))
}

/// The succession in `bytes`, if `old` and its successor both signed it.
pub fn verify_succession(old: &IdentityCert, bytes: &[u8]) -> Result<Succession, SuccessionError> {
    let signed: v1::SignedSuccession = check_fields(bytes, SIGNED)
        .and_then(|()| wire::read(bytes))
        .map_err(SuccessionError::Malformed)?;
    old.verify(PURPOSE, &signed.succession, &signed.signature)
        .map_err(SuccessionError::Signature)?;
    let raw: v1::Succession = check_fields(&signed.succession, SUCCESSION)
        .and_then(|()| wire::read(&signed.succession))
        .map_err(SuccessionError::Malformed)?;
    if raw.version != SUCCESSION_VERSION {
        return Err(SuccessionError::NewerVersion);
    }
    if raw.old != old.fingerprint().0 {
        return Err(SuccessionError::OtherIdentity);
    }
    let new = IdentityCert::parse(&raw.identity).map_err(SuccessionError::Certificate)?;
    if new.fingerprint() == old.fingerprint() {
        return Err(SuccessionError::Field("new identity"));
    }
    new.verify(PURPOSE, &signed.succession, &signed.countersignature)
        .map_err(SuccessionError::Countersignature)?;
    Ok(Succession {
        old: old.fingerprint(),
        new,
        manifest_head: raw
            .manifest_head
            .try_into()
            .map_err(|_| SuccessionError::Field("manifest head"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static OLD: LazyLock<IdentityKey> = LazyLock::new(|| IdentityKey::generate().expect("a key"));
    static NEW: LazyLock<IdentityKey> = LazyLock::new(|| IdentityKey::generate().expect("a key"));
    const HEAD: [u8; 32] = [5; 32];

    /// What the two sign although it breaks a rule.
    fn forced(change: impl Fn(&mut v1::Succession)) -> Vec<u8> {
        let mut raw = v1::Succession {
            version: SUCCESSION_VERSION,
            old: OLD.fingerprint().0.to_vec(),
            identity: NEW.cert().to_bytes(),
            manifest_head: HEAD.to_vec(),
        };
        change(&mut raw);
        let succession = wire::write(&raw);
        let sign = |key: &IdentityKey| key.sign(PURPOSE, &succession).expect("signed");
        let (signature, countersignature) = (sign(&OLD), sign(&NEW));
        wire::write(&v1::SignedSuccession {
            succession,
            signature,
            countersignature,
        })
    }

    #[test]
    fn one_identity_follows_another() {
        let bytes = succeed(&OLD, &NEW, &HEAD).expect("signed");
        let told = verify_succession(&OLD.cert(), &bytes).expect("sound");
        assert_eq!(told.old, OLD.fingerprint());
        assert_eq!(told.new, NEW.cert());
        assert_eq!(told.manifest_head, HEAD);
        let other = IdentityKey::generate().expect("a key").cert();
        assert!(matches!(
            verify_succession(&other, &bytes),
            Err(SuccessionError::Signature(_))
        ));
        assert!(succeed(&OLD, &OLD, &HEAD).is_err(), "of itself");
    }

    #[test]
    fn both_must_want_it() {
        let good = succeed(&OLD, &NEW, &HEAD).expect("signed");
        let signed: v1::SignedSuccession = wire::read(&good).expect("whole");
        let stolen = wire::write(&v1::SignedSuccession {
            countersignature: signed.signature.clone(),
            ..signed.clone()
        });
        assert!(matches!(
            verify_succession(&OLD.cert(), &stolen),
            Err(SuccessionError::Countersignature(_))
        ));
        let taken = wire::write(&v1::SignedSuccession {
            signature: signed.countersignature.clone(),
            ..signed
        });
        assert!(matches!(
            verify_succession(&OLD.cert(), &taken),
            Err(SuccessionError::Signature(_))
        ));
    }

    #[test]
    fn what_breaks_a_rule_is_refused_however_well_signed() {
        let verify = |bytes: &[u8]| verify_succession(&OLD.cert(), bytes).map(drop);
        verify(&forced(|_| ())).expect("sound");
        assert!(matches!(
            verify(&forced(|raw| raw.version = 2)),
            Err(SuccessionError::NewerVersion)
        ));
        assert!(matches!(
            verify(&forced(|raw| raw.old = vec![1; 32])),
            Err(SuccessionError::OtherIdentity)
        ));
        assert!(matches!(
            verify(&forced(|raw| raw.manifest_head = vec![1; 31])),
            Err(SuccessionError::Field("manifest head"))
        ));
        assert!(matches!(
            verify(&forced(|raw| raw.identity = OLD.cert().to_bytes())),
            Err(SuccessionError::Field("new identity"))
        ));
        assert!(matches!(
            verify(&forced(|raw| raw.identity = vec![1])),
            Err(SuccessionError::Certificate(_))
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_change_is_refused(at: prop::sample::Index, flip in 1..=255_u8) {
            let mut bytes = succeed(&OLD, &NEW, &HEAD).expect("signed");
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert!(verify_succession(&OLD.cert(), &bytes).is_err());
        }

        #[test]
        fn any_bytes_are_refused(bytes: Vec<u8>) {
            prop_assert!(verify_succession(&OLD.cert(), &bytes).is_err());
        }
    }
}
