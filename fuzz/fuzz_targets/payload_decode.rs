//! Payloads, which a contact signed: whatever is read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use msgd::protocol::Payload;

fuzz_target!(|data: &[u8]| {
    let Ok(payload) = Payload::decode(data) else {
        return;
    };
    // Protobuf has many spellings; ours is one, and it must be stable.
    if let Ok(ours) = payload.encode() {
        let again = Payload::decode(&ours).expect("our own bytes");
        assert_eq!(again.encode().expect("as before"), ours);
    }
});
