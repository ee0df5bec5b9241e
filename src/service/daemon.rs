//! The daemon itself: status and stop.

use super::{Result, Service, error};
use crate::{
    engine::contacts::RouteKind,
    model::{Direction, Request, RequestState, Timestamp, VaultState},
};
use std::{net::SocketAddr, process};

/// The daemon at a glance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Version of the daemon.
    pub version: &'static str,
    /// Which profile it serves.
    pub profile: String,
    /// Its process id.
    pub pid: u32,
    /// When it started.
    pub started_at: Timestamp,
    /// Whether the data can be read.
    pub vault: VaultState,
    /// Own identities; 0 while locked.
    pub identities: u32,
    /// Contacts; 0 while locked.
    pub contacts: u32,
    /// Links that are up.
    pub links: u32,
    /// Addresses it listens on.
    pub listen: Vec<SocketAddr>,
    /// Messages that are on their way.
    pub outbox: u64,
    /// Messages nobody has read here; 0 while locked.
    pub unread: u64,
    /// Requests that wait for the user; 0 while locked.
    pub pending_requests: u32,
    /// Number of the newest event; 0 before the first.
    pub last_event: u64,
    /// Which cryptographic library this build uses.
    pub crypto_backend: &'static str,
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Works, but the user should know.
    Warning,
    /// Does not work.
    Error,
}

/// One thing that `doctor` looked at. Holds no names, addresses or ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, such as `store`.
    pub check: &'static str,
    /// How it is.
    pub level: Level,
    /// What was seen and what to do.
    pub text: String,
}

impl Service {
    /// The daemon at a glance. Works while locked.
    pub async fn get_status(&self) -> Result<Status> {
        let rooms = self.rooms()?;
        let vault = rooms.vault.state();
        let mut status = Status {
            version: env!("CARGO_PKG_VERSION"),
            profile: rooms.about.profile.clone(),
            pid: process::id(),
            started_at: rooms.about.started_at,
            vault,
            identities: 0,
            contacts: 0,
            links: rooms.contacts.links(),
            listen: rooms.contacts.listen_addresses(),
            outbox: 0,
            unread: 0,
            pending_requests: 0,
            last_event: rooms.bus.newest().unwrap_or(0),
            crypto_backend: rooms.vault.backend(),
        };
        if matches!(vault, VaultState::Locked | VaultState::Unlocked) {
            for route in rooms.contacts.routes(RouteKind::Contact) {
                status.outbox += rooms.outbox.count(route).map_err(error::store!())?;
            }
        }
        if vault == VaultState::Unlocked {
            let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
            status.identities = count(rooms.identities.list().map_err(error::identity)?.len());
            status.contacts = count(rooms.contacts.list().map_err(error::contact)?.len());
            let conversations = rooms.conversations.list().map_err(error::conversation)?;
            status.unread = conversations.iter().map(|one| one.unread).sum();
            let waiting = |request: &Request| {
                request.direction == Direction::Incoming && request.state == RequestState::Pending
            };
            let requests = rooms.contacts.list_requests().map_err(error::contact)?;
            status.pending_requests = count(requests.iter().filter(|one| waiting(one)).count());
        }
        Ok(status)
    }

    /// Begins the ordered stop.
    pub fn stop_daemon(&self) -> Result<()> {
        (self.rooms()?.stop)();
        Ok(())
    }
}
