//! How the network looks from here.

use super::{Result, Rooms, Service, error};
use crate::model::{DhtState, Network, NetworkAddress, VaultState};
use std::collections::HashMap;

impl Service {
    /// How the network looks from here. Works while locked, then without names. With `scrub`
    /// nothing in it says who or where anybody is: for reports of faults.
    pub async fn get_network(&self, scrub: bool) -> Result<Network> {
        let rooms = self.rooms()?;
        let mut network = rooms.discovery.network().await;
        if network.dht == DhtState::Off && rooms.about.directory_wanted {
            network.dht = DhtState::Hidden;
        }
        count_mailboxes(rooms, &mut network).await;
        if scrub {
            scrubbed(&mut network);
        } else if rooms.vault.state() == VaultState::Unlocked {
            name_links(rooms, &mut network)?;
        }
        Ok(network)
    }
}

/// What the vault's state hides stays unknown.
async fn count_mailboxes(rooms: &Rooms, network: &mut Network) {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    if rooms.vault.state() == VaultState::Unlocked
        && let Ok(used) = rooms.mailboxes.list()
    {
        network.mailboxes_used = Some(count(used.len()));
        let failing = used.iter().filter(|one| one.failing);
        network.mailboxes_failing = Some(count(failing.count()));
    }
    if let Ok(status) = rooms.mailbox_host.status().await {
        network.mailboxes_hosted = Some(u32::try_from(status.mailboxes).unwrap_or(u32::MAX));
    }
}

fn name_links(rooms: &Rooms, network: &mut Network) -> Result<()> {
    let contacts = rooms.contacts.list().map_err(error::contact)?;
    let names: HashMap<_, _> = contacts
        .into_iter()
        .map(|contact| {
            let alias = Some(contact.alias).filter(|alias| !alias.is_empty());
            (contact.id, alias.unwrap_or(contact.name))
        })
        .collect();
    for link in &mut network.links {
        let name = link.contact.and_then(|contact| names.get(&contact));
        link.name = name.cloned().unwrap_or_default();
    }
    Ok(())
}

fn scrubbed(network: &mut Network) {
    let hide = |address: &mut NetworkAddress| address.address = None;
    network.listen.iter_mut().for_each(hide);
    network.told.iter_mut().for_each(hide);
    for link in &mut network.links {
        link.contact = None;
        link.name.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        AddressScope, ContactId, LanState, NetworkLink, PathKind, Timestamp, Transport,
    };

    #[test]
    fn what_is_scrubbed_names_nobody_and_no_place() {
        let address = NetworkAddress {
            address: Some("192.0.2.77:21773".parse().unwrap()),
            ipv6: false,
            scope: AddressScope::Global,
            transports: vec![Transport::Quic],
        };
        let link = NetworkLink {
            contact: Some(ContactId([0xab; 16])),
            name: "Alice".into(),
            path: PathKind::Lan,
            transport: Some(Transport::Quic),
            inbound: true,
            since: Timestamp(5),
            bytes_in: 1,
            bytes_out: 2,
        };
        let mut network = Network {
            listen: vec![address.clone()],
            told: vec![address],
            route: true,
            links: vec![link],
            traffic: Vec::new(),
            lan: LanState::On,
            lan_places: 1,
            dht: DhtState::Idle,
            dht_at: None,
            dht_starts: 0,
            mailboxes_used: None,
            mailboxes_failing: None,
            mailboxes_hosted: None,
            dials: 0,
            dials_begun: 0,
            unproven: 0,
            refused: 0,
        };
        scrubbed(&mut network);
        let shown = format!("{network:?}");
        for secret in ["Alice", "192.0.2", "21773", "abab", "171, 171"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert_eq!(network.links.len(), 1);
        assert_eq!(network.listen[0].scope, AddressScope::Global);
    }
}
