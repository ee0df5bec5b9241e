//! Parcels, the first thing that is read of what a link carries: a changed one never opens.
#![no_main]

use libfuzzer_sys::fuzz_target;
use msgd::crypto::{Secret, SeededRandom, open_parcel, open_single, seal_single, tag};

fuzz_target!(|data: &[u8]| {
    let key = Secret::new([9; 32]);
    assert!(open_parcel(&key, 0, 1, data).is_err());
    assert!(open_single(&key, data).is_err());
    let tag = tag(&key, 0, 1);
    // The tag alone is no key: what follows it must still be authentic.
    assert!(open_parcel(&key, 0, 1, &[&tag.0, data].concat()).is_err());
    if let Ok(mut parcel) = seal_single(&tag, &key, data, &mut SeededRandom::new(1)) {
        assert_eq!(open_single(&key, &parcel).expect("our own"), data);
        let place = data
            .iter()
            .take(4)
            .fold(0, |at, byte| at * 256 + usize::from(*byte));
        let at = place % parcel.len();
        parcel[at] ^= 1;
        // Whether the tag is part of what is authentic or of the look-up, a forged
        // parcel must not give another content.
        if let Ok(inner) = open_single(&key, &parcel) {
            assert_eq!(inner, data);
        }
    }
});
