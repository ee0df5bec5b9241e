//! Invites, as pasted text and as bytes: whatever is read is written so that it reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use msgd::protocol::InviteLink;

fuzz_target!(|data: &[u8]| {
    if let Ok(link) = InviteLink::from_bytes(data) {
        assert_eq!(link.to_bytes(), data);
        let read = link.to_string().parse::<InviteLink>();
        assert_eq!(read.expect("our own text").to_bytes(), data);
    }
    if let Some(link) = std::str::from_utf8(data)
        .ok()
        .and_then(|text| text.parse::<InviteLink>().ok())
    {
        let read = link.to_string().parse::<InviteLink>();
        assert_eq!(read.expect("our own text").to_bytes(), link.to_bytes());
    }
});
