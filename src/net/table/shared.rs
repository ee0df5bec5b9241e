//! Links to routes whose key is in many hands.

use super::{Claim, Inner, Most, QUEUE_FRAMES, Seat, Standing};
use crate::{
    model::RouteId,
    net::{event::LinkDownReason, lever::Lever},
};
use std::{collections::HashMap, sync::Arc};
use tokio::sync::{mpsc, oneshot};

impl Inner {
    pub(super) fn end(&self, route: RouteId, reason: LinkDownReason) {
        for (id, link) in &self.links {
            if *id == route || link.of == Some(route) {
                link.lever.end(reason);
            }
        }
    }

    /// Somebody who holds a shared route's key is here. Among such people the newcomer comes
    /// first: who has put something down has no reason to stay.
    pub(super) fn claim_shared(&mut self, claim: &Claim, now: u64, most: Most) -> Option<Seat> {
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

    pub(super) fn seat(
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
        let lever = Arc::new(Lever::default());
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
