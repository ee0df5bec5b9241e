//! Datagrams from the local network: nothing but a real query is heard, nothing but a real
//! reply is read, and neither survives a change.
#![no_main]

use libfuzzer_sys::fuzz_target;
use msgd::{
    crypto::{Secret, SeededRandom},
    model::Timestamp,
    protocol::{LanKeys, LanListener, lan_ask},
};

fuzz_target!(|data: &[u8]| {
    let secret = Secret::new([9; 32]);
    let (a, b) = (
        LanKeys::derive(&secret, true),
        LanKeys::derive(&secret, false),
    );
    let mut listener = LanListener::default();
    listener.listen_for(vec![(1, b)]);
    assert!(listener.hear(data, Timestamp(0)).is_empty());
    let mut rng = SeededRandom::new(1);
    for (query, asked) in lan_ask(&[(1, &a)], Timestamp(0), &mut rng) {
        assert!(asked.read(data).is_none());
        for heard in listener.hear(&query, Timestamp(0)) {
            let mut reply = heard.reply(&[], &mut rng);
            assert!(asked.read(&reply).is_some());
            for (byte, change) in reply.iter_mut().zip(data) {
                *byte ^= change;
            }
            let changed = data.iter().take(reply.len()).any(|byte| *byte != 0);
            assert_eq!(asked.read(&reply).is_none(), changed);
        }
    }
});
