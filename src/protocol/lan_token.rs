//! Looking for contacts on the local network (`protocol.md` C.4): a query that only those meant
//! by it can tell from noise, and a reply that only the one who asked can read.
//!
//! ```text
//! query = nonce(16) || sorted entries(8 each), padded with random ones to 32, 64 or 128
//! entry = MAC(KDF(S, "lan", dir), "lan-entry", nonce, minute)[..8]
//! reply = tag(8) || nonce'(24) || XChaCha20-Poly1305(key, addresses, zeros)       256 bytes
//!         R = KDF(S, "lan-reply", dir)  tag = MAC(R, "lan-reply-tag", nonce)[..8]
//!         key = KDF(R, "lan-reply-seal", nonce)
//! ```
//! S is a route's meeting secret, `dir` the side that speaks (`A` the inviter, `B` the invitee),
//! `minute` the wall clock's, as 8 bytes, `nonce` always the query's. An address is
//! `4 ip(4) port(2)` or `6 ip(16) port(2)`; a zero ends the list.
//!
//! # Limits
//! A query is heard in its own minute and the two beside it, so the clocks of two machines may
//! differ by a minute. Hearing one costs three MACs for each secret: 2 ms for 1000 contacts in a
//! release build on one core with SHA instructions. Of a flood the network room lets 16 a second
//! through.

use super::address::is_dialable;
use crate::{
    crypto::{Random, Secret, derive, mac, open_bytes, seal_bytes},
    model::Timestamp,
};
use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, SocketAddr},
};

const NONCE_BYTES: usize = 16;
const ENTRY_BYTES: usize = 8;
/// How many entries a query may have.
const SIZES: [usize; 3] = [32, 64, 128];
const MOST_ENTRIES: usize = 128;
/// The longest query: it fits into one packet on every network.
pub const MAX_LAN_QUERY_BYTES: usize = NONCE_BYTES + MOST_ENTRIES * ENTRY_BYTES;
/// Every reply is of this length.
pub const LAN_REPLY_BYTES: usize = 256;
/// Most addresses in a reply.
pub const MAX_LAN_ADDRESSES: usize = 8;
const TAG_BYTES: usize = 8;
const SEAL_NONCE_BYTES: usize = 24;
const SEAL_TAG_BYTES: usize = 16;
const PLAIN_BYTES: usize = LAN_REPLY_BYTES - TAG_BYTES - SEAL_NONCE_BYTES - SEAL_TAG_BYTES;
/// Queries that were answered, kept until they are too old to be heard.
const MAX_ANSWERED: usize = 4096;

/// The keys under one meeting secret.
#[derive(Clone)]
pub struct LanKeys {
    /// For the entries of our queries, and of theirs.
    ask: Secret<32>,
    hear: Secret<32>,
    /// For the replies that we write, and that they write.
    reply: Secret<32>,
    read: Secret<32>,
}

impl LanKeys {
    /// The keys under `secret`, for its side A (the inviter) or B.
    #[must_use]
    pub fn derive(secret: &Secret<32>, inviter: bool) -> Self {
        let (own, their): (&[u8], &[u8]) = if inviter { (b"A", b"B") } else { (b"B", b"A") };
        let key = |label, dir| derive(secret.as_bytes(), label, &[dir]);
        Self {
            ask: key("lan", own),
            hear: key("lan", their),
            reply: key("lan-reply", own),
            read: key("lan-reply", their),
        }
    }
}

/// What was asked in one query: which replies to it can be read, and whose they are.
pub struct LanAsked<K> {
    nonce: [u8; NONCE_BYTES],
    whom: HashMap<[u8; TAG_BYTES], (K, Secret<32>)>,
}

/// Queries for everybody in `whom`, in random order and as few as hold them all. Each is sent
/// once, as it is, in one place.
#[must_use]
pub fn lan_ask<K: Copy>(
    whom: &[(K, &LanKeys)],
    now: Timestamp,
    rng: &mut dyn Random,
) -> Vec<(Vec<u8>, LanAsked<K>)> {
    let mut order: Vec<(u64, &(K, &LanKeys))> = whom.iter().map(|one| (random(rng), one)).collect();
    order.sort_unstable_by_key(|(place, _)| *place);
    order
        .chunks(MOST_ENTRIES)
        .map(|some| query(some.iter().map(|(_, one)| **one), now, rng))
        .collect()
}

fn query<'k, K: Copy>(
    whom: impl Iterator<Item = (K, &'k LanKeys)>,
    now: Timestamp,
    rng: &mut dyn Random,
) -> (Vec<u8>, LanAsked<K>) {
    let mut nonce = [0; NONCE_BYTES];
    rng.fill(&mut nonce);
    let mut entries = Vec::new();
    let mut asked = LanAsked {
        nonce,
        whom: HashMap::new(),
    };
    for (who, keys) in whom {
        entries.push(entry(&keys.ask, &nonce, minute(now)));
        let tag = reply_tag(&keys.read, &nonce);
        asked.whom.insert(tag, (who, keys.read.clone()));
    }
    let fits = |size: &usize| *size >= entries.len();
    let size = SIZES.into_iter().find(fits).unwrap_or(MOST_ENTRIES);
    entries.resize_with(size, || random(rng));
    entries.sort_unstable();
    let mut bytes = nonce.to_vec();
    bytes.extend(entries.iter().flat_map(|entry| entry.to_be_bytes()));
    (bytes, asked)
}

impl<K: Copy> LanAsked<K> {
    /// Who replied, and where they are; `None` for everything else that may come in. One reply
    /// of each is read: nobody can keep us calling ever new addresses.
    #[must_use]
    pub fn read(&mut self, reply: &[u8]) -> Option<(K, Vec<SocketAddr>)> {
        let reply: &[u8; LAN_REPLY_BYTES] = reply.try_into().ok()?;
        let (tag, sealed) = reply.split_first_chunk::<TAG_BYTES>()?;
        let (who, key) = self.whom.get(tag)?;
        let key: Secret<32> = derive(key.as_bytes(), "lan-reply-seal", &[&self.nonce]);
        let plain = open_bytes(&key, &[], sealed)?;
        let who = *who;
        self.whom.remove(tag);
        Some((who, unpack(&plain)?))
    }
}

/// Somebody asked for us.
pub struct LanHeard<K> {
    /// Who.
    pub who: K,
    nonce: [u8; NONCE_BYTES],
    reply: Secret<32>,
}

impl<K> LanHeard<K> {
    /// The reply that tells them the first few of `addresses`. To be sent once, to whoever the
    /// query came from.
    #[must_use]
    pub fn reply(&self, addresses: &[SocketAddr], rng: &mut dyn Random) -> Vec<u8> {
        let key: Secret<32> = derive(self.reply.as_bytes(), "lan-reply-seal", &[&self.nonce]);
        let sealed = seal_bytes(&key, &[], &pack(addresses), rng);
        let tag = reply_tag(&self.reply, &self.nonce);
        [&tag[..], &sealed].concat()
    }
}

/// Hears those queries that mean us.
pub struct LanListener<K> {
    keys: Vec<(K, LanKeys)>,
    /// Nonces of queries that were heard, with their minute. Only these: whatever means nobody
    /// gets silence at every repetition, and so cannot fill this.
    heard: HashMap<[u8; NONCE_BYTES], i64>,
}

impl<K> Default for LanListener<K> {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            heard: HashMap::new(),
        }
    }
}

impl<K: Copy> LanListener<K> {
    /// Replaces those who may find us; what was heard before stays heard.
    pub fn listen_for(&mut self, keys: Vec<(K, LanKeys)>) {
        self.keys = keys;
    }

    /// Everybody whom `datagram` shows to be asking for us. A query that was heard before means
    /// nobody: a reply to its repetition would show somebody else that there is a contact.
    pub fn hear(&mut self, datagram: &[u8], now: Timestamp) -> Vec<LanHeard<K>> {
        let Some((nonce, entries)) = parse(datagram) else {
            return Vec::new();
        };
        let present = minute(now);
        // A hash map under a random key: how long the look-up takes tells nothing of our entries.
        let found: Vec<LanHeard<K>> = self
            .keys
            .iter()
            .filter(|(_, keys)| {
                [present, present - 1, present + 1]
                    .into_iter()
                    .any(|minute| entries.contains(&entry(&keys.hear, &nonce, minute)))
            })
            .map(|(who, keys)| LanHeard {
                who: *who,
                nonce,
                reply: keys.reply.clone(),
            })
            .collect();
        if found.is_empty() {
            return found;
        }
        // One beside the oldest or newest that can be heard may still count as heard.
        self.heard
            .retain(|_, at| at.saturating_sub(present).unsigned_abs() <= 2);
        if self.heard.contains_key(&nonce) || self.heard.len() >= MAX_ANSWERED {
            return Vec::new();
        }
        self.heard.insert(nonce, present);
        found
    }
}

fn parse(datagram: &[u8]) -> Option<([u8; NONCE_BYTES], HashSet<u64>)> {
    let (nonce, rest) = datagram.split_first_chunk::<NONCE_BYTES>()?;
    let (entries, odd) = rest.as_chunks::<ENTRY_BYTES>();
    let well_formed = odd.is_empty() && SIZES.contains(&entries.len());
    let entries = entries.iter().map(|entry| u64::from_be_bytes(*entry));
    well_formed.then(|| (*nonce, entries.collect()))
}

fn entry(key: &Secret<32>, nonce: &[u8; NONCE_BYTES], minute: i64) -> u64 {
    let parts: &[&[u8]] = &[nonce, &minute.to_be_bytes()];
    let [a, b, c, d, e, f, g, h, ..] = mac(key.as_bytes(), "lan-entry", parts);
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

fn reply_tag(key: &Secret<32>, nonce: &[u8; NONCE_BYTES]) -> [u8; TAG_BYTES] {
    let [a, b, c, d, e, f, g, h, ..] = mac(key.as_bytes(), "lan-reply-tag", &[nonce]);
    [a, b, c, d, e, f, g, h]
}

fn minute(now: Timestamp) -> i64 {
    now.0.div_euclid(60_000)
}

fn random(rng: &mut dyn Random) -> u64 {
    let mut bytes = [0; 8];
    rng.fill(&mut bytes);
    u64::from_be_bytes(bytes)
}

fn pack(addresses: &[SocketAddr]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PLAIN_BYTES);
    let told = addresses.iter().filter(|address| is_dialable(address));
    for address in told.take(MAX_LAN_ADDRESSES) {
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
    bytes.resize(PLAIN_BYTES, 0);
    bytes
}

fn unpack(mut bytes: &[u8]) -> Option<Vec<SocketAddr>> {
    if bytes.len() != PLAIN_BYTES {
        return None;
    }
    let mut addresses = Vec::new();
    loop {
        let (kind, rest) = bytes.split_first()?;
        let (ip, rest) = match kind {
            0 => break,
            4 => {
                let (ip, rest) = rest.split_first_chunk::<4>()?;
                (IpAddr::from(*ip), rest)
            }
            6 => {
                let (ip, rest) = rest.split_first_chunk::<16>()?;
                (IpAddr::from(*ip), rest)
            }
            _ => return None,
        };
        let (port, rest) = rest.split_first_chunk::<2>()?;
        addresses.push(SocketAddr::new(ip, u16::from_be_bytes(*port)));
        bytes = rest;
    }
    let clean = bytes.iter().all(|byte| *byte == 0) && addresses.len() <= MAX_LAN_ADDRESSES;
    (clean && addresses.iter().all(is_dialable)).then_some(addresses)
}

/// Whether `address` can belong to one machine.
#[cfg(test)]
mod tests;
