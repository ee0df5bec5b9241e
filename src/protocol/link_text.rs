//! What the texts that people pass on have in common: `msgd:`, a letter, the version, and
//! bytes in Crockford's base 32, the last of which are addresses.

use std::net::{IpAddr, SocketAddr};

pub(super) mod base32;

/// Longer texts are not looked at; nothing useful is that long, whatever its spacing.
const MAX_TEXT: usize = 4096;

/// Why a text is none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It does not begin like one.
    Foreign,
    /// A character is wrong.
    Checksum,
    /// It is of a later version.
    Newer,
    /// The end is missing.
    Truncated,
}

/// The bytes of a text of `kind`, version 1, of which there are `least` or more.
///
/// Tolerates what happens to a text in mail and on paper: other case, spaces, line breaks,
/// hyphens, and the letters that look like 0 and 1.
pub(super) fn read(text: &str, kind: char, least: usize) -> Result<Vec<u8>, Unreadable> {
    if text.len() > MAX_TEXT {
        return Err(Unreadable::Foreign);
    }
    let text: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let rest = text
        .strip_prefix("msgd:")
        .and_then(|rest| rest.strip_prefix(kind))
        .ok_or(Unreadable::Foreign)?;
    let mut data = rest.chars();
    match data.next() {
        Some('1' | 'i' | 'l') => {}
        Some('2'..='9') => return Err(Unreadable::Newer),
        Some(_) => return Err(Unreadable::Foreign),
        None => return Err(Unreadable::Truncated),
    }
    let data = data.as_str();
    if data.len() < base32::text_len(least) {
        return Err(Unreadable::Truncated);
    }
    base32::decode(data).ok_or(Unreadable::Checksum)
}

/// As many of `addresses`, in order, as fit into `room` bytes.
pub(super) fn fitting(addresses: &[SocketAddr], mut room: usize) -> Vec<SocketAddr> {
    let fits = |address: &&SocketAddr| {
        let len = if address.is_ipv4() { 7 } else { 19 };
        let left = room.checked_sub(len);
        room = left.unwrap_or(room);
        left.is_some()
    };
    let bare = |address: &SocketAddr| SocketAddr::new(address.ip(), address.port());
    addresses.iter().filter(fits).map(bare).collect()
}

/// `4 ip(4) port(2)` or `6 ip(16) port(2)` each.
pub(super) fn pack(addresses: &[SocketAddr]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for address in addresses {
        match address.ip() {
            IpAddr::V4(ip) => {
                bytes.push(4);
                bytes.extend_from_slice(&ip.octets());
            }
            IpAddr::V6(ip) => {
                bytes.push(6);
                bytes.extend_from_slice(&ip.octets());
            }
        }
        bytes.extend_from_slice(&address.port().to_be_bytes());
    }
    bytes
}

/// Reads what [`pack`] wrote, if it is no longer than `room`.
pub(super) fn unpack(mut bytes: &[u8], room: usize) -> Result<Vec<SocketAddr>, Unreadable> {
    if bytes.len() > room {
        return Err(Unreadable::Newer);
    }
    let mut addresses = Vec::new();
    while let Some((kind, rest)) = bytes.split_first() {
        let short = Unreadable::Truncated;
        let (ip, rest) = match kind {
            4 => {
                let (ip, rest) = rest.split_first_chunk::<4>().ok_or(short)?;
                (IpAddr::from(*ip), rest)
            }
            6 => {
                let (ip, rest) = rest.split_first_chunk::<16>().ok_or(short)?;
                (IpAddr::from(*ip), rest)
            }
            _ => return Err(Unreadable::Newer),
        };
        let (port, rest) = rest.split_first_chunk::<2>().ok_or(short)?;
        addresses.push(SocketAddr::new(ip, u16::from_be_bytes(*port)));
        bytes = rest;
    }
    Ok(addresses)
}
