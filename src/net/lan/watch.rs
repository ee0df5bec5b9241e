//! Hears from the kernel that interfaces or addresses have changed.

use rustix::net::{
    AddressFamily, SocketFlags, SocketType, bind, netlink::SocketAddrNetlink, socket_with,
};
use std::io;
use tokio::net::UdpSocket;

/// From linux/rtnetlink.h: RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR.
const GROUPS: u32 = 0x1 | 0x10 | 0x100;
/// Messages read at a time, before others have their turn.
const BATCH: usize = 256;

/// See the module. The runtime has no type for netlink sockets; it only reads whole messages
/// from this one, as from any datagram socket.
pub(super) struct Watch(UdpSocket);

impl Watch {
    pub(super) fn new() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        // Protocol 0 is NETLINK_ROUTE.
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
        UdpSocket::from_std(socket.into()).map(Self)
    }

    /// Returns once something has changed. What exactly is not read: the list of interfaces
    /// tells, and several messages make one change.
    pub(super) async fn changed(&self) -> io::Result<()> {
        self.0.readable().await?;
        let mut buffer = [0; 8192];
        for _ in 0..BATCH {
            match self.0.try_recv(&mut buffer) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // So much has changed that some of it was not kept for us.
                Err(error) if error.raw_os_error() == Some(NO_BUFFER) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

const NO_BUFFER: i32 = rustix::io::Errno::NOBUFS.raw_os_error();
