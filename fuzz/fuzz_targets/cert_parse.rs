//! Certificates and one-time keys of peers: whatever is accepted is kept byte for byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use msgd::crypto::{DeviceCert, IdentityCert, OneTimePublic};

fuzz_target!(|data: &[u8]| {
    if let Ok(cert) = IdentityCert::parse(data) {
        let again = IdentityCert::parse(&cert.to_bytes()).expect("our own bytes");
        assert_eq!(again.fingerprint(), cert.fingerprint());
    }
    if let Ok(cert) = DeviceCert::parse(data) {
        let again = DeviceCert::parse(&cert.to_bytes()).expect("our own bytes");
        assert_eq!(again.fingerprint(), cert.fingerprint());
    }
    if let Ok(key) = OneTimePublic::parse(data) {
        OneTimePublic::parse(&key.to_bytes()).expect("our own bytes");
    }
});
