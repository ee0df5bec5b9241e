//! The actor's calls, those that reach it, and what links tell it.

use super::{Actor, DialFailure, Event, Notice, moves};
use crate::{
    model::RouteId,
    net::{links::Outcome, transport},
};
use libp2p::{
    Multiaddr,
    core::ConnectedPoint,
    swarm::{ConnectionId, dial_opts::DialOpts},
};
use std::net::SocketAddr;

impl Actor {
    pub(super) fn ask_dial(&mut self, route: RouteId) {
        if !self.closing && self.table.link(route).is_none() {
            self.dials.ask(route, self.table.take_found(route));
        }
    }

    /// Somebody was seen at `addresses`: a dial of theirs that is under way tries those too, one
    /// that waits goes ahead of others.
    pub(super) fn join(&mut self, route: RouteId, addresses: &[SocketAddr]) {
        if self.dials.join(route, addresses) {
            self.call(route);
        } else {
            self.dials.prefer(route);
        }
    }

    pub(super) fn on_notice(&mut self, notice: Notice) {
        match notice {
            Notice::Proven { connection, shared } => {
                let now = self.clock.steady_ms();
                let gate = &mut self.swarm.behaviour_mut().gate;
                if shared {
                    gate.admit(connection);
                } else {
                    gate.prove(connection, now);
                }
                for loser in self.dials.won(connection) {
                    self.close(loser);
                }
            }
            Notice::Over(connection, outcome) => {
                if outcome == Outcome::Stranger {
                    let now = self.clock.steady_ms();
                    self.swarm.behaviour_mut().gate.fail(connection, now);
                    self.dial_failed(connection, true);
                } else if outcome != Outcome::Guest {
                    self.on_known_over(connection);
                }
                self.close(connection);
                if self.rotating.is_some() && self.table.count().0 == 0 {
                    self.rebuild();
                }
            }
        }
    }

    pub(super) fn start_dials(&mut self) {
        if self.rotating.is_some() || self.closing {
            return;
        }
        while let Some(route) = self.dials.next_route(self.config.max_dials) {
            match self.table.dialling(route) {
                Some((addresses, key)) if !addresses.is_empty() => {
                    self.dials.begin(route, &addresses, key);
                    self.call(route);
                }
                _ => self.tell_failure(route, DialFailure::NoAddress),
            }
        }
    }

    /// Calls as many addresses of `route` as may be called at once.
    pub(super) fn call(&mut self, route: RouteId) {
        while let Some(address) = self.dials.next_address(route) {
            let options = DialOpts::unknown_peer_id().address(address.clone());
            // QUIC calls from the listening socket, which keeps one hole open in a NAT. TCP
            // must not: a port pair that was closed a moment ago cannot be used again yet.
            let options = if is_tcp(&address) {
                options.allocate_new_port().build()
            } else {
                options.build()
            };
            let connection = options.connection_id();
            if self.swarm.dial(options).is_ok() {
                self.dials.called(route, connection);
            }
        }
        if let Some(reason) = self.dials.verdict(route) {
            if reason == DialFailure::NotThem {
                self.table.turned_away(route);
            }
            self.tell_failure(route, reason);
        }
    }

    /// A connection is encrypted; nothing is proven.
    pub(super) fn on_established(&mut self, connection: ConnectionId, endpoint: &ConnectedPoint) {
        let remote = transport::socket_of(endpoint.get_remote_address());
        let source = remote.and_then(moves::source_for);
        let transport = transport::kind_of(endpoint.get_remote_address());
        self.remotes
            .extend(remote.zip(transport).map(|at| (connection, at)));
        self.sources.extend(source.map(|ip| (connection, ip)));
        if endpoint.is_listener() {
            let limit = u64::try_from(self.config.prove_within.as_millis());
            let due = self.clock.steady_ms() + limit.unwrap_or(u64::MAX / 2);
            self.deadlines.push_back((due, connection));
        } else if self.dials.of(connection).is_none() {
            // A dial that was won or given up before this connection stood.
            self.close(connection);
        }
    }

    pub(super) fn dial_failed(&mut self, connection: ConnectionId, met: bool) {
        if let Some(route) = self.dials.failed(connection, met) {
            self.call(route);
        }
    }

    /// A connection whose other side holds the key is over, or no link was made of it.
    pub(super) fn on_known_over(&mut self, connection: ConnectionId) {
        let now = self.clock.steady_ms();
        self.swarm.behaviour_mut().gate.decline(connection, now);
        let dialled = self.dials.of(connection).map(|(route, _)| route);
        for loser in self.dials.won(connection) {
            self.close(loser);
        }
        // Where there is no room for a link, whoever asked for the dial waits for its outcome.
        if let Some(route) = dialled {
            self.tell_failure(route, DialFailure::Unreachable);
        }
    }

    pub(super) fn tell_failure(&mut self, route: RouteId, reason: DialFailure) {
        let told =
            |event: &Event| matches!(event, Event::DialFailed { route: r, .. } if *r == route);
        // The other side may have reached us while we did not reach them.
        if self.table.link(route).is_none() && !self.rising.iter().any(told) {
            self.rising.push_back(Event::DialFailed { route, reason });
        }
    }
}

fn is_tcp(address: &Multiaddr) -> bool {
    address
        .iter()
        .any(|part| matches!(part, libp2p::multiaddr::Protocol::Tcp(_)))
}
