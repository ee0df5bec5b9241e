//! Records and sealed files: only what was sealed, and only in its own place, opens.
#![no_main]

use libfuzzer_sys::fuzz_target;
use msgd::crypto::{RecordCipher, Secret, SeededRandom, open_file, seal_file};

fuzz_target!(|data: &[u8]| {
    let key = Secret::new([5; 32]);
    let cipher = RecordCipher::new(&key, 1);
    let place = cipher.blind("messages-1", data);
    assert!(cipher.open("messages-1", &place, data).is_err());
    assert!(open_file(&key, "identity", data).is_err());

    let mut rng = SeededRandom::new(data.len() as u64);
    let sealed = cipher.seal("messages-1", &place, data, &mut rng);
    let opened = cipher.open("messages-1", &place, &sealed);
    assert_eq!(*opened.expect("our own"), data);
    assert!(cipher.open("contacts-1", &place, &sealed).is_err());
    let file = seal_file(&key, "identity", data, &mut rng);
    assert_eq!(*open_file(&key, "identity", &file).expect("our own"), data);
    assert!(open_file(&key, "device", &file).is_err());
});
