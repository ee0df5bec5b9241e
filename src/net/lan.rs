//! Datagrams on the local network, and news of the network's changes.
//!
//! Moves bytes only: what a query or a reply means is decided above. Nothing is sent here but
//! what the handle was asked to send: no beacon, no name, no answer of its own.
//!
//! | | |
//! |---|---|
//! | queries | to UDP port 21773 of 239.255.109.115 and ff02::6d73:6764, TTL 1, from a port of their own |
//! | replies | to wherever the query came from, TTL 1, from port 21773 |
//!
//! # Decisions
//! - A place is one interface and one family. Each query goes out at one place only, so that
//!   the same bytes are never seen twice.
//! - Sockets that listen are bound to the group's address and the interface: no datagram from
//!   outside the link, and none to our own address, ever reaches them. They share the port by
//!   `SO_REUSEADDR`, which works between users too; of a group's datagrams every socket gets a
//!   copy. Queries leave from sockets of their own, open for a few seconds: a reply to a shared
//!   port would go to any of the daemons on the machine.
//! - Only an interface that runs, is no point-to-point line and not excluded is used, and only
//!   where this daemon listens for links: one that listens on the loopback alone is not on
//!   any network.
//! - The kernel tells of changes (netlink); nothing is looked up by the clock.

mod actor;
mod interfaces;
mod place;
mod quota;
mod sockets;
mod watch;

pub use interfaces::LanExclude;

use super::NetError;
use crate::{
    base::{Clock, Tasks},
    model::LanState,
};
use actor::Actor;
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::mpsc;

/// The usual UDP port of queries: below the range that systems take free ports from, and not
/// registered for anything else.
pub const LAN_PORT: u16 = 21_773;
/// Longest datagram that is passed on; longer ones arrive cut off at this length.
pub const MAX_LAN_DATAGRAM_BYTES: usize = 1100;
/// Datagrams that wait for their reader; more are dropped, as the network drops them.
const EVENTS: usize = 64;
const COMMANDS: usize = 64;

/// What the local network may be used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanConfig {
    /// Whether datagrams are sent and taken at all. Changes are told either way.
    pub enabled: bool,
    /// Networks to leave alone.
    pub exclude: Vec<LanExclude>,
    /// Whether the loopback interface counts as a network.
    pub loopback: bool,
    /// Where links are listened for, as in [`NetConfig::listen`](super::NetConfig::listen).
    pub listen: Vec<SocketAddr>,
    /// UDP port of queries, the same for all who shall hear each other.
    pub port: u16,
}

impl Default for LanConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            exclude: Vec::new(),
            loopback: false,
            listen: Vec::new(),
            port: LAN_PORT,
        }
    }
}

/// One interface and one address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LanPlace {
    /// The kernel's index.
    interface: u32,
    v6: bool,
}

/// What the local network brings.
#[derive(Debug)]
pub enum LanEvent {
    /// A datagram to everybody.
    Query {
        /// Where it was heard.
        place: LanPlace,
        /// To whom a reply would go.
        from: SocketAddr,
        /// What it says.
        datagram: Vec<u8>,
    },
    /// A datagram to a query's port.
    Reply {
        /// Where it came from.
        from: SocketAddr,
        /// What it says.
        datagram: Vec<u8>,
    },
    /// The machine's addresses or interfaces are others now.
    Changed {
        /// Whether an address is gone, so that links may hang.
        lost: bool,
        /// Whether there is an address or a running interface that was not there before.
        gained: bool,
    },
}

#[derive(Debug)]
enum Command {
    Ask(LanPlace, Vec<u8>),
    Reply(LanPlace, SocketAddr, Vec<u8>),
    /// Whether to leave the network alone for now.
    Hush(bool),
}

/// Places that are in use, with the addresses there.
#[derive(Default)]
struct Shared(Mutex<Vec<(LanPlace, Vec<IpAddr>)>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<(LanPlace, Vec<IpAddr>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The handle; cheap to clone.
#[derive(Clone)]
pub struct Lan {
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
    enabled: bool,
    hushed: Arc<AtomicBool>,
}

impl fmt::Debug for Lan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lan").finish_non_exhaustive()
    }
}

impl Lan {
    /// Starts the room's task. The places are known on return.
    ///
    /// # Errors
    /// The kernel does not tell of interfaces or of their changes.
    pub fn spawn(
        config: LanConfig,
        clock: Clock,
        tasks: &Tasks,
    ) -> Result<(Self, mpsc::Receiver<LanEvent>), NetError> {
        let (commands, command_end) = mpsc::channel(COMMANDS);
        let (events, event_end) = mpsc::channel(EVENTS);
        let shared = Arc::<Shared>::default();
        let enabled = config.enabled;
        let actor = Actor::start(config, clock, Arc::clone(&shared), command_end, events)
            .map_err(NetError::Lan)?;
        tasks.spawn("net-lan", actor.run(tasks.stop()));
        let lan = Self {
            commands,
            shared,
            enabled,
            hushed: Arc::default(),
        };
        Ok((lan, event_end))
    }

    /// What is done here now.
    #[must_use]
    pub fn state(&self) -> LanState {
        if !self.enabled {
            LanState::Off
        } else if self.hushed.load(Ordering::SeqCst) {
            LanState::Metered
        } else if self.shared.lock().is_empty() {
            LanState::NoNetwork
        } else {
            LanState::On
        }
    }

    /// Where queries can be sent and are heard now. Empty while off or hushed.
    #[must_use]
    pub fn places(&self) -> Vec<LanPlace> {
        self.shared.lock().iter().map(|(place, _)| *place).collect()
    }

    /// Addresses of this machine on the interface of `place`, of both families, without those
    /// that mean nothing elsewhere (IPv6 link-local ones).
    #[must_use]
    pub fn addresses(&self, place: LanPlace) -> Vec<IpAddr> {
        let shared = self.shared.lock();
        let found = shared.iter().find(|(other, _)| *other == place);
        found.map_or_else(Vec::new, |(_, addresses)| addresses.clone())
    }

    /// Sends `datagram` to everybody at `place`. Replies come as events for five seconds.
    pub async fn ask(&self, place: LanPlace, datagram: Vec<u8>) {
        self.tell(Command::Ask(place, datagram)).await;
    }

    /// Sends `datagram` to `to`, whose query was heard at `place`. At most eight a second for
    /// long; more are dropped.
    pub async fn reply(&self, place: LanPlace, to: SocketAddr, datagram: Vec<u8>) {
        self.tell(Command::Reply(place, to, datagram)).await;
    }

    /// Leaves the network alone for as long as `hushed`, as on one that is paid by the byte:
    /// nothing is sent and nothing heard.
    pub async fn hush(&self, hushed: bool) {
        self.hushed.store(hushed, Ordering::SeqCst);
        self.tell(Command::Hush(hushed)).await;
    }

    async fn tell(&self, command: Command) {
        // A room that has stopped has nothing left to do.
        let _ = self.commands.send(command).await;
    }
}

#[cfg(test)]
mod tests;
