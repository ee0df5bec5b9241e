//! Certificates: what others see of them, how they rotate, and what is refused.

use std::{sync::LazyLock, time::Duration};

use proptest::prelude::*;
use sequoia_openpgp::{
    Cert, Packet,
    packet::key::{Key4, Key6, PrimaryRole, SecretParts},
    parse::Parse,
    policy::{Policy, StandardPolicy},
};

use super::*;
use crate::{
    crypto::{SeededRandom, policy::Strict},
    model::Timestamp,
};

const DAY: Duration = Duration::from_secs(86_400);
const NOW: Timestamp = Timestamp(1_800_000_000_000);

static IDENTITY: LazyLock<IdentityKey> = LazyLock::new(|| IdentityKey::generate().unwrap());
static DEVICE: LazyLock<DeviceKey> = LazyLock::new(|| device(1));
static ONE_TIME: LazyLock<OneTimeKey> = LazyLock::new(|| OneTimeKey::generate().unwrap());

fn device(seed: u64) -> DeviceKey {
    DeviceKey::generate(NOW, &mut SeededRandom::new(seed)).unwrap()
}

#[test]
fn what_is_written_is_read() {
    let identity = IdentityKey::from_bytes(&IDENTITY.to_bytes()).unwrap();
    assert_eq!(identity.cert(), IDENTITY.cert());
    let cert = IdentityCert::parse(&IDENTITY.cert().to_bytes()).unwrap();
    assert_eq!(cert.fingerprint(), IDENTITY.fingerprint());

    let device = DeviceKey::from_bytes(&DEVICE.to_bytes()).unwrap();
    assert_eq!(device.cert(), DEVICE.cert());
    assert_eq!(device.to_bytes(), DEVICE.to_bytes());
    let cert = DeviceCert::parse(&DEVICE.cert().to_bytes()).unwrap();
    assert_eq!(cert.fingerprint(), DEVICE.fingerprint());

    let one_time = OneTimeKey::from_bytes(&ONE_TIME.to_bytes()).unwrap();
    assert_eq!(one_time.public(), ONE_TIME.public());
    let public = OneTimePublic::parse(&ONE_TIME.public().to_bytes()).unwrap();
    assert_eq!(public, ONE_TIME.public());
}

#[test]
fn other_openpgp_programs_can_use_a_device() {
    let policy = StandardPolicy::new();
    let cert = Cert::from_bytes(&DEVICE.cert().to_bytes()).unwrap();
    let now = packets::at(packets::seconds_of(NOW));
    let valid = cert.with_policy(&policy, now).unwrap();
    let encrypt = valid.keys().alive().for_transport_encryption();
    assert_eq!(encrypt.count(), 1, "the current subkey, and it alone");
    assert_eq!(valid.keys().alive().for_signing().count(), 1);
    assert!(cert.with_policy(&Strict, now).is_ok());
}

#[test]
fn an_identity_can_only_certify_and_has_no_age() {
    let cert = Cert::from_bytes(&IDENTITY.cert().to_bytes()).unwrap();
    let valid = cert.with_policy(&Strict, packets::at(1)).unwrap();
    assert_eq!(valid.keys().for_certification().count(), 1);
    assert_eq!(valid.keys().for_signing().count(), 0);
    assert_eq!(
        packets::seconds(cert.primary_key().key().creation_time()),
        0
    );
    assert_eq!(cert.userids().count(), 0);
}

#[test]
fn a_statement_is_good_for_its_own_purpose_only() {
    let signature = IDENTITY.sign("manifest", b"data").unwrap();
    let cert = IDENTITY.cert();
    cert.verify("manifest", b"data", &signature).unwrap();
    assert!(cert.verify("bundle", b"data", &signature).is_err());
    assert!(cert.verify("manifest", b"other", &signature).is_err());
    // The same bytes to sign, cut at another place.
    assert!(cert.verify("manifest\0da", b"ta", &signature).is_err());
    let other = IdentityKey::generate().unwrap().cert();
    assert!(other.verify("manifest", b"data", &signature).is_err());

    let signature = DEVICE.sign("bundle", b"data").unwrap();
    DEVICE.cert().verify("bundle", b"data", &signature).unwrap();
    assert!(
        device(2)
            .cert()
            .verify("bundle", b"data", &signature)
            .is_err()
    );
}

#[test]
fn no_byte_of_a_statement_may_change() {
    let signature = IDENTITY.sign("manifest", b"data").unwrap();
    for at in 0..signature.len() {
        let mut changed = signature.clone();
        changed[at] ^= 1;
        let verdict = IDENTITY.cert().verify("manifest", b"data", &changed);
        assert!(verdict.is_err(), "byte {at}");
    }
}

#[test]
fn no_byte_of_a_certificate_may_change() {
    let identity = IDENTITY.cert().to_bytes();
    let device = DEVICE.cert().to_bytes();
    for at in 0..identity.len() {
        let mut changed = identity.clone();
        changed[at] ^= 1;
        assert!(IdentityCert::parse(&changed).is_err(), "byte {at}");
    }
    for at in (0..device.len()).step_by(7) {
        let mut changed = device.clone();
        changed[at] ^= 1;
        assert!(DeviceCert::parse(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn nothing_may_be_added_or_taken_away() {
    let identity = IDENTITY.cert().to_bytes();
    let device = DEVICE.cert().to_bytes();
    assert!(IdentityCert::parse(&device).is_err());
    assert!(DeviceCert::parse(&identity).is_err());
    assert!(IdentityCert::parse(&[identity.clone(), vec![0]].concat()).is_err());
    assert!(
        IdentityCert::parse(&IDENTITY.to_bytes()).is_err(),
        "secret key"
    );

    let packets = packets::flat(&device, 6).unwrap();
    let parse = |packets: &[Packet]| DeviceCert::parse(&packets::to_bytes(packets).unwrap());
    assert!(parse(&packets).is_ok());
    assert!(parse(&packets[..2]).is_err(), "no subkey");
    assert!(parse(&packets[..3]).is_err(), "no binding");
    let swapped = [&packets[..2], &packets[4..5], &packets[3..4]].concat();
    assert!(parse(&swapped).is_err(), "binding of another subkey");
    let named = [
        &packets[..2],
        &[Packet::UserID("Alice".into())],
        &packets[2..],
    ]
    .concat();
    assert!(parse(&named).is_err(), "user id");
    let other = packets::flat(&self::device(3).cert().to_bytes(), 6).unwrap();
    let mixed = [&packets[..2], &other[2..4]].concat();
    assert!(parse(&mixed).is_err(), "subkey of another device");
}

#[test]
fn other_algorithms_are_refused() {
    let rsa = Key4::<SecretParts, PrimaryRole>::generate_rsa(2048).unwrap();
    let old = Key4::<SecretParts, PrimaryRole>::generate_ed25519().unwrap();
    let x448 = Key6::<SecretParts, PrimaryRole>::generate_x448();
    assert!(
        Strict
            .permits_key(&sequoia_openpgp::packet::Key::from(rsa))
            .is_err()
    );
    assert!(
        Strict
            .permits_key(&sequoia_openpgp::packet::Key::from(old))
            .is_err()
    );
    if let Ok(x448) = x448 {
        assert!(
            Strict
                .permits_key(&sequoia_openpgp::packet::Key::from(x448))
                .is_err()
        );
    }
    assert!(Strict.packet(&Packet::UserID("Alice".into())).is_err());
    assert!(Strict.packet(&Packet::Marker(Default::default())).is_err());
}

#[test]
fn a_secret_reaches_only_its_key() {
    let (secret, packet) = kem_seal(&ONE_TIME.public()).unwrap();
    assert_eq!(kem_open(&ONE_TIME, &packet).unwrap(), secret);
    assert!(kem_open(&OneTimeKey::generate().unwrap(), &packet).is_err());
    assert_ne!(kem_seal(&ONE_TIME.public()).unwrap().0, secret);
    for at in (0..packet.len()).step_by(5) {
        let mut changed = packet.clone();
        changed[at] ^= 1;
        assert!(kem_open(&ONE_TIME, &changed).is_err(), "byte {at}");
    }
    assert!(kem_open(&ONE_TIME, &[packet.clone(), packet].concat()).is_err());
}

#[test]
fn keys_change_once_a_day() {
    let mut device = device(4);
    assert!(!device.rotate(NOW).unwrap(), "nothing is due yet");
    let due = device.next_rotation();
    assert!(due > NOW && due <= NOW.after(DAY));
    assert!(!device.rotate(Timestamp(due.0 - 1000)).unwrap());
    assert!(device.rotate(due).unwrap());
    assert_eq!(device.cert().subkeys().len(), 3);
    assert_eq!(device.next_rotation(), due.after(DAY));
    assert!(!device.rotate(due).unwrap());
    let restored = DeviceKey::from_bytes(&device.to_bytes()).unwrap();
    assert_eq!(restored.cert(), device.cert());
    assert_eq!(restored.next_rotation(), device.next_rotation());
}

#[test]
fn the_key_alive_is_preferred_and_the_last_one_is_kept_in_reserve() {
    let mut device = device(5);
    device.rotate(device.next_rotation()).unwrap();
    let cert = device.cert();
    let subkeys = cert.subkeys();
    let chosen = |seconds: u32| {
        let key = cert.subkey_for(Timestamp(i64::from(seconds) * 1000))?;
        subkeys
            .iter()
            .position(|s| s.key.fingerprint() == key.fingerprint())
    };
    assert_eq!(
        chosen(subkeys[0].start - 1000),
        Some(0),
        "a clock that is behind"
    );
    assert_eq!(chosen(subkeys[0].start), Some(0));
    assert_eq!(chosen(subkeys[1].start), Some(1));
    assert_eq!(chosen(subkeys[2].end - 1), Some(2));
    assert_eq!(chosen(subkeys[2].end), Some(2), "expired, within grace");
    assert_eq!(chosen(subkeys[2].end + 35 * 86_400 - 1), Some(2));
    assert_eq!(
        chosen(subkeys[2].end + 35 * 86_400),
        None,
        "its secret is gone"
    );
}

#[test]
fn secrets_outlive_their_day_by_the_grace_and_no_more() {
    let mut device = device(6);
    let first = device.starts()[0];
    let mut now = device.next_rotation();
    for _ in 0..35 {
        device.rotate(now).unwrap();
        now = device.next_rotation();
    }
    assert!(
        device.starts().contains(&first),
        "a message may still be on its way"
    );
    for _ in 0..3 {
        device.rotate(now).unwrap();
        now = device.next_rotation();
    }
    assert!(!device.starts().contains(&first));
    assert!(device.starts().len() <= 39);
    DeviceKey::from_bytes(&device.to_bytes()).unwrap();
}

#[test]
fn what_was_published_before_a_jump_still_opens_after_it() {
    let mut device = device(8);
    device.rotate(device.next_rotation()).unwrap();
    let before: Vec<_> = device.cert().subkeys().iter().map(|s| s.start).collect();
    assert_eq!(before.len(), 3);
    device.rotate(NOW.after(DAY * 400)).unwrap();
    assert!(before.iter().all(|start| device.starts().contains(start)));
    let published = device.cert().subkeys().iter().map(|s| s.start).min();
    assert_eq!(
        published,
        before.iter().max().copied(),
        "the last one before"
    );
}

#[test]
fn a_clock_that_jumps_breaks_nothing() {
    let mut device = device(7);
    let first = device.starts();
    let ahead = NOW.after(DAY * 4000);
    assert!(device.rotate(ahead).unwrap());
    assert!(
        first.iter().all(|start| device.starts().contains(start)),
        "the key in use before the jump is kept, and the one that was to follow"
    );
    assert!(device.cert().has_subkey_for(ahead));
    assert!(device.rotate(NOW).unwrap(), "and back again");
    assert!(device.cert().has_subkey_for(NOW));
    assert!(!device.rotate(NOW).unwrap());
    device.rotate(Timestamp(0)).unwrap();
    assert!(device.cert().has_subkey_for(Timestamp(0)));
    let restored = DeviceKey::from_bytes(&device.to_bytes()).unwrap();
    assert_eq!(restored.cert(), device.cert());
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(IdentityCert::parse(&bytes).is_err());
        prop_assert!(DeviceCert::parse(&bytes).is_err());
        prop_assert!(OneTimePublic::parse(&bytes).is_err());
        prop_assert!(IdentityKey::from_bytes(&bytes).is_err());
        prop_assert!(DeviceKey::from_bytes(&bytes).is_err());
        prop_assert!(OneTimeKey::from_bytes(&bytes).is_err());
        prop_assert!(kem_open(&ONE_TIME, &bytes).is_err());
        prop_assert!(IDENTITY.cert().verify("manifest", b"data", &bytes).is_err());
    }

    #[test]
    fn any_change_to_a_certificate_is_refused(at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let good = DEVICE.cert().to_bytes();
        let mut changed = good.clone();
        changed[at.index(good.len())] = byte;
        prop_assert_eq!(DeviceCert::parse(&changed).is_ok(), changed == good);
        // Without its last subkey it is a certificate still; what lists it has the hash of the whole.
        let one_less = packets::to_bytes(&packets::flat(&good, 6).unwrap()[..4]).unwrap().len();
        let cut = cut.index(good.len());
        prop_assert_eq!(DeviceCert::parse(&good[..cut]).is_ok(), cut == one_less);
    }

    #[test]
    fn a_device_can_be_made_at_any_time(now: i64, seed: u64) {
        let now = Timestamp(now);
        let device = DeviceKey::generate(now, &mut SeededRandom::new(seed)).unwrap();
        prop_assert!(device.starts().len() == 2);
    }
}
