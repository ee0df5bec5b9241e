//! How two who share a secret find each other in a public directory (`protocol.md` C.3).
//!
//! ```text
//! e        = floor((now - phase) / 24 h)          phase = KDF(S, "rdv-phase") mod 24 h
//! (sk, pk) = Ed25519 from KDF(S, "rdv-sign", dir, e)
//! value    = 1 || nonce(24) || AEAD(KDF(S, "rdv-seal", dir, e), record; aad = 1 || pk || seq)
//! seq      = KDF(S, "rdv-seq", dir, e) >> 24, plus the seconds of the epoch that have passed
//! record   = entries of kind(1) len(1) bytes(len), then zeros up to 919 bytes
//! ```
//! `dir` is "A" for what the inviter publishes and "B" for what the invitee publishes. Entries:
//! 1 is an IPv4 address with its port, 2 one of IPv6; 0 ends the list. A kind that is not known
//! is passed over, so that a later version can say more within the same length.
//!
//! Who lacks S sees random bytes at a random place, of which nothing recurs the day after.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::{MAX_ADDRESSES, address::is_dialable};
use crate::{
    crypto::{Random, Secret, Signer, derive, open_bytes, seal_bytes, verify},
    model::Timestamp,
    wire::{ITEM_BYTES, SignedItem, signable},
};

const VERSION: u8 = 1;
/// Version, nonce and authenticator.
const AROUND: usize = 1 + 24 + 16;
const RECORD_BYTES: usize = ITEM_BYTES - AROUND;
const DAY_MS: i64 = 86_400_000;
/// Nodes keep an item for about so long after it was last published.
pub const ITEM_LIFE: Duration = Duration::from_secs(2 * 3600);
/// Clocks this far apart count as equal.
const LEEWAY_MS: i64 = 15 * 60_000;
/// Most keys that one look-up asks for.
pub const MAX_EPOCHS: usize = 3;

/// What one tells the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whereabouts {
    /// Where to dial, the most promising first; at most [`MAX_ADDRESSES`].
    pub addresses: Vec<SocketAddr>,
}

/// Why an item is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RendezvousError {
    /// It was not published by the other holder of the secret for this epoch.
    #[error("the item is not theirs")]
    NotTheirs,
    /// It was made by a later version of this program.
    #[error("the item was written by a newer version of msgd")]
    NewerVersion,
    /// It is theirs and makes no sense.
    #[error("the item is malformed: {0}")]
    Malformed(&'static str),
}

/// The place where two meet.
pub struct Rendezvous {
    secret: Secret<32>,
    inviter: bool,
    phase_ms: i64,
}

impl Rendezvous {
    /// The place that belongs to `secret`. `inviter` is this side's part in the handshake, or
    /// in the invite.
    #[must_use]
    pub fn new(secret: Secret<32>, inviter: bool) -> Self {
        let phase = u64::from_be_bytes(*derive(secret.as_bytes(), "rdv-phase", &[]).as_bytes());
        let phase_ms = i64::try_from(phase % DAY_MS.unsigned_abs()).unwrap_or_default();
        Self {
            secret,
            inviter,
            phase_ms,
        }
    }

    /// The epoch at `now`. Each pair's epochs begin at a time of day of their own.
    #[must_use]
    pub fn epoch(&self, now: Timestamp) -> i64 {
        now.0.saturating_sub(self.phase_ms).div_euclid(DAY_MS)
    }

    /// How long until the next epoch begins.
    #[must_use]
    pub fn until_next(&self, now: Timestamp) -> Duration {
        let left = DAY_MS - self.passed_ms(now);
        Duration::from_millis(left.unsigned_abs())
    }

    /// The epochs to look in, the likeliest first, at most [`MAX_EPOCHS`]. The first attempt
    /// trusts the clock; later ones reach two days into the past and the future.
    #[must_use]
    pub fn epochs(&self, now: Timestamp, attempt: u32) -> Vec<i64> {
        let current = self.epoch(now);
        let around = |span: i64| {
            vec![
                current,
                current.saturating_sub(span),
                current.saturating_add(span),
            ]
        };
        match attempt {
            0 => {
                let passed = self.passed_ms(now);
                let life = i64::try_from(ITEM_LIFE.as_millis()).unwrap_or(i64::MAX);
                let mut epochs = vec![current];
                // What they published before the change may still be all there is.
                if passed < life {
                    epochs.push(current.saturating_sub(1));
                }
                if DAY_MS - passed <= LEEWAY_MS {
                    epochs.push(current.saturating_add(1));
                }
                epochs
            }
            odd if odd % 2 == 1 => around(1),
            _ => around(2),
        }
    }

    /// The key under which the other side publishes in `epoch`.
    #[must_use]
    pub fn their_key(&self, epoch: i64) -> [u8; 32] {
        self.signer(!self.inviter, epoch).public()
    }

    /// This side's item for now. `last` is the number of the item that it published before, so
    /// that this one replaces it whatever the clock says.
    ///
    /// Addresses beyond [`MAX_ADDRESSES`], and those that nobody can dial, are left out.
    #[must_use]
    pub fn item(
        &self,
        here: &Whereabouts,
        now: Timestamp,
        last: Option<i64>,
        rng: &mut dyn Random,
    ) -> SignedItem {
        let epoch = self.epoch(now);
        let (start, timely) = self.numbers(self.inviter, epoch, now);
        // The number of another epoch says nothing about this one.
        let last = last.filter(|last| (start..=start.saturating_add(2 * DAY_MS)).contains(last));
        let seq = last.map_or(timely, |last| timely.max(last.saturating_add(1)));
        let signer = self.signer(self.inviter, epoch);
        let key = signer.public();
        let sealing = self.sealing(self.inviter, epoch);
        let mut value = vec![VERSION];
        value.extend(seal_bytes(&sealing, &aad(&key, seq), &write(here), rng));
        let signature = signer.sign(&signable(seq, &value));
        SignedItem {
            key,
            seq,
            value,
            signature,
        }
    }

    /// What the other side's item of `epoch` says.
    ///
    /// # Errors
    /// Somebody else's item, one of another epoch, or one that makes no sense.
    pub fn open(&self, epoch: i64, item: &SignedItem) -> Result<Whereabouts, RendezvousError> {
        if item.value.len() != ITEM_BYTES || item.key != self.their_key(epoch) {
            return Err(RendezvousError::NotTheirs);
        }
        if !verify(&item.key, &signable(item.seq, &item.value), &item.signature) {
            return Err(RendezvousError::NotTheirs);
        }
        let (version, sealed) = item.value.split_first().ok_or(RendezvousError::NotTheirs)?;
        // It bears their signature: the number can be believed.
        if *version != VERSION {
            return Err(RendezvousError::NewerVersion);
        }
        let sealing = self.sealing(!self.inviter, epoch);
        let record = open_bytes(&sealing, &aad(&item.key, item.seq), sealed)
            .ok_or(RendezvousError::NotTheirs)?;
        read(&record).map_err(RendezvousError::Malformed)
    }

    fn passed_ms(&self, now: Timestamp) -> i64 {
        now.0.saturating_sub(self.phase_ms).rem_euclid(DAY_MS)
    }

    /// The number that an epoch starts with, and the one that belongs to `now`.
    fn numbers(&self, inviter: bool, epoch: i64, now: Timestamp) -> (i64, i64) {
        let start: Secret<8> = self.key("rdv-seq", inviter, epoch);
        let start = i64::try_from(u64::from_be_bytes(*start.as_bytes()) >> 24).unwrap_or_default();
        (start, start.saturating_add(self.passed_ms(now) / 1000))
    }

    fn signer(&self, inviter: bool, epoch: i64) -> Signer {
        Signer::new(&self.key("rdv-sign", inviter, epoch))
    }

    fn sealing(&self, inviter: bool, epoch: i64) -> Secret<32> {
        self.key("rdv-seal", inviter, epoch)
    }

    fn key<const N: usize>(&self, label: &str, inviter: bool, epoch: i64) -> Secret<N> {
        let direction: &[u8] = if inviter { b"A" } else { b"B" };
        let epoch = epoch.to_be_bytes();
        derive(self.secret.as_bytes(), label, &[direction, &epoch])
    }
}

fn aad(key: &[u8; 32], seq: i64) -> Vec<u8> {
    [[VERSION].as_slice(), key, &seq.to_be_bytes()].concat()
}

fn write(here: &Whereabouts) -> Vec<u8> {
    let mut record = Vec::with_capacity(RECORD_BYTES);
    let usable = here.addresses.iter().filter(|address| is_dialable(address));
    for address in usable.take(MAX_ADDRESSES) {
        match address.ip() {
            IpAddr::V4(ip) => {
                record.extend_from_slice(&[1, 6]);
                record.extend_from_slice(&ip.octets());
            }
            IpAddr::V6(ip) => {
                record.extend_from_slice(&[2, 18]);
                record.extend_from_slice(&ip.octets());
            }
        }
        record.extend_from_slice(&address.port().to_be_bytes());
    }
    record.resize(RECORD_BYTES, 0);
    record
}

fn read(mut record: &[u8]) -> Result<Whereabouts, &'static str> {
    let mut here = Whereabouts::default();
    while let Some((kind, rest)) = record.split_first() {
        if *kind == 0 {
            let blank = rest.iter().all(|byte| *byte == 0);
            return blank.then_some(here).ok_or("something follows the end");
        }
        let (len, rest) = rest.split_first().ok_or("cut off")?;
        let (entry, rest) = rest
            .split_at_checked(usize::from(*len))
            .ok_or("an entry is cut off")?;
        record = rest;
        let address = match kind {
            1 => address::<4>(entry),
            2 => address::<16>(entry),
            _ => continue,
        };
        let address = address.filter(is_dialable).ok_or("no address")?;
        if here.addresses.len() == MAX_ADDRESSES {
            return Err("too many addresses");
        }
        here.addresses.push(address);
    }
    Ok(here)
}

fn address<const N: usize>(entry: &[u8]) -> Option<SocketAddr>
where
    IpAddr: From<[u8; N]>,
{
    let (ip, port) = entry.split_first_chunk::<N>()?;
    let port = u16::from_be_bytes(port.try_into().ok()?);
    Some(SocketAddr::new(IpAddr::from(*ip), port))
}

#[cfg(test)]
mod tests;
