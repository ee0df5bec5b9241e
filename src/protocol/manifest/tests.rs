//! Manifests: only forwards, only one history.

use proptest::prelude::*;

use super::*;
use crate::{
    crypto::{DeviceKey, SeededRandom},
    model::Timestamp,
};

fn identity() -> IdentityKey {
    IdentityKey::generate().expect("a key")
}

fn device() -> DeviceCert {
    DeviceKey::generate(Timestamp(1_700_000_000_000), &mut SeededRandom::new(1))
        .expect("a key")
        .cert()
}

fn first(ic: &IdentityKey) -> (SignedManifest, ManifestState) {
    let signed = genesis(ic, &device(), 0b11).expect("signed");
    let state = verify_chain(&ic.cert(), None, &signed).expect("sound");
    (signed, state)
}

/// A manifest that the identity signs although it breaks a rule.
fn forced(ic: &IdentityKey, state: &ManifestState, before: &[u8]) -> SignedManifest {
    SignedManifest::sign(ic, state, before).expect("signed")
}

#[test]
fn a_chain_is_followed_step_by_step() {
    let ic = identity();
    let (signed, one) = first(&ic);
    assert_eq!(signed.head(), one.head.hash);
    assert_eq!(one.devices[0].caps, 0b11);
    let travelled = SignedManifest::from_bytes(&signed.to_bytes()).expect("whole");
    assert_eq!(travelled, signed);
    let old = one.devices[0].device;
    let new = Fingerprint([9; 32]);
    let second = successor(&ic, &one, &[(old, 0b11), (new, 1)]).expect("sound");
    let two = verify_chain(&ic.cert(), Some(&one), &second).expect("follows");
    assert_eq!(two.device(&new).map(|entry| entry.added), Some(2));
    let third = successor(&ic, &two, &[(new, 1)]).expect("sound");
    let three = verify_chain(&ic.cert(), Some(&two), &third).expect("follows");
    assert_eq!(three.revoked, [old]);
    assert!(three.device(&old).is_none());

    let verify = |known, signed| verify_chain(&ic.cert(), Some(known), signed);
    assert_eq!(verify(&two, &second).expect("the same again"), two);
    assert!(matches!(verify(&one, &third), Err(ManifestError::Gap)));
    assert!(matches!(
        verify(&two, &signed),
        Err(ManifestError::Rollback)
    ));
    // A revoked device never returns.
    assert!(successor(&ic, &three, &[(old, 0b11)]).is_err());
}

#[test]
fn two_histories_are_a_fork() {
    let ic = identity();
    let (_, one) = first(&ic);
    let old = one.devices[0].device;
    let left = successor(&ic, &one, &[(old, 0b11), (Fingerprint([7; 32]), 1)]).expect("sound");
    let right = successor(&ic, &one, &[(old, 0b11), (Fingerprint([8; 32]), 1)]).expect("sound");
    let known = verify_chain(&ic.cert(), Some(&one), &left).expect("follows");
    let verify = |signed| verify_chain(&ic.cert(), Some(&known), signed);
    assert!(matches!(verify(&right), Err(ManifestError::Fork)));
    let other = verify_chain(&ic.cert(), Some(&one), &right).expect("follows");
    let after_right = successor(&ic, &other, &[(old, 0b11)]).expect("sound");
    assert!(matches!(verify(&after_right), Err(ManifestError::Fork)));
}

#[test]
fn nothing_is_taken_back() {
    let ic = identity();
    let (_, mut one) = first(&ic);
    one.revoked = vec![Fingerprint([3; 32])];
    let next = || {
        let mut next = one.clone();
        next.head.seq = 2;
        next
    };
    let refused = |next: &ManifestState| {
        let signed = forced(&ic, next, &one.head.hash);
        verify_chain(&ic.cert(), Some(&one), &signed).map(|_| ())
    };
    assert!(refused(&next()).is_ok());
    let mut fewer_caps = next();
    fewer_caps.devices[0].caps = 0b01;
    let mut forgotten = next();
    forgotten.revoked.clear();
    let mut vanished = next();
    vanished.devices[0].device = Fingerprint([4; 32]);
    vanished.devices[0].added = 2;
    let mut back_dated = next();
    back_dated.devices[0].added = 2;
    for broken in [fewer_caps, forgotten, vanished, back_dated] {
        assert!(matches!(refused(&broken), Err(ManifestError::StepsBack(_))));
    }
    let demanding = ManifestState {
        min_version: 2,
        ..one.clone()
    };
    let signed = forced(&ic, &next(), &one.head.hash);
    assert!(matches!(
        verify_chain(&ic.cert(), Some(&demanding), &signed),
        Err(ManifestError::StepsBack("minimum version"))
    ));
}

#[test]
fn unsound_and_foreign_manifests_are_refused() {
    let ic = identity();
    let (signed, one) = first(&ic);
    let other = identity();
    assert!(matches!(
        verify_chain(&other.cert(), None, &signed),
        Err(ManifestError::Signature(_))
    ));
    let field = |change: &dyn Fn(&mut ManifestState), before: &[u8]| {
        let mut state = one.clone();
        change(&mut state);
        let signed = forced(&ic, &state, before);
        assert!(matches!(
            verify_chain(&ic.cert(), None, &signed),
            Err(ManifestError::Field(_))
        ));
    };
    field(&|state| state.head.seq = 0, &[]);
    field(&|state| state.head.seq = 2, &[]);
    field(&|_| {}, &[1; 32]);
    field(&|state| state.devices.clear(), &[]);
    field(&|state| state.devices.push(state.devices[0]), &[]);
    field(&|state| state.devices[0].added = 2, &[]);
    field(&|state| state.revoked = vec![state.devices[0].device], &[]);
    field(&|state| state.min_version = 0, &[]);
    let later = ManifestState {
        min_version: VERSION + 1,
        ..one.clone()
    };
    assert!(matches!(
        verify_chain(&ic.cert(), None, &forced(&ic, &later, &[])),
        Err(ManifestError::NewerVersion)
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = SignedManifest::from_bytes(&bytes);
        let _ = ManifestState::read(&bytes, &Fingerprint([0; 32]));
    }

    // An identity may sign what it likes.
    #[test]
    fn any_signed_content_is_refused(manifest in prop::collection::vec(any::<u8>(), 0..300)) {
        let ic = identity();
        let signature = ic.sign(PURPOSE, &manifest).expect("signed");
        let signed = SignedManifest { manifest, signature };
        let verified = verify_chain(&ic.cert(), None, &signed);
        prop_assert!(matches!(verified, Err(ManifestError::Malformed(_) | ManifestError::NewerVersion)));
    }

    #[test]
    fn any_walk_stays_monotonic(steps in prop::collection::vec((any::<bool>(), 1..8_u64), 1..6)) {
        let ic = identity();
        let (_, mut state) = first(&ic);
        for (at, (drop_one, caps)) in (10_u8..).zip(steps) {
            let mut devices: Vec<_> = state.devices.iter().map(|d| (d.device, d.caps | caps)).collect();
            if drop_one {
                devices.remove(0);
            }
            devices.push((Fingerprint([at; 32]), caps));
            let signed = successor(&ic, &state, &devices).expect("sound");
            let next = verify_chain(&ic.cert(), Some(&state), &signed).expect("follows");
            prop_assert_eq!(next.head.seq, state.head.seq + 1);
            prop_assert!(state.revoked.iter().all(|dc| next.revoked.contains(dc)));
            prop_assert!(verify_chain(&ic.cert(), Some(&next), &forced(&ic, &state, &[])).is_err());
            state = next;
        }
    }

    #[test]
    fn a_flipped_byte_is_refused(at: prop::sample::Index, flip in 1..=255_u8) {
        let ic = identity();
        let (signed, _) = first(&ic);
        let mut bytes = signed.to_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let verified = SignedManifest::from_bytes(&bytes).map(|signed| verify_chain(&ic.cert(), None, &signed).is_ok());
        prop_assert!(!matches!(verified, Ok(true)));
    }
}
