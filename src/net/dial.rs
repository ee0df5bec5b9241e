//! Keeps book of dials: every address of a route is tried, and the first proof wins.

use super::{event::DialFailure, transport};
use crate::model::RouteId;
use libp2p::{Multiaddr, swarm::ConnectionId};
use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
};

/// Connections that one route's dial has under way at a time.
const AT_ONCE: usize = 6;
/// Addresses that may join one dial: whoever is found again and again does not keep us calling.
const MAX_JOINED: usize = 16;
/// The same with addresses that were suggested meanwhile.
const MOST_AT_ONCE: usize = 24;

#[derive(Debug)]
struct Dial {
    key: [u8; 32],
    left: VecDeque<Multiaddr>,
    under_way: Vec<ConnectionId>,
    /// How many may be.
    at_once: usize,
    /// Addresses that joined on the way.
    joined: usize,
    /// Whether anybody answered at all.
    met: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Dials {
    waiting: VecDeque<RouteId>,
    /// Those for whom fresh addresses were suggested; they do not wait for dials that hang.
    found: VecDeque<RouteId>,
    active: HashMap<RouteId, Dial>,
    routes: HashMap<ConnectionId, RouteId>,
    begun: u64,
}

impl Dials {
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.found.len() + self.active.len()
    }

    /// How many have begun since the start.
    pub(super) fn begun(&self) -> u64 {
        self.begun
    }

    /// Queues a dial, unless there is one already.
    pub(super) fn ask(&mut self, route: RouteId, found: bool) {
        if self.active.contains_key(&route) || self.found.contains(&route) {
            return;
        }
        if found {
            self.waiting.retain(|other| *other != route);
            self.found.push_back(route);
        } else if !self.waiting.contains(&route) {
            self.waiting.push_back(route);
        }
    }

    /// The next route to begin with while fewer than `max` are active, or twice as many for
    /// those found a moment ago.
    pub(super) fn next_route(&mut self, max: usize) -> Option<RouteId> {
        if self.active.len() >= max.saturating_mul(2) {
            return None;
        }
        self.found.pop_front().or_else(|| {
            let room = self.active.len() < max;
            room.then(|| self.waiting.pop_front()).flatten()
        })
    }

    pub(super) fn begin(&mut self, route: RouteId, addresses: &[SocketAddr], key: [u8; 32]) {
        let dial = Dial {
            key,
            left: addresses
                .iter()
                .flat_map(|address| transport::both(*address))
                .collect(),
            under_way: Vec::new(),
            at_once: AT_ONCE,
            joined: 0,
            met: false,
        };
        self.active.insert(route, dial);
        self.begun += 1;
    }

    /// Calls `addresses` next, beside what a dial of `route` has under way: it may be hanging on
    /// addresses where nobody is. Returns whether there is such a dial.
    pub(super) fn join(&mut self, route: RouteId, addresses: &[SocketAddr]) -> bool {
        let Some(dial) = self.active.get_mut(&route) else {
            return false;
        };
        let room = MAX_JOINED.saturating_sub(dial.joined);
        let addresses = addresses.get(..room).unwrap_or(addresses);
        dial.joined += addresses.len();
        for address in addresses.iter().rev() {
            for call in transport::both(*address).into_iter().rev() {
                dial.left.push_front(call);
                dial.at_once = (dial.at_once + 1).min(MOST_AT_ONCE);
            }
        }
        true
    }

    /// Has `route` go ahead of others if it waits.
    pub(super) fn prefer(&mut self, route: RouteId) {
        if self.waiting.contains(&route) {
            self.waiting.retain(|other| *other != route);
            self.found.push_back(route);
        }
    }

    /// An address of `route` to call now.
    pub(super) fn next_address(&mut self, route: RouteId) -> Option<Multiaddr> {
        let dial = self.active.get_mut(&route)?;
        if dial.under_way.len() >= dial.at_once {
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
        self.found.retain(|other| *other != route);
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
        let found = std::mem::take(&mut self.found);
        let active = std::mem::take(&mut self.active);
        let waiting = waiting.into_iter().chain(found);
        waiting.chain(active.into_keys()).collect()
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
        dials.ask(RouteId([2; 16]), false);
        assert_eq!(dials.restart(), [id(0), id(1), id(2)]);
        assert_eq!(dials.of(id(0)), None);
        assert_eq!(dials.failed(id(0), false), None);
        assert_eq!(dials.next_route(1), Some(ROUTE), "before those that wait");
        assert_eq!(dials.len(), 1);
    }

    #[test]
    fn a_route_with_many_addresses_calls_a_few_at_a_time() {
        let mut dials = begun(16);
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
        dials.ask(ROUTE, false);
        dials.ask(RouteId([2; 16]), false);
        dials.ask(RouteId([2; 16]), false);
        assert_eq!(dials.len(), 2);
        assert_eq!(dials.next_route(1), None);
        assert_eq!(dials.next_route(2), Some(RouteId([2; 16])));
    }

    #[test]
    fn who_was_found_a_moment_ago_waits_for_nobody() {
        let mut dials = begun(1);
        let (patient, found, late) = (RouteId([2; 16]), RouteId([3; 16]), RouteId([4; 16]));
        dials.ask(patient, false);
        dials.ask(found, true);
        dials.ask(late, false);
        dials.prefer(late);
        assert_eq!(dials.next_route(1), Some(found));
        assert_eq!(dials.next_route(1), Some(late));
        assert_eq!(dials.next_route(1), None);
        assert_eq!(dials.next_route(2), Some(patient));
    }

    #[test]
    fn a_dial_that_hangs_calls_what_was_suggested_at_once() {
        let mut dials = begun(16);
        let mut calls = 0;
        while dials.next_address(ROUTE).is_some() {
            dials.called(ROUTE, id(calls));
            calls += 1;
        }
        assert!(dials.join(ROUTE, &["192.0.2.9:7".parse().unwrap()]));
        let next: Vec<String> = std::iter::from_fn(|| {
            let next = dials.next_address(ROUTE)?;
            calls += 1;
            dials.called(ROUTE, id(calls));
            Some(next.to_string())
        })
        .collect();
        assert_eq!(
            next,
            ["/ip4/192.0.2.9/udp/7/quic-v1", "/ip4/192.0.2.9/tcp/7"]
        );
        for _ in 0..100 {
            dials.join(ROUTE, &["192.0.2.9:7".parse().unwrap()]);
        }
        assert_eq!(dials.active[&ROUTE].at_once, MOST_AT_ONCE);
        assert!(dials.active[&ROUTE].left.len() <= 2 * (MAX_JOINED + 16));
        assert!(!dials.join(RouteId([2; 16]), &[]));
    }
}
