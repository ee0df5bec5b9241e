//! The two kinds of sockets at a place.

use super::{LanPlace, interfaces::Interface};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6},
};
use tokio::net::UdpSocket;

/// In the part of the local scope (RFC 2365) that nobody is assigned.
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(239, 255, 109, 115);
/// Link-local scope.
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0x6d73, 0x6764);

/// Where everybody at `place` listens.
pub(super) fn group(place: LanPlace, port: u16) -> SocketAddr {
    if place.v6 {
        SocketAddrV6::new(GROUP_V6, port, 0, place.interface).into()
    } else {
        (GROUP_V4, port).into()
    }
}

/// Hears queries, and sends replies.
pub(super) fn ear(place: LanPlace, interface: &Interface, port: u16) -> io::Result<UdpSocket> {
    let socket = bare(place, interface)?;
    socket.set_reuse_address(true)?;
    socket.bind(&group(place, port).into())?;
    if place.v6 {
        socket.set_multicast_all_v6(false)?;
        socket.join_multicast_v6(&GROUP_V6, place.interface)?;
    } else {
        // Other sockets' memberships, on other interfaces too, would count for this one.
        socket.set_multicast_all_v4(false)?;
        let on = InterfaceIndexOrAddress::Index(place.interface);
        socket.join_multicast_v4_n(&GROUP_V4, &on)?;
    }
    UdpSocket::from_std(socket.into())
}

/// Sends queries, and hears their replies.
pub(super) fn mouth(place: LanPlace, interface: &Interface) -> io::Result<UdpSocket> {
    let socket = bare(place, interface)?;
    let any: SocketAddr = if place.v6 {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    };
    socket.bind(&any.into())?;
    if place.v6 {
        socket.set_multicast_if_v6(place.interface)?;
        socket.set_multicast_hops_v6(1)?;
    } else {
        let from = interface.v4().ok_or(io::ErrorKind::AddrNotAvailable)?;
        socket.set_multicast_if_v4(&from)?;
        socket.set_multicast_ttl_v4(1)?;
    }
    UdpSocket::from_std(socket.into())
}

fn bare(place: LanPlace, interface: &Interface) -> io::Result<Socket> {
    let domain = if place.v6 { Domain::IPV6 } else { Domain::IPV4 };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    // Kernels before 5.7 let only root do this; there the group's membership must do.
    let bound = socket.bind_device(Some(interface.name.as_bytes()));
    if let Err(error) = bound
        && error.kind() != io::ErrorKind::PermissionDenied
    {
        return Err(error);
    }
    // Replies, too, stay on the link.
    if place.v6 {
        socket.set_only_v6(true)?;
        socket.set_unicast_hops_v6(1)?;
    } else {
        socket.set_ttl_v4(1)?;
    }
    Ok(socket)
}
