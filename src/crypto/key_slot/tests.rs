//! The keyring: what opens it, what does not, and which words are found for it.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::crypto::SeededRandom;

const WEAK: KdfParams = KdfParams::WEAK_FOR_TESTS;
const PASSPHRASE: SlotSecret<'_> = SlotSecret::Passphrase(b"correct horse");

fn dek() -> Secret<32> {
    Secret::new([1; 32])
}

fn file() -> Secret<32> {
    Secret::new([2; 32])
}

fn with_file() -> Keyring {
    let rng = &mut SeededRandom::new(1);
    Keyring::create(&dek(), SlotSecret::File(&file()), WEAK, rng).unwrap()
}

/// A passphrase and a file; made once, as a passphrase costs time.
static BOTH: LazyLock<Keyring> = LazyLock::new(|| {
    let rng = &mut SeededRandom::new(2);
    let mut keyring = Keyring::create(&dek(), PASSPHRASE, WEAK, rng).unwrap();
    let file = file();
    let added = keyring.add_slot(&dek(), SlotSecret::File(&file), WEAK, rng);
    assert_eq!(added.unwrap(), 1);
    keyring
});

/// The file with a checksum that fits, as an attacker would write it.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() - 8);
    let checksum = kdf::hash(&[&bytes]);
    bytes.extend_from_slice(&checksum[..8]);
    bytes
}

#[test]
fn each_slot_opens_with_its_own_secret() {
    let keyring = Keyring::parse(&BOTH.to_bytes()).unwrap();
    assert_eq!(keyring.unlock(PASSPHRASE).unwrap(), dek());
    assert_eq!(keyring.unlock(SlotSecret::File(&file())).unwrap(), dek());
    assert!(matches!(
        keyring.unlock(SlotSecret::Passphrase(b"wrong")),
        Err(KeyringError::WrongSecret)
    ));
    assert!(matches!(
        keyring.unlock(SlotSecret::File(&dek())),
        Err(KeyringError::WrongSecret)
    ));
    assert!(matches!(
        with_file().unlock(PASSPHRASE),
        Err(KeyringError::NoSuchSlot)
    ));
}

#[test]
fn slots_come_and_go_but_never_the_last() {
    let mut keyring = BOTH.clone();
    let wrong = Secret::new([9; 32]);
    assert!(matches!(
        keyring.remove_slot(&wrong, 0),
        Err(KeyringError::WrongSecret)
    ));
    assert!(matches!(
        keyring.remove_slot(&dek(), 7),
        Err(KeyringError::NoSuchSlot)
    ));
    let generation = keyring.generation();
    keyring.remove_slot(&dek(), 0).unwrap();
    assert_eq!(keyring.generation(), generation + 1);
    assert!(matches!(
        keyring.unlock(PASSPHRASE),
        Err(KeyringError::NoSuchSlot)
    ));
    assert!(matches!(
        keyring.remove_slot(&dek(), 1),
        Err(KeyringError::LastSlot)
    ));
    let rng = &mut SeededRandom::new(3);
    let file = file();
    assert!(
        keyring
            .add_slot(&wrong, SlotSecret::File(&file), WEAK, rng)
            .is_err()
    );
    for number in 2..=16 {
        let added = keyring.add_slot(&dek(), SlotSecret::File(&file), WEAK, rng);
        assert_eq!(added.unwrap(), number);
    }
    let full = keyring.add_slot(&dek(), SlotSecret::File(&file), WEAK, rng);
    assert!(matches!(full, Err(KeyringError::Full)));
    let read = Keyring::parse(&keyring.to_bytes()).unwrap();
    assert_eq!(read.slots(), keyring.slots());
    assert_eq!(read.unlock(SlotSecret::File(&file)).unwrap(), dek());
}

#[test]
fn slots_tell_what_they_cost() {
    let slots = BOTH.slots();
    let told: Vec<_> = slots
        .iter()
        .map(|s| (s.number, s.kind, s.memory_kib, s.passes))
        .collect();
    let expected = [
        (0, SlotKind::Passphrase, WEAK.memory_kib, WEAK.passes),
        (1, SlotKind::File, 0, 0),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_short_file_is_cut_off_and_a_long_one_damaged() {
    let bytes = BOTH.to_bytes();
    for len in 0..bytes.len() {
        let error = Keyring::parse(&bytes[..len]).unwrap_err();
        assert!(matches!(error, KeyringError::Truncated), "{len}: {error}");
    }
    let long = [bytes, vec![0]].concat();
    assert!(matches!(
        Keyring::parse(&long),
        Err(KeyringError::Damaged { .. })
    ));
}

#[test]
fn a_newer_format_is_named() {
    let mut bytes = BOTH.to_bytes();
    bytes[13] = 2;
    assert!(matches!(
        Keyring::parse(&bytes),
        Err(KeyringError::NewerVersion { found: 2 })
    ));
}

#[test]
fn no_byte_may_change() {
    let bytes = BOTH.to_bytes();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(Keyring::parse(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn whoever_repairs_the_checksum_still_fails() {
    let bytes = BOTH.to_bytes();
    for at in 14..bytes.len() - 8 {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let Ok(keyring) = Keyring::parse(&resealed(changed)) else {
            continue;
        };
        assert!(
            keyring.unlock(SlotSecret::File(&file())).is_err(),
            "byte {at}"
        );
    }
}

#[test]
fn a_header_cannot_ask_for_too_much_or_too_little() {
    // The parameters of the first slot follow magic, version, generation, count, number, kind.
    for (offset, value) in [
        (0, 0_u32),
        (0, 19 * 1024 - 1),
        (0, u32::MAX),
        (4, 0),
        (4, 17),
        (8, 0),
        (8, 17),
    ] {
        let mut bytes = BOTH.to_bytes();
        let at = 25 + offset;
        bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
        assert!(
            matches!(
                Keyring::parse(&resealed(bytes)),
                Err(KeyringError::Damaged { .. })
            ),
            "{offset}: {value}"
        );
    }
    assert!(KdfParams::DEFAULT.permitted() && KdfParams::FLOOR.permitted());
    let rng = &mut SeededRandom::new(1);
    let params = KdfParams {
        memory_kib: 1024,
        ..WEAK
    };
    assert!(Keyring::create(&dek(), PASSPHRASE, params, rng).is_err());
}

#[test]
fn nothing_secret_is_printed() {
    let printed = format!("{:?} {PASSPHRASE:?}", *BOTH);
    assert!(!printed.contains("horse") && !printed.contains("wrapped"));
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_or_refused(bytes: Vec<u8>, behind_magic: bool) {
        let bytes = if behind_magic { [b"msgd-keyring\0\x01".as_slice(), &bytes].concat() } else { bytes };
        prop_assert!(Keyring::parse(&bytes).is_err());
    }

    #[test]
    fn any_slots_with_a_good_checksum_are_parsed_or_refused(body in prop::collection::vec(any::<u8>(), 150..400), count in 0..4_u8) {
        let mut bytes = [b"msgd-keyring\0\x01".as_slice(), &body].concat();
        bytes[22] = count;
        if let Ok(keyring) = Keyring::parse(&resealed(bytes)) {
            prop_assert!(keyring.unlock(SlotSecret::File(&file())).is_err());
        }
    }
}
