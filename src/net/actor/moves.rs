//! What the actor does when this machine's addresses change.

use super::{Actor, Event};
use crate::net::listen;
use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
};

/// A change comes in pieces: an address of each family, the route. What follows from it waits for
/// this long after the last piece.
const SETTLE_MS: u64 = 150;
/// But not longer than this after the first.
const SETTLE_AT_MOST_MS: u64 = 1_000;

/// What is known of where this machine is.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// A change under way: when it began, and when it counts as complete.
    settling: Option<(u64, u64)>,
    /// The addresses of the last network there was, without its ports.
    place: BTreeSet<IpAddr>,
}

impl Moves {
    pub(super) fn due(&self) -> Option<u64> {
        self.settling.map(|(_, due)| due)
    }

    fn begin(&mut self, now: u64) {
        let (began, _) = self.settling.unwrap_or((now, now));
        let due = (now + SETTLE_MS).min(began + SETTLE_AT_MOST_MS);
        self.settling = Some((began, due));
    }

    /// Takes the addresses as they are now; whether nothing is left of the network before.
    fn arrive(&mut self, addresses: &[SocketAddr]) -> bool {
        let place: BTreeSet<IpAddr> = addresses
            .iter()
            .map(SocketAddr::ip)
            .filter(|ip| !ip.is_loopback())
            .collect();
        // Without any address nothing is known: the cable may be plugged in again.
        if place.is_empty() {
            return false;
        }
        let moved = !self.place.is_empty() && self.place.is_disjoint(&place);
        self.place = place;
        moved
    }
}

impl Actor {
    /// The swarm has an address more or less.
    pub(super) fn on_addresses(&mut self) {
        self.moves.begin(self.clock.steady_ms());
        // Their peers may wait for a redial; ours need not wait for an answer that cannot come.
        self.table.review(is_ours);
    }

    /// The change is complete.
    pub(super) fn settle(&mut self) {
        self.moves.settling = None;
        self.table.set_sockets(listen::sockets(&self.swarm));
        let addresses = listen::addresses(&self.swarm);
        if !self.table.set_listeners(addresses.clone()) {
            return;
        }
        self.table.review(is_ours);
        self.table.doubt_all();
        if self.moves.arrive(&addresses) {
            // Whoever sees both networks learns nothing from it.
            self.rotate();
        } else {
            // What is called from an address that is gone, or went out where no way was, hangs.
            for connection in self.dials.restart() {
                self.close(connection);
            }
        }
        self.rising
            .retain(|event| !matches!(event, Event::Addresses(_)));
        self.rising.push_back(Event::Addresses(addresses));
    }

    /// The first addresses are there as soon as they are known.
    pub(super) fn settle_first(&mut self) {
        let addresses = listen::addresses(&self.swarm);
        self.moves.arrive(&addresses);
        self.table.set_sockets(listen::sockets(&self.swarm));
        self.table.set_listeners(addresses);
    }
}

/// Whether a packet could leave for the Internet. Nothing is sent; the addresses are those of
/// documentation (RFC 5737, RFC 3849), which only a default route leads to.
pub(in crate::net) fn has_route() -> bool {
    let v4 = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 9));
    let v6 = SocketAddr::from((Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), 9));
    [v4, v6].into_iter().any(|at| source_for(at).is_some())
}

/// The address of ours that packets to `remote` come from, as things are now. Nothing is sent.
pub(super) fn source_for(remote: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = match remote {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(remote).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// Whether this machine has that address. In doubt it has.
fn is_ours(ip: IpAddr) -> bool {
    let bound = UdpSocket::bind((ip, 0));
    !bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrNotAvailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_network_is_another_when_no_address_of_the_last_one_is_left() {
        let mut moves = Moves::default();
        assert!(!moves.arrive(&at(&["127.0.0.1:1", "192.0.2.1:1", "[2001:db8::1]:1"])));
        assert!(!moves.arrive(&at(&["127.0.0.1:1", "[2001:db8::1]:1"])));
        assert!(!moves.arrive(&at(&["127.0.0.1:1"])), "unplugged");
        assert!(!moves.arrive(&at(&["[2001:db8::1]:1"])), "and back");
        assert!(moves.arrive(&at(&["127.0.0.1:1", "198.51.100.1:1"])));
        assert!(!moves.arrive(&at(&["127.0.0.1:1", "198.51.100.1:1"])));
    }

    #[test]
    fn pieces_of_a_change_are_taken_together_but_not_for_ever() {
        let mut moves = Moves::default();
        for now in 0..2_000 {
            moves.begin(now);
            assert_eq!(moves.due(), Some((now + 150).min(1_000)));
        }
    }

    #[test]
    fn an_address_that_was_never_given_out_is_not_ours() {
        assert!(is_ours("127.0.0.1".parse().unwrap()));
        assert!(!is_ours("192.0.2.77".parse().unwrap()));
        let loopback = source_for("127.0.0.1:9".parse().unwrap());
        assert_eq!(loopback, Some("127.0.0.1".parse().unwrap()));
    }
}
