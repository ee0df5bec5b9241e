//! The keyring file, which may come from a disk that somebody else had.
#![no_main]

use libfuzzer_sys::fuzz_target;
use msgd::crypto::{Keyring, Secret, SlotSecret};

fuzz_target!(|data: &[u8]| {
    let Ok(keyring) = Keyring::parse(data) else {
        return;
    };
    assert_eq!(keyring.to_bytes(), data);
    let _ = keyring.slots();
    // A key file only: a passphrase would cost what the header asks for, within its bounds.
    assert!(
        keyring
            .unlock(SlotSecret::File(&Secret::new([3; 32])))
            .is_err()
    );
});
