//! Routes and their links, shared by the handle, the actor and the links.
//!
//! Behind one lock that is held for moments only, so that queueing a frame needs no detour
//! through the actor.

mod view;

use super::{
    event::LinkDownReason,
    lever::Lever,
    meter::Ledger,
    proof::Candidate,
    route::{Access, Route},
};
use crate::{
    model::{PathKind, RouteId, Transport},
    wire::Frame,
};
use libp2p::PeerId;
use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{mpsc, oneshot};

/// Frames that wait in one link's queue.
pub(super) const QUEUE_FRAMES: usize = 32;
/// Addresses of one route that are tried; a peer cannot make us call half the world.
const MAX_OWN: usize = 8;
/// The same for those that were suggested.
const MAX_SUGGESTED: usize = 8;
/// For so long after a link came up, a second one between the same two PeerIds in the other
/// direction is taken for a simultaneous opening.
const SIMULTANEOUS_MS: u64 = 10_000;

/// What a proven stream needs to become the route's link.
pub(super) struct Claim {
    pub(super) route: RouteId,
    pub(super) peer: PeerId,
    /// The address of ours that its connection uses, if it is known.
    pub(super) source: Option<IpAddr>,
    /// Where the other side is, if it is known.
    pub(super) remote: Option<(SocketAddr, Transport)>,
    /// Whether we dialled.
    pub(super) dialer: bool,
}

/// Most links of each sort.
#[derive(Clone, Copy)]
pub(super) struct Most {
    pub(super) links: usize,
    pub(super) shared: usize,
    pub(super) shared_per_route: usize,
}

/// The link's side of an accepted claim.
pub(super) struct Seat {
    /// What the link is called from here on.
    pub(super) route: RouteId,
    pub(super) serial: u64,
    pub(super) queue: mpsc::Receiver<Frame>,
    pub(super) lever: Arc<Lever>,
    /// Ends once the predecessor has said its last event.
    pub(super) after: Option<oneshot::Receiver<()>>,
    /// Dropped after our own last event.
    pub(super) last_word: oneshot::Sender<()>,
}

struct Standing {
    serial: u64,
    /// The shared route that it belongs to.
    of: Option<RouteId>,
    peer: PeerId,
    source: Option<IpAddr>,
    dialer: bool,
    up_ms: u64,
    queue: mpsc::Sender<Frame>,
    lever: Arc<Lever>,
    last_word: Option<oneshot::Receiver<()>>,
}

#[derive(Default)]
struct Inner {
    routes: HashMap<RouteId, Known>,
    candidates: Option<Arc<[Candidate]>>,
    links: HashMap<RouteId, Standing>,
    serial: u64,
    listeners: Vec<SocketAddr>,
    sockets: Vec<(SocketAddr, Transport)>,
    ledger: Arc<Ledger>,
}

struct Known {
    route: Route,
    /// Where somebody was seen a moment ago; dialled first.
    suggested: Vec<SocketAddr>,
    /// By what way these were found.
    found_by: PathKind,
    /// By what way its links go, if that is the same for all.
    path: Option<PathKind>,
    /// Whether no dial has begun since.
    found: bool,
    /// Dials in a row that somebody answered who would not accept our key.
    turned_away: usize,
}

/// See the module.
#[derive(Default)]
pub(super) struct Table(Mutex<Inner>);

impl Table {
    pub(super) fn put(&self, route: Route) {
        let mut inner = self.lock();
        inner.candidates = None;
        let before = inner.routes.remove(&route.id);
        let known = Known {
            turned_away: 0,
            found: before.as_ref().is_some_and(|known| known.found),
            found_by: before
                .as_ref()
                .map_or_else(PathKind::default, |known| known.found_by),
            path: before.as_ref().and_then(|known| known.path),
            suggested: before.map_or_else(Vec::new, |known| known.suggested),
            route,
        };
        inner.routes.insert(known.route.id, known);
    }

    /// Replaces what is dialled before the route's own addresses; returns what is new in it.
    pub(super) fn suggest(
        &self,
        route: RouteId,
        by: PathKind,
        mut addresses: Vec<SocketAddr>,
    ) -> Vec<SocketAddr> {
        addresses.truncate(MAX_SUGGESTED);
        let mut inner = self.lock();
        let Some(known) = inner.routes.get_mut(&route) else {
            return Vec::new();
        };
        known.found = !addresses.is_empty();
        known.found_by = by;
        let former = std::mem::replace(&mut known.suggested, addresses.clone());
        addresses.retain(|address| !former.contains(address));
        addresses
    }

    pub(super) fn remove(&self, route: RouteId) {
        let mut inner = self.lock();
        inner.candidates = None;
        inner.routes.remove(&route);
        inner.end(route, LinkDownReason::Disconnected);
    }

    /// Addresses of `route` and the key to prove ourselves with.
    ///
    /// Who was turned away with the newest key tries the older one next: the other side may
    /// have missed a roll.
    pub(super) fn dialling(&self, route: RouteId) -> Option<(Vec<SocketAddr>, [u8; 32])> {
        let inner = self.lock();
        let known = inner.routes.get(&route)?;
        let turn = known.turned_away.checked_rem(known.route.keys.len())?;
        let key = known.route.keys.get(turn)?;
        let own = known.route.addresses.iter().take(MAX_OWN);
        let own = own.filter(|address| !known.suggested.contains(address));
        Some((known.suggested.iter().chain(own).copied().collect(), *key))
    }

    /// Whether addresses were suggested since the last dial began.
    pub(super) fn take_found(&self, route: RouteId) -> bool {
        let mut inner = self.lock();
        let known = inner.routes.get_mut(&route);
        known.is_some_and(|known| std::mem::take(&mut known.found))
    }

    pub(super) fn turned_away(&self, route: RouteId) {
        if let Some(known) = self.lock().routes.get_mut(&route) {
            known.turned_away = known.turned_away.wrapping_add(1);
        }
    }

    /// Every key that an incoming proof may be made with.
    pub(super) fn candidates(&self) -> Arc<[Candidate]> {
        let mut inner = self.lock();
        if let Some(candidates) = &inner.candidates {
            return Arc::clone(candidates);
        }
        let of = |known: &Known| {
            let route = known.route.id;
            let shared = known.route.access == Access::Shared;
            let made = move |key: &[u8; 32]| Candidate {
                route,
                key: *key,
                shared,
            };
            known.route.keys.iter().map(made).collect::<Vec<_>>()
        };
        let routes = inner.routes.values();
        let answered = routes.filter(|known| known.route.access != Access::DialOnly);
        let candidates: Arc<[Candidate]> = answered.flat_map(of).collect();
        inner.candidates = Some(Arc::clone(&candidates));
        candidates
    }

    /// Makes a proven stream the route's link, or says no: to routes that are gone, above
    /// the limits, and to the loser of a simultaneous opening. Of a shared route with too many
    /// links the oldest goes instead; of all shared routes, that of the one with the most.
    pub(super) fn claim(&self, claim: &Claim, own: PeerId, now: u64, most: Most) -> Option<Seat> {
        let mut inner = self.lock();
        let known = inner.routes.get_mut(&claim.route)?;
        known.turned_away = 0;
        if known.route.access == Access::Shared {
            return inner.claim_shared(claim, now, most);
        }
        let mut after = None;
        let full = inner
            .links
            .values()
            .filter(|link| link.of.is_none())
            .count()
            >= most.links;
        match inner.links.get_mut(&claim.route) {
            None if full => return None,
            None => {}
            Some(old) => {
                // Two connections of one dial: the first proof has won.
                if claim.dialer && old.dialer && old.lever.is_running() {
                    return None;
                }
                let rivals = old.lever.is_running()
                    && old.peer == claim.peer
                    && old.dialer != claim.dialer
                    && now.saturating_sub(old.up_ms) < SIMULTANEOUS_MS;
                // Both sides see the same two connections, so both keep the same one.
                let smaller_dialled = claim.dialer == (own < claim.peer);
                if rivals && !smaller_dialled {
                    // If the standing link is a ghost after all, it is soon known.
                    old.lever.doubt();
                    return None;
                }
                old.lever.end(LinkDownReason::Replaced);
                after = old.last_word.take();
            }
        }
        Some(inner.seat(claim.route, claim, now, None, after))
    }

    /// The link `serial` has said its last event.
    pub(super) fn vacate(&self, route: RouteId, serial: u64) {
        let mut inner = self.lock();
        if inner
            .links
            .get(&route)
            .is_some_and(|link| link.serial == serial)
        {
            inner.links.remove(&route);
        }
    }

    /// The queue and lever of a running link.
    pub(super) fn link(&self, route: RouteId) -> Option<(mpsc::Sender<Frame>, Arc<Lever>)> {
        let inner = self.lock();
        let link = inner.links.get(&route)?;
        let running = link.lever.is_running() && !link.queue.is_closed();
        running.then(|| (link.queue.clone(), Arc::clone(&link.lever)))
    }

    /// Ends the link of `route`; all of them, if it is a shared one.
    pub(super) fn end(&self, route: RouteId, reason: LinkDownReason) {
        self.lock().end(route, reason);
    }

    pub(super) fn end_all(&self, reason: LinkDownReason) {
        self.lock()
            .links
            .values()
            .for_each(|link| link.lever.end(reason));
    }

    /// Ends the links that use an address of ours for which `is_ours` says no.
    pub(super) fn review(&self, is_ours: impl Fn(IpAddr) -> bool) {
        for link in self.lock().links.values() {
            if link.source.is_some_and(|source| !is_ours(source)) {
                link.lever.end(LinkDownReason::Closed);
            }
        }
    }

    pub(super) fn doubt_all(&self) {
        self.lock()
            .links
            .values()
            .for_each(|link| link.lever.doubt());
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn end(&self, route: RouteId, reason: LinkDownReason) {
        for (id, link) in &self.links {
            if *id == route || link.of == Some(route) {
                link.lever.end(reason);
            }
        }
    }

    /// Somebody who holds a shared route's key is here. Among such people the newcomer comes
    /// first: who has put something down has no reason to stay.
    fn claim_shared(&mut self, claim: &Claim, now: u64, most: Most) -> Option<Seat> {
        if claim.dialer {
            return None;
        }
        let mut per_route: HashMap<RouteId, Vec<&Standing>> = HashMap::new();
        for link in self.links.values().filter(|link| link.lever.is_running()) {
            if let Some(of) = link.of {
                per_route.entry(of).or_default().push(link);
            }
        }
        let own = per_route.get(&claim.route).map_or(0, Vec::len);
        let all = per_route.values().map(Vec::len).sum::<usize>();
        let crowded = if own >= most.shared_per_route {
            per_route.get(&claim.route)
        } else if all >= most.shared {
            per_route.values().max_by_key(|links| links.len())
        } else {
            None
        };
        let oldest = crowded.and_then(|links| links.iter().min_by_key(|link| link.serial));
        if let Some(oldest) = oldest {
            oldest.lever.end(LinkDownReason::Disconnected);
        }
        // Those that are ending must not pile up either.
        let places = most.shared.saturating_mul(2);
        if self.links.values().filter(|link| link.of.is_some()).count() >= places {
            return None;
        }
        let mut fresh = [0; 16];
        getrandom::fill(&mut fresh).ok()?;
        Some(self.seat(RouteId(fresh), claim, now, Some(claim.route), None))
    }

    fn seat(
        &mut self,
        route: RouteId,
        claim: &Claim,
        now: u64,
        of: Option<RouteId>,
        after: Option<oneshot::Receiver<()>>,
    ) -> Seat {
        self.serial += 1;
        let serial = self.serial;
        let (queue, receiver) = mpsc::channel(QUEUE_FRAMES);
        let (last_word, heard) = oneshot::channel();
        let lever = Arc::new(Lever::new(self.meter(claim)));
        self.links.insert(
            route,
            Standing {
                serial,
                of,
                peer: claim.peer,
                source: claim.source,
                dialer: claim.dialer,
                up_ms: now,
                queue,
                lever: Arc::clone(&lever),
                last_word: Some(heard),
            },
        );
        Seat {
            route,
            serial,
            queue: receiver,
            lever,
            after,
            last_word,
        }
    }
}
