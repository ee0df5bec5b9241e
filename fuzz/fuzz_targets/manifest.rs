//! Device manifests: from anybody, and from the identity, which signs what it likes. What is
//! accepted keeps every rule, and is followed by itself only.
#![no_main]

mod stage;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use msgd::{
    protocol::{SignedManifest, verify_chain},
    wire::{v1, write},
};
use stage::Side;

static SIDE: LazyLock<Side> = LazyLock::new(Side::remote);

fuzz_target!(|data: &[u8]| {
    let side = &*SIDE;
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    let bytes = match kind % 2 {
        0 => rest.to_vec(),
        _ => write(&v1::SignedManifest {
            manifest: rest.to_vec(),
            signature: side.ic.sign("manifest", rest).expect("signed"),
        }),
    };
    let Ok(signed) = SignedManifest::from_bytes(&bytes) else {
        return;
    };
    assert_eq!(signed.to_bytes(), bytes);
    if let Ok(state) = verify_chain(&side.cert, None, &signed) {
        assert!(state.head.seq > 0 && (1..=16).contains(&state.devices.len()));
        assert!(state.devices.is_sorted_by_key(|entry| entry.device));
        let again = verify_chain(&side.cert, Some(&state), &signed);
        assert_eq!(again.expect("the same again"), state);
    }
});
