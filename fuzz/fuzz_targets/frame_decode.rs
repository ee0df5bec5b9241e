//! Frames of a link: whatever is decoded encodes to the bytes it came from.
#![no_main]

use libfuzzer_sys::fuzz_target;
use msgd::wire::{decode_first, encode};

fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    while let Ok(Some((frame, after))) = decode_first(rest) {
        let taken = rest.len() - after.len();
        let mut again = Vec::new();
        encode(&frame, &mut again).expect("what was decoded can be encoded");
        assert_eq!(again, rest[..taken]);
        rest = after;
    }
});
