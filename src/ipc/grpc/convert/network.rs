//! How the network looks.

use super::message::path_kind;
use crate::{
    ipc::grpc::proto::v1,
    model::{
        AddressScope, DhtState, LanState, Network, NetworkAddress, NetworkLink, Traffic, Transport,
    },
};

pub(in crate::ipc::grpc) fn network(network: Network) -> v1::Network {
    v1::Network {
        listen: network.listen.into_iter().map(address).collect(),
        told: network.told.into_iter().map(address).collect(),
        route: network.route,
        links: network.links.into_iter().map(link).collect(),
        traffic: network.traffic.into_iter().map(traffic).collect(),
        lan: match network.lan {
            LanState::On => v1::LanState::On,
            LanState::Off => v1::LanState::Off,
            LanState::Metered => v1::LanState::Metered,
            LanState::NoNetwork => v1::LanState::NoNetwork,
        }
        .into(),
        lan_places: network.lan_places,
        dht: match network.dht {
            DhtState::Off => v1::DhtState::Off,
            DhtState::Hidden => v1::DhtState::Hidden,
            DhtState::Idle => v1::DhtState::Idle,
            DhtState::Running => v1::DhtState::Running,
        }
        .into(),
        dht_last_at_ms: network.dht_at.map(|at| at.0),
        dht_starts: network.dht_starts,
        mailboxes_used: network.mailboxes_used,
        mailboxes_failing: network.mailboxes_failing,
        mailboxes_hosted: network.mailboxes_hosted,
        dials: network.dials,
        dials_begun: network.dials_begun,
        unproven: network.unproven,
        refused: network.refused,
    }
}

fn address(address: NetworkAddress) -> v1::NetworkAddress {
    v1::NetworkAddress {
        address: address
            .address
            .map_or_else(String::new, |at| at.to_string()),
        ipv6: address.ipv6,
        scope: match address.scope {
            AddressScope::Loopback => v1::AddressScope::Loopback,
            AddressScope::Local => v1::AddressScope::Local,
            AddressScope::Global => v1::AddressScope::Global,
        }
        .into(),
        transports: address
            .transports
            .into_iter()
            .map(|over| transport(over).into())
            .collect(),
    }
}

fn link(link: NetworkLink) -> v1::NetworkLink {
    v1::NetworkLink {
        contact: link.contact.map_or_else(String::new, |id| id.to_string()),
        name: link.name,
        path: path_kind(link.path).into(),
        transport: link
            .transport
            .map_or(v1::Transport::Unspecified, transport)
            .into(),
        inbound: link.inbound,
        since_at_ms: link.since.0,
        bytes_in: link.bytes_in,
        bytes_out: link.bytes_out,
    }
}

fn traffic(traffic: Traffic) -> v1::Traffic {
    v1::Traffic {
        path: path_kind(traffic.path).into(),
        bytes_in: traffic.bytes_in,
        bytes_out: traffic.bytes_out,
    }
}

const fn transport(over: Transport) -> v1::Transport {
    match over {
        Transport::Quic => v1::Transport::Quic,
        Transport::Tcp => v1::Transport::Tcp,
    }
}
