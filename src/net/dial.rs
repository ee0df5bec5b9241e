//! Keeps book of dials: every address of a route is tried, and the first proof wins.

use super::{event::DialFailure, transport};
use crate::model::RouteId;
use libp2p::{Multiaddr, swarm::ConnectionId};
use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
};

/// Addresses of one route that are tried; a peer cannot make us call half the world.
const MAX_ADDRESSES: usize = 8;
/// Connections that one route's dial has under way at a time.
const AT_ONCE: usize = 6;

#[derive(Debug)]
struct Dial {
    key: [u8; 32],
    left: VecDeque<Multiaddr>,
    under_way: Vec<ConnectionId>,
    /// Whether anybody answered at all.
    met: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Dials {
    waiting: VecDeque<RouteId>,
    active: HashMap<RouteId, Dial>,
    routes: HashMap<ConnectionId, RouteId>,
}

impl Dials {
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.active.len()
    }

    /// Queues a dial, unless there is one already.
    pub(super) fn ask(&mut self, route: RouteId) {
        if !self.active.contains_key(&route) && !self.waiting.contains(&route) {
            self.waiting.push_back(route);
        }
    }

    /// The next route to begin with while fewer than `max` are active.
    pub(super) fn next_route(&mut self, max: usize) -> Option<RouteId> {
        if self.active.len() >= max {
            return None;
        }
        self.waiting.pop_front()
    }

    pub(super) fn begin(&mut self, route: RouteId, addresses: &[SocketAddr], key: [u8; 32]) {
        let addresses = addresses.iter().take(MAX_ADDRESSES);
        let dial = Dial {
            key,
            left: addresses
                .flat_map(|address| transport::both(*address))
                .collect(),
            under_way: Vec::new(),
            met: false,
        };
        self.active.insert(route, dial);
    }

    /// An address of `route` to call now.
    pub(super) fn next_address(&mut self, route: RouteId) -> Option<Multiaddr> {
        let dial = self.active.get_mut(&route)?;
        if dial.under_way.len() >= AT_ONCE {
            return None;
        }
        dial.left.pop_front()
    }

    pub(super) fn called(&mut self, route: RouteId, connection: ConnectionId) {
        if let Some(dial) = self.active.get_mut(&route) {
            dial.under_way.push(connection);
            self.routes.insert(connection, route);
        }
    }

    /// Whose dial `connection` belongs to, and the key to prove ourselves with.
    pub(super) fn of(&self, connection: ConnectionId) -> Option<(RouteId, [u8; 32])> {
        let route = *self.routes.get(&connection)?;
        Some((route, self.active.get(&route)?.key))
    }

    /// `connection` led nowhere; `met` if somebody was there. Returns its route.
    pub(super) fn failed(&mut self, connection: ConnectionId, met: bool) -> Option<RouteId> {
        let route = self.routes.remove(&connection)?;
        let dial = self.active.get_mut(&route)?;
        dial.under_way.retain(|other| *other != connection);
        dial.met |= met;
        Some(route)
    }

    /// Why the dial of `route` failed, if it has: nothing under way and nothing left.
    pub(super) fn verdict(&mut self, route: RouteId) -> Option<DialFailure> {
        let dial = self.active.get(&route)?;
        if !dial.under_way.is_empty() || !dial.left.is_empty() {
            return None;
        }
        let met = dial.met;
        self.active.remove(&route);
        Some(if met {
            DialFailure::NotThem
        } else {
            DialFailure::Unreachable
        })
    }

    /// The dial that `connection` belongs to is over; returns the connections to close.
    pub(super) fn won(&mut self, connection: ConnectionId) -> Vec<ConnectionId> {
        let Some(route) = self.routes.get(&connection).copied() else {
            return Vec::new();
        };
        let mut others = self.cancel(route);
        others.retain(|other| *other != connection);
        others
    }

    /// Gives up the dial of `route`; returns the connections to close.
    pub(super) fn cancel(&mut self, route: RouteId) -> Vec<ConnectionId> {
        self.waiting.retain(|other| *other != route);
        let under_way = self
            .active
            .remove(&route)
            .map_or_else(Vec::new, |dial| dial.under_way);
        for connection in &under_way {
            self.routes.remove(connection);
        }
        under_way
    }

    /// Has every dial under way begin again; returns the connections to close.
    pub(super) fn restart(&mut self) -> Vec<ConnectionId> {
        let mut under_way = Vec::new();
        for (route, dial) in self.active.drain() {
            under_way.extend(dial.under_way);
            self.waiting.push_front(route);
        }
        self.routes.clear();
        under_way
    }

    /// Gives up everything; returns the routes concerned.
    pub(super) fn cancel_all(&mut self) -> Vec<RouteId> {
        self.routes.clear();
        let waiting = std::mem::take(&mut self.waiting);
        let active = std::mem::take(&mut self.active);
        waiting.into_iter().chain(active.into_keys()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTE: RouteId = RouteId([1; 16]);

    fn id(n: usize) -> ConnectionId {
        ConnectionId::new_unchecked(n)
    }

    fn begun(addresses: usize) -> Dials {
        let mut dials = Dials::default();
        let address: SocketAddr = "192.0.2.1:4001".parse().unwrap();
        dials.begin(ROUTE, &vec![address; addresses], [7; 32]);
        dials
    }

    #[test]
    fn each_address_is_called_over_quic_and_tcp_side_by_side() {
        let mut dials = begun(1);
        let first = dials.next_address(ROUTE).unwrap().to_string();
        let second = dials.next_address(ROUTE).unwrap().to_string();
        assert_eq!(first, "/ip4/192.0.2.1/udp/4001/quic-v1");
        assert_eq!(second, "/ip4/192.0.2.1/tcp/4001");
        assert_eq!(dials.next_address(ROUTE), None);
    }

    #[test]
    fn a_dial_fails_only_when_every_address_has_failed_and_tells_how_far_it_came() {
        let mut dials = begun(1);
        for n in 0..2 {
            let _ = dials.next_address(ROUTE).unwrap();
            dials.called(ROUTE, id(n));
        }
        assert_eq!(dials.failed(id(0), true), Some(ROUTE));
        assert_eq!(dials.verdict(ROUTE), None);
        assert_eq!(dials.failed(id(1), false), Some(ROUTE));
        assert_eq!(dials.verdict(ROUTE), Some(DialFailure::NotThem));
        assert_eq!(dials.len(), 0);
    }

    #[test]
    fn the_first_proof_ends_all_other_attempts() {
        let mut dials = begun(3);
        for n in 0..AT_ONCE {
            let _ = dials.next_address(ROUTE).unwrap();
            dials.called(ROUTE, id(n));
        }
        assert_eq!(dials.won(id(2)).len(), AT_ONCE - 1);
        assert_eq!(dials.of(id(0)), None, "a late one belongs to nobody");
        assert_eq!(dials.len(), 0);
    }

    #[test]
    fn dials_that_begin_again_have_all_their_addresses_and_their_calls_belong_to_nobody() {
        let mut dials = begun(2);
        for n in 0..3 {
            let _ = dials.next_address(ROUTE).unwrap();
            dials.called(ROUTE, id(n));
        }
        dials.ask(RouteId([2; 16]));
        assert_eq!(dials.restart(), [id(0), id(1), id(2)]);
        assert_eq!(dials.of(id(0)), None);
        assert_eq!(dials.failed(id(0), false), None);
        assert_eq!(dials.next_route(1), Some(ROUTE), "before those that wait");
        assert_eq!(dials.len(), 1);
    }

    #[test]
    fn a_route_with_countless_addresses_calls_a_few() {
        let mut dials = begun(1_000);
        assert_eq!(dials.active[&ROUTE].left.len(), 2 * MAX_ADDRESSES);
        let mut calls = 0;
        while dials.next_address(ROUTE).is_some() {
            dials.called(ROUTE, id(calls));
            calls += 1;
        }
        assert_eq!(calls, AT_ONCE);
    }

    #[test]
    fn routes_beyond_the_limit_wait_their_turn() {
        let mut dials = begun(1);
        dials.ask(ROUTE);
        dials.ask(RouteId([2; 16]));
        dials.ask(RouteId([2; 16]));
        assert_eq!(dials.len(), 2);
        assert_eq!(dials.next_route(1), None);
        assert_eq!(dials.next_route(2), Some(RouteId([2; 16])));
    }
}
