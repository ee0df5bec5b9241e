//! Invites: what people do to links, and what they must never get away with.

use super::*;
use proptest::prelude::*;
use serde_json::Value;

fn addresses() -> impl Strategy<Value = Vec<SocketAddr>> {
    let v4 = any::<([u8; 4], u16)>().prop_map(|(ip, port)| SocketAddr::new(ip.into(), port));
    let v6 = any::<([u8; 16], u16)>().prop_map(|(ip, port)| SocketAddr::new(ip.into(), port));
    prop::collection::vec(prop_oneof![v4, v6], 0..9)
}

fn links() -> impl Strategy<Value = InviteLink> {
    (
        any::<bool>(),
        any::<[u8; 16]>(),
        any::<[u8; 20]>(),
        addresses(),
    )
        .prop_map(|(in_person, secret, ic_hash, hints)| {
            let flags = if in_person {
                IN_PERSON
            } else {
                InviteFlags::default()
            };
            InviteLink::new(flags, secret, ic_hash, &hints)
        })
}

fn plain() -> InviteLink {
    InviteLink::new(InviteFlags::default(), [7; 16], [9; 20], &[])
}

proptest! {
    #[test]
    fn what_is_printed_is_parsed(link in links(), every in 1..20_usize) {
        prop_assert_eq!(link.to_string().parse(), Ok(link.clone()));
        prop_assert_eq!(link.qr_text().parse(), Ok(link.clone()));
        let mut wrapped = String::new();
        for (at, c) in link.to_string().chars().enumerate() {
            if at % every == 0 {
                wrapped.push_str("\r\n ");
            }
            wrapped.push(c);
        }
        prop_assert_eq!(wrapped.parse(), Ok(link));
    }

    #[test]
    fn hints_never_outgrow_their_room(link in links()) {
        prop_assert!(link.to_bytes().len() <= FIXED_LEN + MAX_HINT_BYTES);
    }

    #[test]
    fn any_text_is_parsed_or_refused(text: String, tail in "[0-9a-z]{0,160}") {
        let _ = text.parse::<InviteLink>();
        let like_one = format!("msgd:i1{tail}");
        prop_assert!(like_one.parse::<InviteLink>().is_err());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        prop_assert!(InviteLink::from_bytes(&bytes).is_err());
    }

    // A reader of a later format: the checksum holds, the content is foreign.
    #[test]
    fn foreign_content_under_a_right_checksum_never_panics(head: [u8; SUM_AT], hints in prop::collection::vec(any::<u8>(), 0..64)) {
        let bytes = [head.as_slice(), &checksum(&head, &hints), &hints].concat();
        if let Ok(link) = InviteLink::from_bytes(&bytes) {
            prop_assert_eq!(link.to_bytes(), bytes);
        }
    }

    #[test]
    fn one_wrong_character_is_found(link in links(), at: prop::sample::Index, to in "[0-9a-hjkmnp-tv-z]") {
        let text = link.to_string();
        let at = 7 + at.index(text.len() - 7);
        let mut wrong = text.clone();
        wrong.replace_range(at..=at, &to);
        if wrong != text {
            prop_assert_eq!(wrong.parse::<InviteLink>(), Err(InviteError::Checksum));
        }
    }
}

#[test]
fn a_link_without_hints_has_75_characters() {
    assert_eq!(plain().to_string().len(), 75);
}

#[test]
fn faults_are_told_apart() {
    let text = plain().to_string();
    let parse = |text: &str| text.parse::<InviteLink>();
    assert_eq!(parse("https://example.org"), Err(InviteError::NotAnInvite));
    assert_eq!(
        parse(&text.replace("i1", "g1")),
        Err(InviteError::NotAnInvite)
    );
    assert_eq!(
        parse(&text.replace("i1", "i2")),
        Err(InviteError::NewerVersion)
    );
    assert_eq!(
        parse(text.get(..74).expect("longer")),
        Err(InviteError::Truncated)
    );
    assert_eq!(parse("msgd:i"), Err(InviteError::Truncated));
    assert_eq!(
        parse(&text.replacen("e", "u", 1)),
        Err(InviteError::Checksum)
    );
    let mut flagged = plain();
    flagged.flags = InviteFlags(0x80);
    assert_eq!(parse(&flagged.to_string()), Err(InviteError::NewerVersion));
    assert_eq!(parse(&"m".repeat(5000)), Err(InviteError::NotAnInvite));
}

#[test]
fn a_changed_flag_gives_other_keys() {
    let mut changed = plain();
    changed.flags = IN_PERSON;
    let changed: InviteLink = changed.to_string().parse().expect("a right checksum");
    let (before, after) = (plain().keys(), changed.keys());
    assert_ne!(before.base, after.base);
    assert_ne!(before.seal, after.seal);
    assert_ne!(before.link, after.link);
    assert_ne!(before.hello_tag(), after.hello_tag());
}

#[test]
fn the_secret_is_not_printed_by_accident() {
    assert_eq!(format!("{:?}", plain()), "InviteLink[redacted]");
}

#[test]
fn links_and_keys_match_the_committed_vectors() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../tests/fixtures/vectors/invite.json"))
            .expect("JSON");
    for case in vectors.as_array().expect("a list") {
        let text = case["link"].as_str().expect("a link");
        let link: InviteLink = text.parse().expect("valid");
        assert_eq!(link.to_string(), text);
        let keys = link.keys();
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let hints: Vec<_> = link.hints.iter().map(ToString::to_string).collect();
        for (name, found) in [
            ("secret", hex(&link.secret)),
            ("ic_hash", hex(&link.ic_hash)),
            ("flags", link.flags.0.to_string()),
            ("hints", hints.join(" ")),
            ("base", hex(keys.base.as_bytes())),
            ("seal", hex(keys.seal.as_bytes())),
            ("tag", hex(keys.tag.as_bytes())),
            ("auth", hex(keys.auth.as_bytes())),
            ("rdv", hex(keys.rdv.as_bytes())),
            ("link_key", hex(keys.link.as_bytes())),
            ("hello_tag", hex(&keys.hello_tag())),
            ("confirm_tag", hex(&keys.confirm_tag())),
            ("hello_key", hex(keys.hello_parcel().1.as_bytes())),
            ("confirm_key", hex(keys.confirm_parcel().1.as_bytes())),
        ] {
            assert_eq!(case[name].as_str(), Some(found.as_str()), "{name}");
        }
    }
}
