//! What can be seen of links from outside, and by what way each goes.

use super::{Claim, Inner, Table};
use crate::{
    model::{PathKind, RouteId, Traffic, Transport},
    net::{event::LinkView, meter::Meter, route::Access},
};
use std::{net::SocketAddr, sync::Arc};

impl Table {
    /// Every link that runs, the oldest first.
    pub(in crate::net) fn views(&self) -> Vec<LinkView> {
        let inner = self.lock();
        let running = inner
            .links
            .iter()
            .filter(|(_, link)| link.lever.is_running());
        let mut views: Vec<_> = running
            .map(|(route, link)| {
                let meter = link.lever.meter();
                let (bytes_in, bytes_out) = meter.read();
                LinkView {
                    route: *route,
                    inbound: !link.dialer,
                    path: meter.path,
                    transport: meter.transport,
                    up_ms: link.up_ms,
                    bytes_in,
                    bytes_out,
                }
            })
            .collect();
        views.sort_unstable_by_key(|view| (view.up_ms, view.route));
        views
    }

    /// Links, and how many of them came in.
    pub(in crate::net) fn count(&self) -> (usize, usize) {
        let inner = self.lock();
        let inbound = inner.links.values().filter(|link| !link.dialer).count();
        (inner.links.len(), inbound)
    }

    /// Links to shared routes.
    pub(in crate::net) fn shared(&self) -> usize {
        let inner = self.lock();
        inner
            .links
            .values()
            .filter(|link| link.of.is_some())
            .count()
    }

    pub(in crate::net) fn listeners(&self) -> Vec<SocketAddr> {
        self.lock().listeners.clone()
    }

    /// Sets the listeners; whether that changed anything.
    pub(in crate::net) fn set_listeners(&self, listeners: Vec<SocketAddr>) -> bool {
        let mut inner = self.lock();
        let changed = inner.listeners != listeners;
        inner.listeners = listeners;
        changed
    }

    /// What all links have moved since the start.
    pub(in crate::net) fn traffic(&self) -> Vec<Traffic> {
        self.lock().ledger.read()
    }

    /// Counts links of `route` under `path` from now on, whoever calls.
    pub(in crate::net) fn count_as(&self, route: RouteId, path: PathKind) {
        if let Some(known) = self.lock().routes.get_mut(&route) {
            known.path = Some(path);
        }
    }

    pub(in crate::net) fn set_sockets(&self, sockets: Vec<(SocketAddr, Transport)>) {
        self.lock().sockets = sockets;
    }

    /// What is listened on, each address once for each transport.
    pub(in crate::net) fn sockets(&self) -> Vec<(SocketAddr, Transport)> {
        self.lock().sockets.clone()
    }
}

impl Inner {
    pub(super) fn meter(&self, claim: &Claim) -> Meter {
        let transport = claim.remote.map(|(_, transport)| transport);
        Meter::new(self.path(claim), transport, Arc::clone(&self.ledger))
    }

    /// By what way the claimed link goes. Who is called cannot know where its address was found.
    fn path(&self, claim: &Claim) -> PathKind {
        let Some(known) = self.routes.get(&claim.route) else {
            return PathKind::Direct;
        };
        if let Some(path) = known.path {
            return path;
        }
        // Only mailboxes have keys in many hands.
        if known.route.access != Access::Pair {
            return PathKind::Mailbox;
        }
        let found = |(at, _): (SocketAddr, Transport)| known.suggested.contains(&at);
        match claim.remote.is_some_and(found) {
            true if claim.dialer => known.found_by,
            _ => PathKind::Direct,
        }
    }
}
