//! Where a route is dialled, and with which key.

use super::{RouteId, Table};
use std::net::SocketAddr;

/// Addresses of one route that are tried; a peer cannot make us call half the world.
const MAX_OWN: usize = 8;
/// The same for those that were suggested.
const MAX_SUGGESTED: usize = 8;

impl Table {
    /// Replaces what is dialled before the route's own addresses; returns what is new in it.
    pub(in crate::net) fn suggest(
        &self,
        route: RouteId,
        mut addresses: Vec<SocketAddr>,
    ) -> Vec<SocketAddr> {
        addresses.truncate(MAX_SUGGESTED);
        let mut inner = self.lock();
        let Some(known) = inner.routes.get_mut(&route) else {
            return Vec::new();
        };
        known.found = !addresses.is_empty();
        let former = std::mem::replace(&mut known.suggested, addresses.clone());
        addresses.retain(|address| !former.contains(address));
        addresses
    }

    /// Addresses of `route` and the key to prove ourselves with.
    ///
    /// Who was turned away with the newest key tries the older one next: the other side may
    /// have missed a roll.
    pub(in crate::net) fn dialling(&self, route: RouteId) -> Option<(Vec<SocketAddr>, [u8; 32])> {
        let inner = self.lock();
        let known = inner.routes.get(&route)?;
        let turn = known.turned_away.checked_rem(known.route.keys.len())?;
        let key = known.route.keys.get(turn)?;
        let own = known.route.addresses.iter().take(MAX_OWN);
        let own = own.filter(|address| !known.suggested.contains(address));
        Some((known.suggested.iter().chain(own).copied().collect(), *key))
    }

    /// Whether addresses were suggested since the last dial began.
    pub(in crate::net) fn take_found(&self, route: RouteId) -> bool {
        let mut inner = self.lock();
        let known = inner.routes.get_mut(&route);
        known.is_some_and(|known| std::mem::take(&mut known.found))
    }

    pub(in crate::net) fn turned_away(&self, route: RouteId) {
        if let Some(known) = self.lock().routes.get_mut(&route) {
            known.turned_away = known.turned_away.wrapping_add(1);
        }
    }
}
