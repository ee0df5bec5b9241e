//! Which addresses are worth telling, and worth believing.

use std::net::{IpAddr, SocketAddr};

/// Whether somebody could listen there: nobody shall make others shout at a whole network.
pub(super) fn is_dialable(address: &SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !broadcast
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_one_can_be_at_is_not_dialled() {
        for bad in [
            "0.0.0.0:1",
            "255.255.255.255:1",
            "224.0.0.1:1",
            "192.0.2.1:0",
            "[::]:1",
            "[ff02::1]:1",
            "[::ffff:255.255.255.255]:1",
            "[::ffff:224.0.0.1]:1",
        ] {
            assert!(!is_dialable(&bad.parse().unwrap()), "{bad}");
        }
        for good in ["192.0.2.1:1", "127.0.0.1:1", "[2001:db8::1]:1"] {
            assert!(is_dialable(&good.parse().unwrap()), "{good}");
        }
    }
}
