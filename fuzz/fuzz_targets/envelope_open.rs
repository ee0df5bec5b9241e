//! Envelopes: a changed one never opens, and an arbitrary one never harms.
//!
//! Random bytes do not get past the session key, so the input is mostly read as changes to
//! an envelope that is good.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use msgd::{
    crypto::{DeviceCert, DeviceKey, Opener, Recipient, SeededRandom, open, seal},
    model::Timestamp,
};

const CONTEXT: [u8; 32] = [7; 32];
const PAYLOAD: &[u8] = b"the payload";

struct Good {
    reader: DeviceKey,
    author: DeviceCert,
    message: Vec<u8>,
}

static GOOD: LazyLock<Good> = LazyLock::new(|| {
    let now = Timestamp(1_795_425_900_000);
    let mut rng = SeededRandom::new(1);
    let author = DeviceKey::generate(now, &mut rng).expect("a key");
    let reader = DeviceKey::generate(now, &mut rng).expect("a key");
    let to = [Recipient::Device(&reader.cert())];
    let message = seal(&author, &to, &CONTEXT, PAYLOAD, now).expect("an envelope");
    Good {
        author: author.cert(),
        reader,
        message,
    }
});

fuzz_target!(|data: &[u8]| {
    let good = &*GOOD;
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    let message = match kind % 4 {
        0 => rest.to_vec(),
        1 => {
            let cut = rest.iter().fold(0, |sum, byte| sum + usize::from(*byte));
            good.message[..cut.min(good.message.len())].to_vec()
        }
        _ => {
            let mut message = good.message.clone();
            for change in rest.chunks_exact(3) {
                let at = usize::from(u16::from_be_bytes([change[0], change[1]])) % message.len();
                message[at] ^= change[2];
            }
            message
        }
    };
    let opened = open(
        Opener::Device(&good.reader),
        &good.author,
        &CONTEXT,
        &message,
    );
    if message == good.message {
        assert_eq!(opened.expect("the good one"), PAYLOAD);
    } else {
        assert!(opened.is_err(), "a changed envelope was opened");
    }
});
