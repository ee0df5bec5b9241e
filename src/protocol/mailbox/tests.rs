//! Mailbox codes: what is printed is parsed, faults are told apart, keys stay as they are.

use super::*;
use proptest::prelude::*;
use serde_json::Value;

fn addresses() -> impl Strategy<Value = Vec<SocketAddr>> {
    let v4 = any::<([u8; 4], u16)>().prop_map(|(ip, port)| SocketAddr::new(ip.into(), port));
    let v6 = any::<([u8; 16], u16)>().prop_map(|(ip, port)| SocketAddr::new(ip.into(), port));
    prop::collection::vec(prop_oneof![v4, v6], 0..9)
}

fn code(fill: u8, addresses: &[SocketAddr]) -> MailboxCode {
    MailboxCode::new(Secret::new([fill; 32]), addresses)
}

proptest! {
    #[test]
    fn what_is_printed_is_parsed(secret: [u8; 32], addresses in addresses()) {
        let code = MailboxCode::new(Secret::new(secret), &addresses);
        prop_assert!(pack(&code.addresses).len() <= MAX_MAILBOX_ADDRESS_BYTES);
        prop_assert_eq!(code.to_text().parse(), Ok(code.clone()));
        prop_assert_eq!(code.to_text().to_uppercase().parse(), Ok(code));
    }

    #[test]
    fn any_text_is_parsed_or_refused(text: String, tail in "[0-9a-z]{0,220}") {
        let _ = text.parse::<MailboxCode>();
        let like_one = format!("msgd:m1{tail}");
        prop_assert!(like_one.parse::<MailboxCode>().is_err());
    }

    // A reader of a later format: the checksum holds, the content is foreign.
    #[test]
    fn foreign_content_under_a_right_checksum_never_panics(
        head: [u8; SUM_AT],
        addresses in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        let bytes = [head.as_slice(), &checksum(&head, &addresses), &addresses].concat();
        let _ = MailboxCode::from_bytes(&bytes);
    }

    #[test]
    fn one_wrong_character_is_found(secret: [u8; 32], at: prop::sample::Index, to in "[0-9a-hjkmnp-tv-z]") {
        let text = MailboxCode::new(Secret::new(secret), &[]).to_text();
        let at = 7 + at.index(text.len() - 7);
        let mut wrong = text.clone();
        wrong.replace_range(at..=at, &to);
        if wrong != text {
            prop_assert_eq!(wrong.parse::<MailboxCode>(), Err(MailboxCodeError::Checksum));
        }
    }
}

#[test]
fn faults_are_told_apart() {
    let text = code(7, &[]).to_text();
    let parse = |text: &str| text.parse::<MailboxCode>();
    assert_eq!(
        parse(&text.replace("m1", "i1")),
        Err(MailboxCodeError::NotACode)
    );
    assert_eq!(
        parse(&text.replace("m1", "m2")),
        Err(MailboxCodeError::NewerVersion)
    );
    assert_eq!(
        parse(text.get(..60).expect("longer")),
        Err(MailboxCodeError::Truncated)
    );
    assert_eq!(format!("{:?}", code(7, &[])), "MailboxCode[redacted]");
}

#[test]
fn codes_keys_and_hashes_match_the_committed_vectors() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../tests/fixtures/vectors/mailbox.json"))
            .expect("JSON");
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    for case in vectors["codes"].as_array().expect("a list") {
        let text = case["code"].as_str().expect("a code");
        let code: MailboxCode = text.parse().expect("valid");
        assert_eq!(code.to_text(), text);
        let addresses: Vec<_> = code.addresses.iter().map(ToString::to_string).collect();
        let keys = code.keys();
        for (name, found) in [
            ("secret", hex(code.secret.as_bytes())),
            ("addresses", addresses.join(" ")),
            ("owner", hex(keys.owner.as_bytes())),
            ("deposit", hex(keys.deposit.as_bytes())),
        ] {
            assert_eq!(case[name].as_str(), Some(found.as_str()), "{name}");
        }
    }
    for case in vectors["hashes"].as_array().expect("a list") {
        let fill = u8::try_from(case["tag_fill"].as_u64().expect("a number")).expect("a byte");
        assert_eq!(
            case["hash"].as_str(),
            Some(hex(&mailbox_hash(&[fill; 16])).as_str())
        );
    }
}
