//! Those who try to get into a handshake that is not theirs.

use super::*;

#[test]
fn who_saw_the_link_cannot_pose_as_the_inviter() {
    let stage = Stage::new();
    let mallory = Side::new("Mallory", 3);
    let keys = stage.link.keys();
    let posing = offer(&mallory.me(), &keys, EXPIRES, NOW, &mut rng()).expect("made");
    let opened = open_bundle(&stage.link, &posing.bundle, NOW);
    assert!(matches!(opened, Err(HandshakeError::NotTheInviter)));
    // With Alice's certificates and a device of Mallory's.
    let stolen = Me {
        device: &mallory.device,
        ..stage.alice.me()
    };
    let posing = offer(&stolen, &keys, EXPIRES, NOW, &mut rng()).expect("made");
    let opened = open_bundle(&stage.link, &posing.bundle, NOW);
    assert!(matches!(opened, Err(HandshakeError::ForeignDevice)));
    // Consent in Alice's name.
    let (parcel, pending) = stage.hello();
    let incoming = stage.open_hello(&parcel, NOW).expect("opens");
    let forged = confirm(&stolen, &keys, &incoming, NOW, &mut rng()).expect("made");
    let opened = stage.open_confirm(&pending, &forged.0);
    assert!(matches!(opened, Err(HandshakeError::Envelope(_))));
}

#[test]
fn nobody_presents_another_ones_device_or_an_unproven_hello() {
    let stage = Stage::new();
    let mallory = Side::new("Mallory", 3);
    let bundle = stage.bundle();
    let (secret, ciphertext) = crate::crypto::kem_seal(&bundle.otk).expect("sealed");
    drop(secret);
    let message = |side: &Side, proof: Vec<u8>| v1::Hello {
        version: crate::protocol::VERSION,
        invitee: Some(party::present(&side.me(), true).expect("short")),
        one_time_key: bundle.otk.to_bytes(),
        ciphertext: ciphertext.clone(),
        answer_until_ms: 1,
        salt: vec![1; 16],
        proof,
        ..Default::default()
    };
    let open = |parcel: &[u8]| stage.open_hello(parcel, NOW).map(|_| ());
    // Signed by Mallory, in Bob's name.
    let forged = stage.forged(&mallory, &message(&stage.bob, vec![0; 32]));
    assert!(matches!(open(&forged), Err(HandshakeError::Envelope(_))));
    // In her own name, without the link's secret.
    let unproven = stage.forged(&mallory, &message(&mallory, vec![0; 32]));
    assert!(matches!(open(&unproven), Err(HandshakeError::Proof)));
    // A later version, however well signed.
    let mut later = message(&mallory, vec![0; 32]);
    later.version += 1;
    let later = stage.forged(&mallory, &later);
    assert!(matches!(open(&later), Err(HandshakeError::Version(2))));
}

#[test]
fn another_invite_opens_nothing() {
    let stage = Stage::new();
    let (parcel, pending) = stage.hello();
    let (answer, _) = stage.confirm(&stage.open_hello(&parcel, NOW).expect("opens"));
    let mut other = stage.link.clone();
    other.secret[0] ^= 1;
    let refused = |result| assert!(matches!(result, Err(HandshakeError::OtherInvite)));
    refused(open_bundle(&other, &stage.offer.bundle, NOW).map(|_| ()));
    let alice = stage.alice.me();
    refused(open_hello(&alice, &other.keys(), &stage.offer, &parcel, NOW).map(|_| ()));
    refused(open_confirm(&stage.bob.me(), &other, &pending, &answer, NOW).map(|_| ()));
    let mut flagged = stage.link.clone();
    flagged.flags = crate::protocol::IN_PERSON;
    refused(open_bundle(&flagged, &stage.offer.bundle, NOW).map(|_| ()));
    // Same link, another bundle: the Hello answers the one it was made for only.
    let renewed = offer(&alice, &stage.link.keys(), EXPIRES, NOW, &mut rng()).expect("made");
    let mixed = Offer {
        otk: OneTimeKey::from_bytes(&stage.offer.otk.to_bytes()).expect("a key"),
        ..renewed
    };
    let opened = open_hello(&alice, &stage.link.keys(), &mixed, &parcel, NOW);
    assert!(matches!(opened, Err(HandshakeError::Proof)));
}

#[test]
fn ones_own_invite_is_refused() {
    let stage = Stage::new();
    let alice = stage.alice.me();
    let own = hello(&alice, &stage.link, &stage.bundle(), "", NOW, &mut rng());
    assert!(matches!(own, Err(HandshakeError::OwnInvite)));
}

#[test]
fn who_was_known_before_takes_nothing_back() {
    let mut stage = Stage::new();
    let (known, device) = (
        stage.alice.manifest.clone(),
        stage.alice.device.fingerprint(),
    );
    stage.bundle().peer.follows(&known).expect("the same");
    // A later manifest, well signed, with a capability less.
    let raw = v1::Manifest {
        version: 1,
        min_version: 1,
        identity: stage.alice.cert.fingerprint().0.to_vec(),
        seq: 3,
        previous: vec![1; 32],
        devices: vec![v1::ManifestDevice {
            device: device.0.to_vec(),
            caps: 0,
            added: 1,
        }],
        revoked: Vec::new(),
    };
    let manifest = write(&raw);
    let signature = stage.alice.ic.sign("manifest", &manifest).expect("signed");
    let downgraded = write(&v1::SignedManifest {
        manifest,
        signature,
    });
    let steps_back = |judged: Result<(), HandshakeError>| {
        let Err(HandshakeError::Manifest(ManifestError::StepsBack(what))) = judged else {
            panic!("{judged:?}");
        };
        assert_eq!(what, "capabilities");
    };
    let (parcel, pending) = stage.hello();
    let incoming = stage.open_hello(&parcel, NOW).expect("opens");
    stage.alice.manifest = downgraded;
    let (answer, _) = stage.confirm(&incoming);
    steps_back(stage.open_confirm(&pending, &answer).map(drop));

    let keys = stage.link.keys();
    stage.offer = offer(&stage.alice.me(), &keys, EXPIRES, NOW, &mut rng()).expect("made");
    steps_back(stage.bundle().peer.follows(&known));
    // Somebody else's manifest is no measure.
    let judged = stage.bundle().peer.follows(&stage.bob.manifest);
    assert!(matches!(
        judged,
        Err(HandshakeError::Manifest(ManifestError::Signature(_)))
    ));
}
