//! How much strangers may take: connections by stage, by address and by time.
//!
//! Pure bookkeeping; [`behaviour`](super::behaviour) asks it before anything is built.

use super::config::NetConfig;
use libp2p::swarm::ConnectionId;
use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

/// Most addresses remembered one by one; the rest share one budget.
const MAX_SOURCES: usize = 4_096;
/// Addresses remembered because somebody has proven themselves from there, and for how long.
const MAX_KNOWN: usize = 1_024;
const KNOWN_MS: u64 = 86_400_000;
/// Connections that each of them may open whatever strangers at the same IP address have
/// spent, and how many more a second, in thousandths.
const RESERVE: u64 = 4;
const RESERVE_RATE: u64 = 500;
/// A token, in thousandths, so that slow rates refill smoothly.
const TOKEN: u64 = 1_000;

/// Where a connection comes from: an IPv4 address or an IPv6 /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Source {
    Ip(IpAddr),
    Crowd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Pending,
    Unproven,
    Proven,
}

/// A connection that is here.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    source: Source,
    from: SocketAddr,
    stage: Stage,
}

/// What is kept back for an address from which somebody has proven themselves.
#[derive(Clone, Copy, Debug)]
struct Reserve {
    tokens: u64,
    at_ms: u64,
    proven_ms: u64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: u64,
    at_ms: u64,
    open: usize,
}

/// The doorman of incoming connections.
#[derive(Debug)]
pub(super) struct Gate {
    config: NetConfig,
    connections: HashMap<ConnectionId, Arrival>,
    /// Unproven connections, oldest first; entries of other stages are stale.
    waiting: VecDeque<ConnectionId>,
    sources: HashMap<Source, Bucket>,
    known: HashMap<SocketAddr, Reserve>,
    pending: usize,
    unproven: usize,
    refused: u64,
    closed: bool,
}

impl Gate {
    pub(super) fn new(config: NetConfig) -> Self {
        Self {
            config,
            connections: HashMap::new(),
            waiting: VecDeque::new(),
            sources: HashMap::new(),
            known: HashMap::new(),
            pending: 0,
            unproven: 0,
            refused: 0,
            closed: false,
        }
    }

    /// Lets nobody in any more.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    pub(super) fn unproven(&self) -> usize {
        self.pending + self.unproven
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// A connection has arrived; whether to go on with it. `from` has port 0 where the port
    /// says nothing about who it is, as with TCP.
    pub(super) fn arrive(&mut self, id: ConnectionId, from: SocketAddr, now_ms: u64) -> bool {
        let source = self.source(from.ip(), now_ms);
        let limit = self.config.max_unproven_per_ip;
        let full = self.closed || self.pending >= self.config.max_pending;
        let bucket = self.bucket(source, now_ms);
        let ordinary = bucket.open < limit && bucket.tokens >= TOKEN;
        if full || !ordinary && !self.draw_reserve(from, now_ms) {
            self.refused += 1;
            return false;
        }
        let bucket = self.bucket(source, now_ms);
        if ordinary {
            bucket.tokens -= TOKEN;
        }
        bucket.open += 1;
        self.pending += 1;
        let arrival = Arrival {
            source,
            from,
            stage: Stage::Pending,
        };
        self.connections.insert(id, arrival);
        true
    }

    /// Its encryption stands. Returns the connection that has to make room, if one has.
    pub(super) fn establish(&mut self, id: ConnectionId) -> Option<ConnectionId> {
        let arrival = self.connections.get_mut(&id)?;
        if arrival.stage != Stage::Pending {
            return None;
        }
        arrival.stage = Stage::Unproven;
        self.pending -= 1;
        self.unproven += 1;
        self.waiting.push_back(id);
        if self.unproven <= self.config.max_unproven {
            return None;
        }
        let oldest = loop {
            let oldest = self.waiting.pop_front()?;
            if self.is_unproven(oldest) {
                break oldest;
            }
        };
        self.refused += 1;
        Some(oldest)
    }

    /// It has proven to belong to a route: it no longer counts among strangers, and its
    /// address is remembered.
    pub(super) fn prove(&mut self, id: ConnectionId, now_ms: u64) {
        let Some(arrival) = self.connections.get_mut(&id) else {
            return;
        };
        let was = std::mem::replace(&mut arrival.stage, Stage::Proven);
        let Arrival { source, from, .. } = *arrival;
        self.release(source, was);
        if was == Stage::Unproven {
            self.excuse(source, now_ms);
            self.remember(from, now_ms);
        }
    }

    /// It has proven a key that is in many hands: it no longer counts among strangers, but
    /// has cost what theirs cost, and nothing is kept back for it.
    pub(super) fn admit(&mut self, id: ConnectionId) {
        if let Some(arrival) = self.connections.get_mut(&id) {
            let was = std::mem::replace(&mut arrival.stage, Stage::Proven);
            let source = arrival.source;
            self.release(source, was);
        }
    }

    /// Its other side holds a route's key but makes no link of it, having chosen another
    /// connection: it has cost nothing.
    pub(super) fn decline(&mut self, id: ConnectionId, now_ms: u64) {
        let arrival = self.connections.get(&id).copied();
        if let Some(arrival) = arrival.filter(|arrival| arrival.stage == Stage::Unproven) {
            self.excuse(arrival.source, now_ms);
        }
    }

    fn excuse(&mut self, source: Source, now_ms: u64) {
        let full = self.full();
        let bucket = self.bucket(source, now_ms);
        bucket.tokens = bucket.tokens.saturating_add(TOKEN).min(full);
    }

    fn remember(&mut self, from: SocketAddr, now_ms: u64) {
        if self.known.len() >= MAX_KNOWN && !self.known.contains_key(&from) {
            let oldest = self.known.iter().min_by_key(|(_, known)| known.proven_ms);
            if let Some(oldest) = oldest.map(|(from, _)| *from) {
                self.known.remove(&oldest);
            }
        }
        let known = self.known.entry(from).or_insert(Reserve {
            tokens: RESERVE * TOKEN,
            at_ms: now_ms,
            proven_ms: now_ms,
        });
        known.proven_ms = now_ms;
    }

    /// Takes a token from what is kept back for `from`, if somebody was proven there lately.
    fn draw_reserve(&mut self, from: SocketAddr, now_ms: u64) -> bool {
        let Some(known) = self.known.get_mut(&from) else {
            return false;
        };
        if now_ms.saturating_sub(known.proven_ms) > KNOWN_MS {
            self.known.remove(&from);
            return false;
        }
        let gained = now_ms.saturating_sub(known.at_ms) * RESERVE_RATE / 1_000;
        known.tokens = known.tokens.saturating_add(gained).min(RESERVE * TOKEN);
        known.at_ms = now_ms;
        let enough = known.tokens >= TOKEN;
        if enough {
            known.tokens -= TOKEN;
        }
        enough
    }

    /// Its proof failed, which costs its source more than a mere connection.
    pub(super) fn fail(&mut self, id: ConnectionId, now_ms: u64) {
        let Some(Arrival { source, .. }) = self.connections.get(&id).copied() else {
            return;
        };
        let cost = u64::from(self.config.failed_proof_cost) * TOKEN;
        let bucket = self.bucket(source, now_ms);
        bucket.tokens = bucket.tokens.saturating_sub(cost);
    }

    /// It is gone.
    pub(super) fn forget(&mut self, id: ConnectionId) {
        if let Some(arrival) = self.connections.remove(&id) {
            self.release(arrival.source, arrival.stage);
        }
    }

    /// Whether it is here and has proven nothing so far.
    pub(super) fn is_unproven(&self, id: ConnectionId) -> bool {
        self.stage(id) == Some(Stage::Unproven)
    }

    fn stage(&self, id: ConnectionId) -> Option<Stage> {
        self.connections.get(&id).map(|arrival| arrival.stage)
    }

    fn release(&mut self, source: Source, stage: Stage) {
        match stage {
            Stage::Pending => self.pending -= 1,
            Stage::Unproven => self.unproven -= 1,
            Stage::Proven => return,
        }
        if let Some(bucket) = self.sources.get_mut(&source) {
            bucket.open = bucket.open.saturating_sub(1);
        }
        // Stale ids of closed and proven connections must not pile up.
        if self.waiting.len() > 2 * self.config.max_unproven {
            let connections = &self.connections;
            let waits = |id: &ConnectionId| {
                let arrival = connections.get(id);
                arrival.is_some_and(|arrival| arrival.stage == Stage::Unproven)
            };
            self.waiting.retain(waits);
        }
    }

    fn source(&mut self, ip: IpAddr, now_ms: u64) -> Source {
        let source = Source::Ip(match ip.to_canonical() {
            IpAddr::V4(ip) => IpAddr::V4(ip),
            IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
        });
        if self.sources.len() >= MAX_SOURCES && !self.sources.contains_key(&source) {
            let (full, rate) = (self.full(), u64::from(self.config.rate_per_ip));
            self.sources.retain(|_, bucket| {
                let gained = now_ms.saturating_sub(bucket.at_ms).saturating_mul(rate);
                bucket.open > 0 || bucket.tokens.saturating_add(gained) < full
            });
            if self.sources.len() >= MAX_SOURCES {
                return Source::Crowd;
            }
        }
        source
    }

    fn full(&self) -> u64 {
        u64::from(self.config.burst_per_ip) * TOKEN
    }

    fn bucket(&mut self, source: Source, now_ms: u64) -> &mut Bucket {
        let (full, rate) = (self.full(), u64::from(self.config.rate_per_ip));
        let bucket = self.sources.entry(source).or_insert(Bucket {
            tokens: full,
            at_ms: now_ms,
            open: 0,
        });
        // `rate` tokens a second are `rate` thousandths a millisecond.
        let gained = now_ms.saturating_sub(bucket.at_ms).saturating_mul(rate);
        bucket.tokens = bucket.tokens.saturating_add(gained).min(full);
        bucket.at_ms = now_ms;
        bucket
    }
}

#[cfg(test)]
mod tests;
