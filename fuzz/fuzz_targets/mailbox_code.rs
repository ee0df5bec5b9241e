//! Mailbox codes, as pasted text and as bytes: whatever is read is written so that it reads the
//! same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use msgd::protocol::MailboxCode;

fuzz_target!(|data: &[u8]| {
    if let Ok(code) = MailboxCode::from_bytes(data) {
        assert_eq!(code.to_bytes(), data);
        let read = code.to_text().parse::<MailboxCode>();
        assert_eq!(read.expect("our own text").to_bytes(), data);
    }
    if let Some(code) = std::str::from_utf8(data)
        .ok()
        .and_then(|text| text.parse::<MailboxCode>().ok())
    {
        let read = code.to_text().parse::<MailboxCode>();
        assert_eq!(read.expect("our own text").to_bytes(), code.to_bytes());
    }
});
