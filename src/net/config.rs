//! What the network room can be told at its start.

use std::{net::SocketAddr, time::Duration};

/// Settings of the room; every field has a default that suits a person's computer.
#[derive(Clone, Debug)]
pub struct NetConfig {
    /// Where to listen, each with QUIC (UDP) and TCP. Port 0 takes a free port, the same
    /// number for both if it can be had; empty means to dial only.
    pub listen: Vec<SocketAddr>,
    /// Most links at a time.
    pub max_links: usize,
    /// Most links to shared routes at a time, besides those.
    pub max_shared: usize,
    /// Most links to one shared route at a time; one more ends the oldest of them.
    pub max_shared_per_route: usize,
    /// Most incoming connections whose encryption is still being set up.
    pub max_pending: usize,
    /// Most incoming connections that have not yet proven whom they belong to. One more
    /// closes the oldest of them.
    pub max_unproven: usize,
    /// Most incoming connections of one IP address (IPv6: of one /64) before any proof.
    pub max_unproven_per_ip: usize,
    /// Incoming connections that one IP address may open in a burst.
    pub burst_per_ip: u32,
    /// Incoming connections a second that one IP address may open for good.
    pub rate_per_ip: u32,
    /// How many new connections a failed proof counts for.
    pub failed_proof_cost: u32,
    /// Most routes dialled at a time; others wait their turn.
    pub max_dials: usize,
    /// How long a PeerId lives.
    pub epoch: Duration,
    /// Time from a connection to a proven link.
    pub prove_within: Duration,
}

impl Default for NetConfig {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            max_links: 1_200,
            max_shared: 128,
            max_shared_per_route: 32,
            max_pending: 64,
            max_unproven: 64,
            max_unproven_per_ip: 8,
            burst_per_ip: 32,
            rate_per_ip: 4,
            failed_proof_cost: 4,
            max_dials: 16,
            epoch: Duration::from_secs(86_400),
            prove_within: Duration::from_secs(5),
        }
    }
}
