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
    for (query, mut asked) in lan_ask(&[(1, &a)], Timestamp(0), &mut rng) {
        assert!(asked.read(data).is_none());
        for heard in listener.hear(&query, Timestamp(0)) {
            let reply = heard.reply(&[], &mut rng);
            let mut other = reply.clone();
            for (byte, change) in other.iter_mut().zip(data) {
                *byte ^= change;
            }
            let changed = other != reply;
            assert_eq!(asked.read(&other).is_none(), changed);
            // One reply is read, and only one.
            assert_eq!(asked.read(&reply).is_some(), changed);
            assert!(asked.read(&reply).is_none());
        }
    }
});
