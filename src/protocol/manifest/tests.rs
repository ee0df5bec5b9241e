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
fn an_update_brings_every_step_in_between() {
    let ic = identity();
    let (signed, one) = first(&ic);
    let (mut chain, mut states) = (vec![signed], vec![one]);
    for at in 1..=20_u8 {
        let before = states.last().expect("one");
        let mut devices: Vec<_> = before.devices.iter().map(|d| (d.device, d.caps)).collect();
        if at > 1 {
            devices.retain(|(device, _)| *device != Fingerprint([at - 1; 32]));
        }
        devices.push((Fingerprint([at; 32]), 1));
        chain.push(successor(&ic, before, &devices).expect("sound"));
        let state = verify_chain(&ic.cert(), Some(before), chain.last().expect("one"));
        states.push(state.expect("follows"));
    }
    let follow =
        |known: usize, chain: &[SignedManifest]| follow_chain(&ic.cert(), &states[known], chain);
    assert_eq!(follow(3, &[]).expect("unchanged"), states[3]);
    assert_eq!(follow(2, &chain[3..=9]).expect("all there"), states[9]);
    assert_eq!(follow(5, &chain[3..=9]).expect("told twice"), states[9]);
    assert_eq!(follow(9, &chain[3..=9]).expect("nothing new"), states[9]);
    assert!(matches!(follow(2, &chain[4..=9]), Err(ManifestError::Gap)));
    assert!(matches!(
        follow(9, &chain[3..=5]),
        Err(ManifestError::Rollback)
    ));
    let mut gap = chain[3..=9].to_vec();
    gap.remove(2);
    assert!(matches!(follow(2, &gap), Err(ManifestError::Gap)));

    // More than fits into one update takes two.
    assert!(chain_since(&chain, &states[20].head.hash).is_empty());
    let some = chain_since(&chain, &states[0].head.hash);
    assert_eq!(some.len(), MAX_UPDATE_MANIFESTS);
    let half = follow(0, some).expect("in order");
    let rest = chain_since(&chain, &half.head.hash);
    let end = follow_chain(&ic.cert(), &half, rest).expect("in order");
    assert_eq!(end, states[20]);
    assert_eq!(
        chain_since(&chain[..2], &[0; 32]).len(),
        2,
        "an unknown head"
    );
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
fn a_later_manifest_takes_nothing_back_however_many_steps_lie_in_between() {
    let ic = identity();
    let (signed, one) = first(&ic);
    let old = one.devices[0].device;
    let new = Fingerprint([9; 32]);
    let second = successor(&ic, &one, &[(old, 0b11), (new, 1)]).expect("sound");
    let two = verify_chain(&ic.cert(), Some(&one), &second).expect("follows");
    let third = successor(&ic, &two, &[(new, 1)]).expect("sound");
    let later =
        |known: &ManifestState, signed: &SignedManifest| verify_later(&ic.cert(), known, signed);
    let three = later(&one, &third).expect("nothing is taken back");
    assert_eq!(three.revoked, [old]);
    assert_eq!(later(&two, &third).expect("the next"), three);
    assert_eq!(later(&three, &third).expect("the same"), three);
    assert!(matches!(later(&two, &signed), Err(ManifestError::Rollback)));

    let refused = |change: &dyn Fn(&mut ManifestState)| {
        let mut state = one.clone();
        state.head.seq = 5;
        change(&mut state);
        let judged = later(&one, &forced(&ic, &state, &[1; 32]));
        assert!(matches!(judged, Err(ManifestError::StepsBack(_))));
    };
    refused(&|state| state.devices[0].caps = 0b01);
    refused(&|state| state.devices[0].added = 2);
    refused(&|state| state.devices[0].device = new);
    let demanding = ManifestState {
        revoked: vec![Fingerprint([3; 32])],
        ..one.clone()
    };
    assert!(matches!(
        later(&demanding, &third),
        Err(ManifestError::StepsBack("revocations"))
    ));
    // Added before the manifest that is known, and yet not in it.
    let mut back_dated = two.clone();
    back_dated.head.seq = 5;
    back_dated.devices.push(ManifestDevice {
        device: Fingerprint([10; 32]),
        caps: 1,
        added: 2,
    });
    back_dated.devices.sort_by_key(|entry| entry.device);
    let judged = later(&two, &forced(&ic, &back_dated, &[1; 32]));
    assert!(matches!(judged, Err(ManifestError::StepsBack(_))));
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
