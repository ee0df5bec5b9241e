//! Which interfaces there are, and which of them may be used.

use super::LanConfig;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
};

/// Most interfaces that are used; a machine that runs hundreds of containers has hundreds.
const MAX_INTERFACES: usize = 16;

/// A network to leave alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LanExclude {
    /// Interfaces by name; one that ends in `*` means all that begin with the rest.
    Name(String),
    /// Interfaces with an address among these, as `192.168.7.0/24`.
    Addresses(IpAddr, u8),
}

impl FromStr for LanExclude {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is neither an interface's name, as wlan0 or docker*, nor a network, as 192.0.2.0/24"
            )
        };
        if let Some((address, bits)) = text.split_once('/') {
            let address: IpAddr = address.parse().map_err(|_| wrong())?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            let bits: u8 = bits.parse().map_err(|_| wrong())?;
            return if bits <= most {
                Ok(Self::Addresses(address, bits))
            } else {
                Err(wrong())
            };
        }
        // The kernel's limit is 15 bytes.
        let name = text.strip_suffix('*').unwrap_or(text);
        let fits = name.len() <= 15
            && !text.is_empty()
            && !name.contains(['*', ':'])
            && !name.chars().any(char::is_whitespace);
        fits.then(|| Self::Name(text.to_owned())).ok_or_else(wrong)
    }
}

impl LanExclude {
    fn covers(&self, interface: &Interface) -> bool {
        match self {
            Self::Name(name) => match name.strip_suffix('*') {
                Some(start) => interface.name.starts_with(start),
                None => interface.name == *name,
            },
            Self::Addresses(network, bits) => interface
                .addresses
                .iter()
                .any(|address| is_within(*address, *network, *bits)),
        }
    }
}

fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let start = |bytes: u128, width: u8| bytes.checked_shr(u32::from(width - bits)).unwrap_or(0);
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => {
            start(u128::from(a.to_bits()), 32) == start(u128::from(n.to_bits()), 32)
        }
        (IpAddr::V6(a), IpAddr::V6(n)) => start(a.to_bits(), 128) == start(n.to_bits(), 128),
        _ => false,
    }
}

/// One interface with what it is called by others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) addresses: BTreeSet<IpAddr>,
    running: bool,
    point_to_point: bool,
}

/// Every interface that has an address, by index.
pub(super) type Interfaces = BTreeMap<u32, Interface>;

/// Asks the kernel.
pub(super) fn read() -> io::Result<Interfaces> {
    let mut found = Interfaces::new();
    for one in if_addrs::get_if_addrs()? {
        let Some(index) = one.index else { continue };
        let interface = found.entry(index).or_insert_with(|| Interface {
            name: one.name.clone(),
            addresses: BTreeSet::new(),
            running: one.is_oper_up(),
            point_to_point: one.is_p2p,
        });
        interface.addresses.insert(one.ip());
    }
    Ok(found)
}

/// Addresses in use by whatever else runs on this machine: what else but them can be lost. Those
/// of networks that are left alone count as well: links go over them.
pub(super) fn addresses(interfaces: &Interfaces) -> BTreeSet<(u32, IpAddr)> {
    let running = interfaces.iter().filter(|(_, one)| one.running);
    running
        .flat_map(|(index, one)| one.addresses.iter().map(|address| (*index, *address)))
        .collect()
}

impl Interface {
    fn is_loopback(&self) -> bool {
        self.addresses.iter().any(IpAddr::is_loopback)
    }

    /// Whether `config` lets it be used.
    pub(super) fn is_usable(&self, config: &LanConfig) -> bool {
        self.running
            && !self.point_to_point
            && (config.loopback || !self.is_loopback())
            && !config.exclude.iter().any(|exclude| exclude.covers(self))
            && self.is_listened_on(&config.listen)
    }

    fn is_listened_on(&self, listen: &[SocketAddr]) -> bool {
        listen.is_empty()
            || listen
                .iter()
                .any(|on| on.ip().is_unspecified() || self.addresses.contains(&on.ip()))
    }

    /// An IPv4 address to send from.
    pub(super) fn v4(&self) -> Option<Ipv4Addr> {
        self.addresses.iter().find_map(|address| match address {
            IpAddr::V4(v4) => Some(*v4),
            IpAddr::V6(_) => None,
        })
    }

    /// Whether it has an IPv6 link-local address to send from.
    pub(super) fn has_v6(&self) -> bool {
        self.addresses.iter().any(is_link_local)
    }

    /// Addresses that others on the same link can dial.
    pub(super) fn dialled(&self) -> Vec<IpAddr> {
        let dialled = self
            .addresses
            .iter()
            .filter(|address| !is_link_local(address));
        dialled.copied().collect()
    }
}

/// The interfaces of `all` that may be used, at most a few.
pub(super) fn usable<'i>(
    all: &'i Interfaces,
    config: &'i LanConfig,
) -> impl Iterator<Item = (u32, &'i Interface)> {
    all.iter()
        .filter(|(_, one)| one.is_usable(config))
        .take(MAX_INTERFACES)
        .map(|(index, one)| (*index, one))
}

fn is_link_local(address: &IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

#[cfg(test)]
pub(super) fn made(name: &str, addresses: &[&str]) -> Interface {
    Interface {
        name: name.to_owned(),
        addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
        running: true,
        point_to_point: false,
    }
}
