//! How the network looks from here, at one moment.

use super::{Discovery, Neighbours};
use crate::{
    base::Clock,
    engine::contacts::RouteKind,
    model::{
        AddressScope, ContactId, DhtState, Network, NetworkAddress, NetworkLink, Timestamp,
        Transport,
    },
    net::{Lan, LinkView},
};
use std::net::SocketAddr;

/// What is looked at.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) rooms: Neighbours,
    pub(super) lan: Lan,
    pub(super) clock: Clock,
}

impl Discovery {
    /// How the network looks from here; without names and mailboxes, of which nothing is known
    /// here.
    pub async fn network(&self) -> Network {
        let Seen { rooms, lan, .. } = &self.seen;
        let status = rooms.net.status().await;
        let directory = rooms.directory.as_ref();
        let directory = directory.map(|directory| *directory.status().borrow());
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Network {
            listen: listened(rooms.net.sockets()),
            told: told(&rooms.contacts.my_addresses()),
            route: rooms.net.has_route(),
            links: self.links(),
            traffic: rooms.net.traffic(),
            lan: lan.state(),
            lan_places: u32::try_from(lan.places().len()).unwrap_or(u32::MAX),
            dht: match directory {
                None => DhtState::Off,
                Some(status) if status.running => DhtState::Running,
                Some(_) => DhtState::Idle,
            },
            dht_at: directory.and_then(|status| status.ran_at),
            dht_starts: directory.map_or(0, |status| status.starts),
            mailboxes_used: None,
            mailboxes_failing: None,
            mailboxes_hosted: None,
            dials: count(status.dials),
            dials_begun: status.dials_begun,
            unproven: count(status.unproven),
            refused: status.refused,
        }
    }

    fn links(&self) -> Vec<NetworkLink> {
        let Seen { rooms, clock, .. } = &self.seen;
        let (wall, steady) = (clock.wall_ms(), clock.steady_ms());
        let since = |up_ms: u64| {
            let age = i64::try_from(steady.saturating_sub(up_ms)).unwrap_or(i64::MAX);
            Timestamp(wall.saturating_sub(age))
        };
        let show = |link: LinkView| {
            let is_contact = rooms.contacts.route_kind(link.route) == Some(RouteKind::Contact);
            NetworkLink {
                contact: is_contact.then_some(ContactId(link.route.0)),
                name: String::new(),
                path: link.path,
                transport: link.transport,
                inbound: link.inbound,
                since: since(link.up_ms),
                bytes_in: link.bytes_in,
                bytes_out: link.bytes_out,
            }
        };
        rooms.net.links().into_iter().map(show).collect()
    }
}

fn shown(at: SocketAddr) -> NetworkAddress {
    NetworkAddress {
        address: Some(at),
        ipv6: at.is_ipv6(),
        scope: AddressScope::of(at.ip()),
        transports: Vec::new(),
    }
}

fn told(addresses: &[SocketAddr]) -> Vec<NetworkAddress> {
    addresses.iter().copied().map(shown).collect()
}

/// Each address once, with all its transports.
fn listened(mut sockets: Vec<(SocketAddr, Transport)>) -> Vec<NetworkAddress> {
    sockets.sort_unstable();
    let mut listen: Vec<NetworkAddress> = Vec::new();
    for (at, transport) in sockets {
        match listen.last_mut().filter(|last| last.address == Some(at)) {
            Some(last) => last.transports.push(transport),
            None => listen.push(NetworkAddress {
                transports: vec![transport],
                ..shown(at)
            }),
        }
    }
    listen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_listed_once_with_all_that_is_listened_for() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let listen = listened(vec![
            (at("[::1]:5"), Transport::Tcp),
            (at("127.0.0.1:5"), Transport::Tcp),
            (at("127.0.0.1:5"), Transport::Quic),
        ]);
        let seen: Vec<_> = listen
            .iter()
            .map(|one| (one.address.unwrap(), one.ipv6, one.transports.as_slice()))
            .collect();
        assert_eq!(
            seen,
            [
                (
                    at("127.0.0.1:5"),
                    false,
                    &[Transport::Quic, Transport::Tcp][..]
                ),
                (at("[::1]:5"), true, &[Transport::Tcp][..]),
            ]
        );
    }
}
