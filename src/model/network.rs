//! How the network looks from here.

use super::{ContactId, PathKind, Timestamp};
use std::net::{IpAddr, SocketAddr};

/// Over what a link goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// QUIC, over UDP.
    Quic,
    /// TCP, with Noise and Yamux.
    Tcp,
}

impl Transport {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Quic, Self::Tcp];

    /// What it is called where clients read words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Quic => "quic",
            Self::Tcp => "tcp",
        }
    }
}

/// Bytes that went one way since the start, all links together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Which way.
    pub path: PathKind,
    /// Bytes of frames that came in.
    pub bytes_in: u64,
    /// Bytes of frames that went out.
    pub bytes_out: u64,
}

/// From where an address can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressScope {
    /// From this machine only.
    Loopback,
    /// From the same network only.
    Local,
    /// From anywhere, as far as the address itself tells.
    Global,
}

impl AddressScope {
    /// The scope of `ip`, by the special-purpose ranges of RFC 6890. Carriers' shared addresses
    /// (RFC 6598) are local.
    #[must_use]
    pub const fn of(ip: IpAddr) -> Self {
        let (loopback, local) = match ip.to_canonical() {
            IpAddr::V4(v4) => {
                let [a, b, ..] = v4.octets();
                let shared = a == 100 && b & 0xc0 == 64;
                let local = v4.is_private() || v4.is_link_local() || v4.is_unspecified();
                (v4.is_loopback(), local || shared)
            }
            IpAddr::V6(v6) => {
                let local = v6.is_unicast_link_local() || v6.is_unique_local();
                (v6.is_loopback(), local || v6.is_unspecified())
            }
        };
        match (loopback, local) {
            (true, _) => Self::Loopback,
            (false, true) => Self::Local,
            (false, false) => Self::Global,
        }
    }
}

/// An address of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkAddress {
    /// What it is; `None` where it is not to be told.
    pub address: Option<SocketAddr>,
    /// Whether it is one of IPv6.
    pub ipv6: bool,
    /// From where it can be reached.
    pub scope: AddressScope,
    /// What is listened for there; empty if that is not known.
    pub transports: Vec<Transport>,
}

/// A link that is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkLink {
    /// To whom; `None` for mailboxes and for requests that are not decided, and where it is not
    /// to be told.
    pub contact: Option<ContactId>,
    /// What the user calls them; empty while the vault is locked, and where `contact` is.
    pub name: String,
    /// Which way it goes. Whoever was called knows only of relays and mailboxes, and takes
    /// everything else for direct.
    pub path: PathKind,
    /// Over what; `None` if that is not known.
    pub transport: Option<Transport>,
    /// Whether they called.
    pub inbound: bool,
    /// Since when.
    pub since: Timestamp,
    /// Bytes of frames that came in.
    pub bytes_in: u64,
    /// Bytes of frames that went out.
    pub bytes_out: u64,
}

/// What is done on the local network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LanState {
    /// Contacts are looked for there.
    On,
    /// Switched off by configuration.
    Off,
    /// Left alone while the network is paid by the byte.
    Metered,
    /// Switched on, but there is no network to look on.
    NoNetwork,
}

/// What is done in the public directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DhtState {
    /// Switched off by configuration.
    Off,
    /// Not used, since this daemon listens on this machine only.
    Hidden,
    /// Switched on; nobody is looked for at the moment.
    Idle,
    /// A node of ours is running.
    Running,
}

/// How the network looks from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Addresses listened on.
    pub listen: Vec<NetworkAddress>,
    /// Addresses that contacts are told.
    pub told: Vec<NetworkAddress>,
    /// Whether a packet could leave for the Internet.
    pub route: bool,
    /// Links that are up, the oldest first.
    pub links: Vec<NetworkLink>,
    /// What links moved since the start, one entry a path.
    pub traffic: Vec<Traffic>,
    /// The local network.
    pub lan: LanState,
    /// On how many networks contacts are looked for, an interface counted once for IPv4 and
    /// once for IPv6.
    pub lan_places: u32,
    /// The public directory.
    pub dht: DhtState,
    /// When a node of ours last ran there; `None` if none did since the start.
    pub dht_at: Option<Timestamp>,
    /// How often a node of ours was started there.
    pub dht_starts: u64,
    /// Mailboxes that are used; `None` while that cannot be read.
    pub mailboxes_used: Option<u32>,
    /// Of these, those whose host was not reached at the latest try.
    pub mailboxes_failing: Option<u32>,
    /// Mailboxes hosted for others; `None` while that cannot be read.
    pub mailboxes_hosted: Option<u32>,
    /// Dials under way or waiting.
    pub dials: u64,
    /// Dials begun since the start.
    pub dials_begun: u64,
    /// Connections that have not proven yet to be anybody's.
    pub unproven: u64,
    /// Connections refused or cut off since the start.
    pub refused: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_from_where_it_can_be_reached() {
        use AddressScope::{Global, Local, Loopback};
        for (ip, scope) in [
            ("127.0.0.1", Loopback),
            ("::1", Loopback),
            ("::ffff:127.0.0.1", Loopback),
            ("10.1.2.3", Local),
            ("192.168.1.1", Local),
            ("169.254.1.1", Local),
            ("100.64.0.1", Local),
            ("100.127.255.255", Local),
            ("100.128.0.1", Global),
            ("fe80::1", Local),
            ("fd00::1", Local),
            ("192.0.2.1", Global),
            ("2001:db8::1", Global),
        ] {
            assert_eq!(AddressScope::of(ip.parse().unwrap()), scope, "{ip}");
        }
    }
}
