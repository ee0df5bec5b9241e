//! How the network looks.

use super::{spaced, word, word_if_set};
use crate::cli::{
    output::{Show, Style},
    table::{Table, fields},
    text::one_line,
    when,
};
use crate::ipc::grpc::proto::v1 as proto;
use serde::Serialize;

/// An address of this machine.
#[derive(Debug, Serialize)]
struct Address {
    address: Option<String>,
    ipv6: bool,
    scope: String,
    transports: Vec<String>,
}

impl From<proto::NetworkAddress> for Address {
    fn from(address: proto::NetworkAddress) -> Self {
        Self {
            ipv6: address.ipv6,
            scope: word(address.scope().as_str_name(), "ADDRESS_SCOPE_"),
            transports: address
                .transports()
                .map(|over| word(over.as_str_name(), "TRANSPORT_"))
                .collect(),
            address: Some(address.address).filter(|address| !address.is_empty()),
        }
    }
}

impl Address {
    fn text(&self) -> String {
        let family = if self.ipv6 { "ipv6" } else { "ipv4" };
        let address = self.address.as_deref().unwrap_or(family);
        let mut notes = vec![self.scope.as_str()];
        notes.extend(self.transports.iter().map(String::as_str));
        format!("{} ({})", one_line(address), notes.join(", "))
    }
}

/// A link that is up.
#[derive(Debug, Serialize)]
struct Link {
    contact: String,
    name: String,
    path: String,
    transport: Option<String>,
    inbound: bool,
    since_at_ms: i64,
    bytes_in: u64,
    bytes_out: u64,
}

impl From<proto::NetworkLink> for Link {
    fn from(link: proto::NetworkLink) -> Self {
        Self {
            path: word(link.path().as_str_name(), "PATH_KIND_"),
            transport: word_if_set(link.transport().as_str_name(), "TRANSPORT_"),
            contact: link.contact,
            name: link.name,
            inbound: link.inbound,
            since_at_ms: link.since_at_ms,
            bytes_in: link.bytes_in,
            bytes_out: link.bytes_out,
        }
    }
}

/// Bytes that went one way.
#[derive(Debug, Serialize)]
struct Traffic {
    path: String,
    bytes_in: u64,
    bytes_out: u64,
}

impl From<proto::Traffic> for Traffic {
    fn from(traffic: proto::Traffic) -> Self {
        Self {
            path: word(traffic.path().as_str_name(), "PATH_KIND_"),
            bytes_in: traffic.bytes_in,
            bytes_out: traffic.bytes_out,
        }
    }
}

/// How the network looks.
#[derive(Debug, Serialize)]
pub(crate) struct Network {
    listen: Vec<Address>,
    told: Vec<Address>,
    route: bool,
    links: Vec<Link>,
    traffic: Vec<Traffic>,
    lan: String,
    lan_places: u32,
    dht: String,
    dht_last_at_ms: Option<i64>,
    dht_starts: u64,
    mailboxes_used: Option<u32>,
    mailboxes_failing: Option<u32>,
    mailboxes_hosted: Option<u32>,
    dials: u64,
    dials_begun: u64,
    unproven: u64,
    refused: u64,
}

impl From<proto::Network> for Network {
    fn from(network: proto::Network) -> Self {
        Self {
            lan: word(network.lan().as_str_name(), "LAN_STATE_"),
            dht: word(network.dht().as_str_name(), "DHT_STATE_"),
            listen: network.listen.into_iter().map(Into::into).collect(),
            told: network.told.into_iter().map(Into::into).collect(),
            route: network.route,
            links: network.links.into_iter().map(Into::into).collect(),
            traffic: network.traffic.into_iter().map(Into::into).collect(),
            lan_places: network.lan_places,
            dht_last_at_ms: network.dht_last_at_ms,
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
}

impl Network {
    fn facts(&self) -> String {
        let lines = |addresses: &[Address]| {
            let texts: Vec<String> = addresses.iter().map(Address::text).collect();
            match texts.is_empty() {
                true => "nothing".to_owned(),
                false => texts.join(" "),
            }
        };
        let places = match self.lan_places {
            0 => String::new(),
            places => format!(", {places} networks"),
        };
        let ran = self.dht_last_at_ms.map_or_else(String::new, |at| {
            format!(", last ran {}, {} times", when::minute(at), self.dht_starts)
        });
        let mailboxes = format!(
            "{} used, {} of them not reached, {} hosted",
            count(self.mailboxes_used),
            count(self.mailboxes_failing),
            count(self.mailboxes_hosted)
        );
        let route = if self.route {
            "there is a way"
        } else {
            "there is no way"
        };
        fields(&[
            ("listens on", lines(&self.listen)),
            ("contacts are told", lines(&self.told)),
            ("to the Internet", route.to_owned()),
            ("local network", spaced(Some(&self.lan)) + &places),
            ("DHT", self.dht.clone() + &ran),
            ("mailboxes", mailboxes),
            (
                "dials",
                format!("{} under way, {} begun", self.dials, self.dials_begun),
            ),
            (
                "strangers",
                format!("{} here, {} turned away", self.unproven, self.refused),
            ),
        ])
    }

    fn link_table(&self, style: Style) -> String {
        let mut table = Table::new(["PATH", "OVER", "CALLED BY", "SINCE", "IN", "OUT", "WHO"]);
        for link in &self.links {
            table.row([
                link.path.clone(),
                link.transport.clone().unwrap_or_default(),
                if link.inbound { "them" } else { "us" }.to_owned(),
                when::minute(link.since_at_ms),
                size(link.bytes_in),
                size(link.bytes_out),
                one_line(&link.name),
            ]);
        }
        table.text(style)
    }

    fn traffic_table(&self, style: Style) -> String {
        let mut table = Table::new(["SINCE THE START BY", "IN", "OUT"]);
        let moved = |one: &&Traffic| one.bytes_in > 0 || one.bytes_out > 0;
        for one in self.traffic.iter().filter(moved) {
            table.row([one.path.clone(), size(one.bytes_in), size(one.bytes_out)]);
        }
        table.text(style)
    }
}

impl Show for Network {
    fn text(&self, style: Style) -> String {
        let parts = [
            self.facts(),
            self.link_table(style),
            self.traffic_table(style),
        ];
        let filled: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        filled.join("\n")
    }

    fn ids(&self) -> Vec<&str> {
        let ids = self.links.iter().map(|link| link.contact.as_str());
        ids.filter(|id| !id.is_empty()).collect()
    }
}

fn count(number: Option<u32>) -> String {
    number.map_or_else(|| "?".to_owned(), |number| number.to_string())
}

/// `1.5 MiB`.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut tenths = bytes.saturating_mul(10);
    let mut named = "B";
    for unit in UNITS {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1024;
        named = unit;
    }
    match named {
        "B" => format!("{bytes} B"),
        _ => format!("{}.{} {named}", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::view::tests::names;

    fn network() -> Network {
        proto::Network {
            listen: vec![proto::NetworkAddress {
                address: "127.0.0.1:5".into(),
                scope: proto::AddressScope::Loopback.into(),
                transports: vec![proto::Transport::Quic.into(), proto::Transport::Tcp.into()],
                ..proto::NetworkAddress::default()
            }],
            links: vec![proto::NetworkLink {
                contact: "0a1b".into(),
                name: "Al\u{1b}ice".into(),
                path: proto::PathKind::Lan.into(),
                transport: proto::Transport::Quic.into(),
                bytes_in: 1536,
                ..proto::NetworkLink::default()
            }],
            traffic: vec![proto::Traffic {
                path: proto::PathKind::Dht.into(),
                ..proto::Traffic::default()
            }],
            lan: proto::LanState::NoNetwork.into(),
            dht: proto::DhtState::Idle.into(),
            ..proto::Network::default()
        }
        .into()
    }

    #[test]
    fn json_has_the_names_of_the_contract() {
        let network = network();
        assert_eq!(
            names(&network),
            [
                "dht",
                "dht_last_at_ms",
                "dht_starts",
                "dials",
                "dials_begun",
                "lan",
                "lan_places",
                "links",
                "listen",
                "mailboxes_failing",
                "mailboxes_hosted",
                "mailboxes_used",
                "refused",
                "route",
                "told",
                "traffic",
                "unproven"
            ]
        );
        assert_eq!(
            names(&network.links[0]),
            [
                "bytes_in",
                "bytes_out",
                "contact",
                "inbound",
                "name",
                "path",
                "since_at_ms",
                "transport"
            ]
        );
        assert_eq!(
            names(&network.listen[0]),
            ["address", "ipv6", "scope", "transports"]
        );
    }

    #[test]
    fn a_person_reads_a_table_in_which_no_name_acts() {
        let text = network().text(Style::default());
        assert!(text.contains("127.0.0.1:5 (loopback, quic, tcp)"), "{text}");
        assert!(text.contains("no network"), "{text}");
        assert!(text.contains("1.5 KiB"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
        assert!(!text.contains("SINCE THE START"), "{text}");
        assert_eq!(network().ids(), ["0a1b"]);
    }

    #[test]
    fn sizes_are_short() {
        let sizes = [0, 1023, 1024, 1_048_575, 1_048_576, 5 << 30].map(size);
        assert_eq!(
            sizes,
            [
                "0 B",
                "1023 B",
                "1.0 KiB",
                "1023.9 KiB",
                "1.0 MiB",
                "5.0 GiB"
            ]
        );
    }
}
