//! The local network's two sides: asking for those who are missed, and telling those who ask
//! where we are.

use super::policy;
use crate::{
    base::Clock,
    crypto::{Random, SystemRandom},
    engine::contacts::Meeting,
    model::{RouteId, Timestamp},
    net::{Lan, LanPlace, Net},
    protocol::{LanAsked, LanKeys, LanListener, lan_ask},
};
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// Replies are taken for so long.
const REPLIES_MS: u64 = 5_000;
/// Queries whose replies are awaited: a few rounds for a thousand contacts at a few places.
const MAX_ASKED: usize = 256;
/// One contact gets so many replies in a minute: three rounds at a few places, twice.
const REPLIES_A_MINUTE: u32 = 24;

struct Known {
    meeting: Arc<Meeting>,
    keys: Vec<LanKeys>,
    /// Replies in the minute that began then.
    minute_ms: u64,
    replies: u32,
}

/// See the module.
pub(super) struct Search {
    lan: Lan,
    clock: Clock,
    known: HashMap<RouteId, Known>,
    listener: LanListener<RouteId>,
    asked: VecDeque<(u64, LanAsked<RouteId>)>,
}

impl Search {
    pub(super) fn new(lan: Lan, clock: Clock) -> Self {
        Self {
            lan,
            clock,
            known: HashMap::new(),
            listener: LanListener::default(),
            asked: VecDeque::new(),
        }
    }

    /// Takes over what there is to look for and to listen for; returns the routes whose secrets
    /// are new, of those that are looked for.
    pub(super) fn update(&mut self, meetings: Vec<Arc<Meeting>>) -> Vec<RouteId> {
        let mut before = std::mem::take(&mut self.known);
        let mut news = Vec::new();
        for meeting in meetings {
            let route = meeting.route;
            let known = match before.remove(&route) {
                Some(known) if known.meeting == meeting => known,
                _ => {
                    news.extend(policy::looks_for(meeting.kind).then_some(route));
                    Known::new(meeting)
                }
            };
            self.known.insert(route, known);
        }
        let found_by = self
            .known
            .values()
            .filter(|known| policy::is_found_by(known.meeting.kind));
        let ears = found_by.flat_map(|known| {
            let route = known.meeting.route;
            known.keys.iter().map(move |keys| (route, keys.clone()))
        });
        self.listener.listen_for(ears.collect());
        news
    }

    /// Everybody who is looked for.
    pub(super) fn wanted(&self) -> impl Iterator<Item = &Meeting> {
        self.known
            .values()
            .map(|known| known.meeting.as_ref())
            .filter(|meeting| policy::looks_for(meeting.kind))
    }

    /// Asks for `whom`, in words of its own at every place.
    pub(super) async fn ask(&mut self, whom: &BTreeSet<RouteId>) {
        let now = self.clock.steady_ms();
        self.asked.retain(|(until, _)| *until > now);
        for place in self.lan.places() {
            let queries = {
                let known = whom.iter().filter_map(|route| self.known.get(route));
                let keys: Vec<(RouteId, &LanKeys)> = known
                    .flat_map(|known| known.keys.iter().map(|keys| (known.meeting.route, keys)))
                    .collect();
                lan_ask(&keys, self.now(), &mut SystemRandom)
            };
            for (query, asked) in queries {
                self.asked.push_back((now + REPLIES_MS, asked));
                if self.asked.len() > MAX_ASKED {
                    self.asked.pop_front();
                }
                self.lan.ask(place, query).await;
            }
        }
    }

    /// Who replied, and where they are.
    pub(super) fn on_reply(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
    ) -> Option<(RouteId, Vec<SocketAddr>)> {
        let (route, mut addresses) = self
            .asked
            .iter_mut()
            .find_map(|(_, asked)| asked.read(datagram))?;
        let from = from.ip();
        addresses.retain(|address| is_dialled(*address, from));
        // The one that we have just heard from works.
        addresses.sort_by_key(|address| address.ip() != from);
        (!addresses.is_empty()).then_some((route, addresses))
    }

    /// Somebody asks for somebody; whoever asks for us is told where we are.
    pub(super) async fn on_query(
        &mut self,
        place: LanPlace,
        from: SocketAddr,
        datagram: &[u8],
        net: &Net,
    ) {
        let heard = self.listener.hear(datagram, self.now());
        if heard.is_empty() {
            return;
        }
        let here = self.lan.addresses(place);
        let mut own = net.listen_addresses();
        own.retain(|address| here.contains(&address.ip()));
        if own.is_empty() {
            return;
        }
        for heard in heard {
            if self.may_reply(heard.who) {
                let reply = heard.reply(&own, &mut SystemRandom);
                self.lan.reply(place, from, reply).await;
            }
        }
    }

    /// Whether `route` may have one more reply in this minute.
    pub(super) fn may_reply(&mut self, route: RouteId) -> bool {
        let now = self.clock.steady_ms();
        let Some(known) = self.known.get_mut(&route) else {
            return false;
        };
        if now.saturating_sub(known.minute_ms) >= 60_000 {
            (known.minute_ms, known.replies) = (now, 0);
        }
        known.replies = known.replies.saturating_add(1);
        known.replies <= REPLIES_A_MINUTE
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.clock.wall_ms())
    }
}

impl Known {
    fn new(meeting: Arc<Meeting>) -> Self {
        let secrets = meeting.secrets.iter();
        Self {
            keys: secrets
                .map(|one| LanKeys::derive(&one.secret, one.inviter))
                .collect(),
            meeting,
            minute_ms: 0,
            replies: 0,
        }
    }
}

/// Whether an address of somebody heard at `from` can be dialled from here: the loopback is
/// theirs only if they are on this machine, and a link-local IPv6 address says nothing without
/// its link.
fn is_dialled(address: SocketAddr, from: IpAddr) -> bool {
    match address.ip().to_canonical() {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => false,
        ip => !ip.is_loopback() || from.to_canonical().is_loopback(),
    }
}

/// For jitter.
pub(super) fn random() -> u64 {
    let mut bytes = [0; 8];
    SystemRandom.fill(&mut bytes);
    u64::from_be_bytes(bytes)
}
