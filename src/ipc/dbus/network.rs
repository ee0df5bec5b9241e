//! The network as clients see it; see [`rows`](super::rows).

use super::{names, options::Extras, words};
use crate::model::{Network, NetworkAddress, NetworkLink, Traffic};
use zbus::Variant;

/// A path, bytes in, bytes out.
pub(super) type TrafficRow = (&'static str, u64, u64);

pub(super) fn facts(network: &Network) -> Extras {
    let mut facts = Extras::from([
        ("listen", Variant::from(texts(&network.listen))),
        ("listen_scopes", Variant::from(scopes(&network.listen))),
        ("told", Variant::from(texts(&network.told))),
        ("told_scopes", Variant::from(scopes(&network.told))),
        ("route", Variant::from(network.route)),
        ("lan", Variant::from(words::lan_state(network.lan))),
        ("lan_places", Variant::from(network.lan_places)),
        ("dht", Variant::from(words::dht_state(network.dht))),
        ("dht_starts", Variant::from(network.dht_starts)),
        ("dials", Variant::from(network.dials)),
        ("dials_begun", Variant::from(network.dials_begun)),
        ("unproven", Variant::from(network.unproven)),
        ("refused", Variant::from(network.refused)),
    ]);
    if let Some(at) = network.dht_at {
        facts.insert("dht_last_at", Variant::from(at.0));
    }
    for (name, count) in [
        ("mailboxes_used", network.mailboxes_used),
        ("mailboxes_failing", network.mailboxes_failing),
        ("mailboxes_hosted", network.mailboxes_hosted),
    ] {
        if let Some(count) = count {
            facts.insert(name, Variant::from(count));
        }
    }
    facts
}

/// Nothing for addresses that are not to be told.
fn texts(addresses: &[NetworkAddress]) -> Vec<String> {
    let known = addresses.iter().filter_map(|one| one.address);
    known.map(|at| at.to_string()).collect()
}

fn scopes(addresses: &[NetworkAddress]) -> Vec<String> {
    let scope = |one: &NetworkAddress| words::address_scope(one.scope).to_owned();
    addresses.iter().map(scope).collect()
}

pub(super) fn link(link: &NetworkLink) -> Extras {
    let mut fields = Extras::from([
        ("path", Variant::from(link.path.word())),
        ("inbound", Variant::from(link.inbound)),
        ("since", Variant::from(link.since.0)),
        ("bytes_in", Variant::from(link.bytes_in)),
        ("bytes_out", Variant::from(link.bytes_out)),
    ]);
    if let Some(contact) = link.contact {
        let path = names::contact(contact).into_inner();
        fields.insert("contact", Variant::from(path));
        fields.insert("name", Variant::from(link.name.clone()));
    }
    if let Some(over) = link.transport {
        fields.insert("transport", Variant::from(over.word()));
    }
    fields
}

pub(super) fn traffic(traffic: &Traffic) -> TrafficRow {
    let path = traffic.path.word();
    (path, traffic.bytes_in, traffic.bytes_out)
}
