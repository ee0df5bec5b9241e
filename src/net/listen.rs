//! Listens where it should, and tries again where it cannot.

use super::{behaviour::Behaviour, error::NetError, transport};
use crate::model::Transport;
use libp2p::{Multiaddr, Swarm, core::transport::ListenerId};
use std::{io, net::SocketAddr, time::Duration};

/// First and longest pause between tries. The first is short: after a change of the PeerId
/// the old QUIC socket lives on for the moment its connections need to drain.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(30));

/// See the module.
#[derive(Debug)]
pub(super) struct Listeners {
    wanted: Vec<(SocketAddr, Multiaddr, Option<ListenerId>)>,
    pause: Duration,
}

impl Listeners {
    /// Settles on ports: the addresses stay the same for as long as the daemon runs.
    pub(super) fn settle(addresses: &[SocketAddr]) -> Result<Self, NetError> {
        let mut wanted = Vec::new();
        for address in addresses {
            let settled = transport::settle(*address)?;
            wanted.extend(transport::both(settled).map(|on| (*address, on, None)));
        }
        Ok(Self {
            wanted,
            pause: PAUSES.0,
        })
    }

    /// Listens wherever `swarm` does not. The error is that of the first that failed.
    pub(super) fn open(&mut self, swarm: &mut Swarm<Behaviour>) -> Result<(), NetError> {
        let mut result = Ok(());
        for (address, on, id) in &mut self.wanted {
            if id.is_some() {
                continue;
            }
            match swarm.listen_on(on.clone()) {
                Ok(listener) => *id = Some(listener),
                Err(error) => {
                    let fault = NetError::Listen {
                        address: *address,
                        source: io::Error::other(error),
                    };
                    result = result.and(Err(fault));
                }
            }
        }
        if result.is_ok() {
            self.pause = PAUSES.0;
        }
        result
    }

    /// How long to wait before the next try; longer each time.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSES.1);
        pause
    }

    /// How many there are to be.
    pub(super) fn len(&self) -> usize {
        self.wanted.len()
    }

    /// `id` listens no more.
    pub(super) fn closed(&mut self, id: ListenerId) {
        for (_, _, listener) in &mut self.wanted {
            if *listener == Some(id) {
                *listener = None;
            }
        }
    }

    /// None listens any more: their swarm is gone.
    pub(super) fn all_closed(&mut self) {
        for (_, _, listener) in &mut self.wanted {
            *listener = None;
        }
    }
}

/// The sockets that `swarm` listens on.
pub(super) fn sockets(swarm: &Swarm<Behaviour>) -> Vec<(SocketAddr, Transport)> {
    let kind = |at| transport::socket_of(at).zip(transport::kind_of(at));
    let mut found: Vec<_> = swarm.listeners().filter_map(kind).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The socket addresses that `swarm` listens on, each once.
pub(super) fn addresses(swarm: &Swarm<Behaviour>) -> Vec<SocketAddr> {
    let mut found: Vec<_> = swarm.listeners().filter_map(transport::socket_of).collect();
    found.sort_unstable();
    found.dedup();
    found
}
