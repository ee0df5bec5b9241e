//! The sockets of one place, and how much of what arrives there is taken.

use super::{
    LanPlace, MAX_LAN_DATAGRAM_BYTES,
    quota::{Quota, Quotas},
};
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    task::{Context, Poll},
};
use tokio::{io::ReadBuf, net::UdpSocket};

/// While more datagrams come than may be read, none is read for so long.
const DEAF_MS: u64 = 250;

/// The sockets of one place, and how much is read of them: a noisy network costs the others
/// nothing.
pub(super) struct Open {
    pub(super) ear: UdpSocket,
    pub(super) mouth: Option<(UdpSocket, u64)>,
    pub(super) deaf_until: Option<u64>,
    /// Datagrams that are read at all.
    reads: Quota,
    /// Those that are passed on.
    queries: Quotas,
    answers: Quotas,
}

impl Open {
    pub(super) fn new(ear: UdpSocket) -> Self {
        Self {
            ear,
            mouth: None,
            deaf_until: None,
            reads: Quota::new(256, 128),
            queries: Quotas::new(Quota::new(16, 1), Quota::new(64, 16)),
            answers: Quotas::new(Quota::new(64, 16), Quota::new(256, 64)),
        }
    }

    /// Whether a datagram from `from` may be passed on.
    pub(super) fn admits(&mut self, kind: Kind, from: IpAddr, now: u64) -> bool {
        // What may not be read stays in the kernel, which drops what is too much.
        if !self.reads.take(now) || self.reads.is_spent() {
            self.deaf_until = Some(now + DEAF_MS);
        }
        match kind {
            Kind::Query => self.queries.take(from, now),
            Kind::Reply => self.answers.take(from, now),
        }
    }
}

/// What came: from the group, or to whoever asked.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Query,
    Reply,
}

/// One datagram.
pub(super) struct Packet {
    pub(super) place: LanPlace,
    pub(super) kind: Kind,
    pub(super) from: SocketAddr,
    pub(super) datagram: Vec<u8>,
}

/// The next datagram of any place that is not deaf, beginning after the place that was read last.
pub(super) fn poll_packet(
    places: &BTreeMap<LanPlace, Open>,
    read_last: Option<LanPlace>,
    cx: &mut Context<'_>,
) -> Poll<Packet> {
    let (before, after): (Vec<_>, Vec<_>) = places
        .iter()
        .filter(|(_, open)| open.deaf_until.is_none())
        .partition(|(place, _)| Some(**place) <= read_last);
    for (place, open) in after.into_iter().chain(before) {
        let mouth = open.mouth.as_ref().map(|(mouth, _)| (Kind::Reply, mouth));
        for (kind, socket) in mouth.into_iter().chain([(Kind::Query, &open.ear)]) {
            if let Poll::Ready((from, datagram)) = poll_socket(socket, cx) {
                return Poll::Ready(Packet {
                    place: *place,
                    kind,
                    from,
                    datagram,
                });
            }
        }
    }
    Poll::Pending
}

/// The next datagram. A socket's error, as when its interface goes, is no reason to stop.
fn poll_socket(socket: &UdpSocket, cx: &mut Context<'_>) -> Poll<(SocketAddr, Vec<u8>)> {
    let mut bytes = [0; MAX_LAN_DATAGRAM_BYTES];
    let mut buffer = ReadBuf::new(&mut bytes);
    // An error is told once and then forgotten by the kernel; only what follows arms the waker.
    for _ in 0..4 {
        match socket.poll_recv_from(cx, &mut buffer) {
            Poll::Ready(Ok(from)) => return Poll::Ready((from, buffer.filled().to_vec())),
            Poll::Ready(Err(_)) => buffer.clear(),
            Poll::Pending => return Poll::Pending,
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    async fn open() -> Open {
        Open::new(UdpSocket::bind("127.0.0.1:0").await.unwrap())
    }

    fn place(interface: u32) -> LanPlace {
        LanPlace {
            interface,
            v6: false,
        }
    }

    #[tokio::test]
    async fn a_noisy_network_leaves_the_others_theirs() {
        let (mut noisy, mut quiet) = (open().await, open().await);
        let ip = |n: u32| IpAddr::from(n.to_be_bytes());
        let taken = (0..10_000).filter(|n| noisy.admits(Kind::Query, ip(*n), 0));
        assert_eq!(taken.count(), 64);
        assert_eq!(noisy.deaf_until, Some(DEAF_MS));
        assert!(quiet.admits(Kind::Query, ip(1), 0));
        assert_eq!(quiet.deaf_until, None);
    }

    #[tokio::test]
    async fn places_take_turns_and_the_deaf_are_left_out() {
        let mut places = BTreeMap::new();
        let says = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        for n in 1..=3 {
            let open = open().await;
            for _ in 0..3 {
                says.send_to(&[7], open.ear.local_addr().unwrap())
                    .await
                    .unwrap();
            }
            open.ear.readable().await.unwrap();
            places.insert(place(n), open);
        }
        places.get_mut(&place(2)).unwrap().deaf_until = Some(1);
        let (mut last, mut order) = (None, Vec::new());
        for _ in 0..6 {
            let packet = poll_fn(|cx| poll_packet(&places, last, cx)).await;
            last = Some(packet.place);
            order.push(packet.place.interface);
        }
        assert_eq!(order, [1, 3, 1, 3, 1, 3]);
    }
}
