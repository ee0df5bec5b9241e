//! The second fence: masks whatever looks as if it named a person, a machine or a key.
//!
//! It judges by looks, so it may mask too much, and it cannot know a name. The rule for
//! callers stays: people are not logged.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Hexadecimal digits from which on a word is taken for an id, a fingerprint or a key.
const ID_DIGITS: usize = 16;
/// Letters and digits from which on a word is taken for a `PeerId` or something like it.
const OPAQUE_LETTERS: usize = 32;

/// `text` with such words replaced by what they were.
pub(super) fn scrub(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let inside = is_inside(first);
        let end = rest.find(|c| is_inside(c) != inside).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        if inside {
            push_word(&mut clean, run);
        } else {
            clean.push_str(run);
        }
        rest = after;
    }
    clean
}

/// What addresses, multiaddresses, ids and invites are made of.
fn is_inside(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | ':' | '/' | '[' | ']' | '%' | '-' | '_' | '+')
}

fn push_word(clean: &mut String, word: &str) {
    // Punctuation around a word belongs to the sentence.
    let core = word.trim_matches(|c| matches!(c, '.' | '-' | '_' | '+'));
    let core = core
        .strip_suffix(':')
        .filter(|c| !c.ends_with(':'))
        .unwrap_or(core);
    match mask(core) {
        Some(mask) => clean.push_str(&word.replacen(core, mask, 1)),
        None => clean.push_str(word),
    }
}

fn mask(word: &str) -> Option<&'static str> {
    let lower = word.to_ascii_lowercase();
    let protocols = ["/ip4/", "/ip6/", "/dns", "/p2p/", "/unix/"];
    if protocols.iter().any(|part| lower.contains(part)) {
        return Some("[address]");
    }
    if lower.contains("msgd:")
        && lower
            .split("msgd:")
            .nth(1)
            .is_some_and(|rest| rest.len() > ID_DIGITS)
    {
        return Some("[invite]");
    }
    if is_address(word) {
        return Some("[address]");
    }
    // A path or a module is many short words; an id among them is still an id.
    word.split(|c: char| !c.is_ascii_alphanumeric())
        .find_map(|part| {
            let hex = part.len() >= ID_DIGITS && part.bytes().all(|b| b.is_ascii_hexdigit());
            let has_digit = part.bytes().any(|b| b.is_ascii_digit());
            (hex || part.len() >= OPAQUE_LETTERS && has_digit).then_some("[id]")
        })
}

/// Loopback and "any" tell nothing about anybody.
fn is_address(word: &str) -> bool {
    let bare = word.trim_start_matches('[').trim_end_matches(']');
    let ip = word
        .parse::<SocketAddr>()
        .map(|address| address.ip())
        .or_else(|_| bare.parse::<IpAddr>())
        // `fe80::1%eth0`, with or without brackets and port.
        .or_else(|_| {
            let host = bare.split('%').next().unwrap_or(bare);
            host.parse::<Ipv6Addr>().map(IpAddr::V6)
        });
    ip.is_ok_and(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_a_machine_or_a_key_is_masked() {
        let id = "ab".repeat(16);
        let cases = [
            ("dialled 192.0.2.7:4001.", "dialled [address]."),
            ("from [2001:db8::1]:443: refused", "from [address]: refused"),
            ("at 2001:db8::1, again", "at [address], again"),
            ("on fe80::1%eth0", "on [address]"),
            ("(198.51.100.3)", "([address])"),
            ("to=/ip4/192.0.2.7/udp/9/quic-v1", "to=[address]"),
            ("/dns4/example.org/tcp/1", "[address]"),
            (
                "peer 12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN gone",
                "peer [id] gone",
            ),
            ("msgd:i1abcdefghjkmnpqrstvwxyz", "[invite]"),
            (
                "PeerId(\"QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N\")",
                "PeerId(\"[id]\")",
            ),
        ];
        for (raw, clean) in cases {
            assert_eq!(scrub(raw), clean);
        }
        assert_eq!(scrub(&format!("contact {id}")), "contact [id]");
    }

    #[test]
    fn what_names_nobody_stays() {
        for plain in [
            "listening on 0.0.0.0:4001 and [::]:4001",
            "127.0.0.1:80, [::1]:80",
            "msgd::net::actor: link lost after 12.5 s (3 of 4)",
            "/home/user/.local/share/msgd/default/db: No space left on device (os error 28)",
            "version 0.1.0, 2026-11-23T09:25:00.123Z",
            "state=Some(Pending) done: yes",
            "",
        ] {
            assert_eq!(scrub(plain), plain);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_passes_and_no_address_survives(before in "\\PC{0,20} ", ip: std::net::Ipv6Addr, port: u16) {
            proptest::prop_assume!(!ip.is_loopback() && !ip.is_unspecified());
            let text = scrub(&format!("{before}[{ip}]:{port} {before}"));
            let whole = format!("[{ip}]:{port}");
            proptest::prop_assert!(!text.contains(&whole), "{text}");
        }
    }
}
