//! Puts the rooms together: the only place that knows them all.

use super::{Config, Role};
use crate::{
    base::{Clock, Tasks},
    crypto::KdfParams,
    engine::{
        contacts::Contacts,
        conversations::Conversations,
        desktop,
        discovery::{self, Discovery},
        event_bus::EventBus,
        identities::Identities,
        inbox::{self, Inbox},
        mailbox::{self, Mailboxes, host::MailboxHost},
        messages::Messages,
        outbox::Outbox,
        switchboard,
        vault::{SlotChoice, Vault, VaultError},
    },
    model::{Timestamp, VaultState},
    net::{Directory, DirectoryConfig, Lan, LanConfig, Net, NetConfig, NetError},
    service::{About, Rooms, Service, Tally},
    store::{Store, StoreError, StoreOptions},
};
use std::{io, path::PathBuf, sync::Arc};

/// Which room did not start.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// The store.
    #[error("cannot open the store")]
    Store(#[source] StoreError),
    /// The vault.
    #[error("cannot open the vault")]
    Vault(#[source] VaultError),
    /// A host of mailboxes and nothing else was asked for, over a person's profile.
    #[error(
        "this profile has identities, and `--role mailbox` hosts mailboxes and nothing else: name another profile with `--profile`, or start without the role, which hosts mailboxes as well"
    )]
    Person,
    /// The ports to listen on.
    #[error("cannot choose a port to listen on")]
    Ports(#[source] io::Error),
    /// The network.
    #[error("cannot start the network")]
    Net(#[source] NetError),
}

/// What is closed by hand at the end.
pub(super) struct House {
    pub(super) service: Service,
    pub(super) store: Store,
}

/// Opens the store under `config`'s data folder.
pub(super) fn open_store(config: &Config) -> Result<Store, WiringError> {
    let options = StoreOptions {
        reserve: config.store.reserve_bytes,
        ..StoreOptions::default()
    };
    Store::open_with(&config.paths.data.join("store"), options).map_err(WiringError::Store)
}

/// Starts every room over `store`. `stop` begins the ordered stop.
pub(super) async fn assemble(
    config: &Config,
    store: Store,
    clock: &Clock,
    tasks: &Tasks,
    stop: Arc<dyn Fn() + Send + Sync>,
) -> Result<House, WiringError> {
    let bus = EventBus::new(store.clone(), clock.clone(), tasks.clone());
    let vault = Vault::open(
        config.paths.data.clone(),
        boot_scoped(config),
        KdfParams::DEFAULT,
        bus.clone(),
    )
    .map_err(WiringError::Vault)?;
    if config.role == Role::Mailbox && vault.has_identities() {
        return Err(WiringError::Person);
    }
    open_vault(config, &vault).await?;
    let listen = super::settle_ports(&config.net.listen, &config.paths.data.join("port"))
        .map_err(WiringError::Ports)?;
    let settings = NetConfig {
        listen,
        max_links: config.net.max_links,
        epoch: config.net.epoch,
        ..NetConfig::default()
    };
    let (net, net_events) = Net::spawn(settings, clock.clone(), tasks)
        .await
        .map_err(WiringError::Net)?;
    let identities = Identities::new(
        config.paths.data.join("identities"),
        bus.clone(),
        vault.clone(),
    );
    let (contacts, contact_events) = Contacts::new(
        bus.clone(),
        vault.clone(),
        identities.clone(),
        net.clone(),
        config.net.advertise.clone(),
    );
    let outbox = Outbox::spawn(bus.clone(), net.clone(), clock.clone(), tasks);
    let settings = LanConfig {
        enabled: config.lan.enabled,
        exclude: config.lan.exclude.clone(),
        loopback: config.lan.loopback,
        listen: config.net.listen.clone(),
        port: config.lan.port,
    };
    let lan = Lan::spawn(settings, clock.clone(), tasks).map_err(WiringError::Net)?;
    let rooms = discovery::Neighbours {
        contacts: contacts.clone(),
        outbox: outbox.clone(),
        net: net.clone(),
        directory: directory(config, clock, tasks),
    };
    let discovery = Discovery::spawn(rooms, lan, clock.clone(), tasks);
    let rooms = mailbox::user::Neighbours {
        bus: bus.clone(),
        vault: vault.clone(),
        contacts: contacts.clone(),
        net: net.clone(),
    };
    let (mailboxes, mailbox_events) = {
        let pace = mailbox::user::Pace {
            poll: config.mailbox.poll,
            receipt: config.mailbox.receipt,
        };
        Mailboxes::spawn(rooms, pace, clock.clone(), tasks)
    };
    let messages = Messages::spawn(
        bus.clone(),
        vault.clone(),
        identities.clone(),
        outbox.clone(),
        mailboxes.bell(),
        tasks,
    );
    let rooms = inbox::Neighbours {
        bus: bus.clone(),
        vault: vault.clone(),
        identities: identities.clone(),
        contacts: contacts.clone(),
        messages: messages.clone(),
        mailboxes: mailboxes.clone(),
        net: net.clone(),
    };
    let inbox = Inbox::spawn(rooms, clock.clone(), tasks);
    let mailbox_host = MailboxHost::spawn(bus.clone(), net, config.mailbox.host_bytes, tasks);
    let rooms = switchboard::Rooms {
        vault: vault.clone(),
        identities: identities.clone(),
        contacts: contacts.clone(),
        outbox: outbox.clone(),
        discovery: discovery.clone(),
        mailboxes: mailboxes.clone(),
        messages: messages.clone(),
        inbox,
        mailbox_host: mailbox_host.clone(),
    };
    let risen = (contact_events, mailbox_events);
    switchboard::spawn(rooms, clock.clone(), net_events, risen, tasks);
    if config.dbus.enabled {
        let rooms = desktop::Neighbours {
            bus: bus.clone(),
            contacts: contacts.clone(),
            outbox: outbox.clone(),
            discovery: discovery.clone(),
        };
        desktop::spawn(rooms, None, clock.clone(), tasks);
    }
    let about = About {
        profile: config.profile.clone(),
        started_at: Timestamp(clock.wall_ms()),
        host_only: config.role == Role::Mailbox,
        directory_wanted: config.dht.on,
        socket: config.socket.clone(),
        unit: super::own_unit(),
    };
    let service = Service::new(Rooms {
        about,
        conversations: Conversations::new(bus.clone()),
        tally: Tally::new(&bus),
        bus,
        vault,
        identities,
        contacts,
        messages,
        outbox,
        mailboxes,
        discovery,
        mailbox_host,
        stop: Box::new(move || stop()),
    });
    Ok(House { service, store })
}

/// The public directory, unless it is off. Who listens on this machine only is of no use to
/// anybody elsewhere and must not be heard of there either; a directory that was named is asked
/// all the same, since it may be on this machine too.
fn directory(config: &Config, clock: &Clock, tasks: &Tasks) -> Option<Directory> {
    let listen = &config.net.listen;
    let hidden = !listen.is_empty() && listen.iter().all(|at| at.ip().is_loopback());
    let bootstrap = config.dht.bootstrap.clone();
    let wanted = config.dht.on && !(hidden && bootstrap.is_empty());
    wanted.then(|| {
        let settings = DirectoryConfig {
            bootstrap,
            ..DirectoryConfig::default()
        };
        Directory::spawn(settings, clock.clone(), tasks)
    })
}

/// Opens a vault that nobody needs to unlock; a host of mailboxes makes one if there is none.
async fn open_vault(config: &Config, vault: &Vault) -> Result<(), WiringError> {
    let opened = match (vault.state(), config.role) {
        (VaultState::Missing, Role::Person) => return Ok(()),
        (VaultState::Missing, Role::Mailbox) => {
            let made = vault.create(SlotChoice::File).await;
            if made.is_ok() {
                tracing::info!(
                    "made a vault that opens by itself: a mailbox host must serve after a \
                     restart, and can read nothing of what it keeps for others"
                );
            }
            made
        }
        (_, role) => vault.unlock_unattended().await.map(|opened| {
            if !opened && role == Role::Mailbox {
                tracing::warn!(
                    "this vault needs a passphrase: no mailbox is served until `msgctl vault \
                     unlock`; `msgctl vault slots add` makes it open by itself"
                );
            }
        }),
    };
    opened.map_err(WiringError::Vault)
}

/// The runtime folder, if it ends with the login session. One below the data folder is on
/// the disk that the transport key must not be on.
fn boot_scoped(config: &Config) -> Option<PathBuf> {
    let runtime = &config.paths.runtime;
    (!runtime.starts_with(&config.paths.data)).then(|| runtime.clone())
}

#[cfg(test)]
mod tests;
