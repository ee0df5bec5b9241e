//! The daemon itself: status, checks, stop.

use super::{Result, Rooms, Service, error};
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

    /// Looks at everything that commonly goes wrong. Works while locked, then says less.
    pub async fn run_doctor(&self) -> Result<Vec<Finding>> {
        let rooms = self.rooms()?;
        let mut findings = vec![Finding {
            check: "version",
            level: Level::Ok,
            text: format!(
                "msgd {}, cryptography by {}",
                env!("CARGO_PKG_VERSION"),
                rooms.vault.backend()
            ),
        }];
        findings.push(vault_finding(rooms));
        let listening = rooms.contacts.listen_addresses().len();
        findings.push(if listening == 0 {
            Finding {
                check: "network",
                level: Level::Warning,
                text: "listens on no address: nobody can reach this daemon, it can only dial"
                    .to_owned(),
            }
        } else {
            Finding {
                check: "network",
                level: Level::Ok,
                text: format!("listens on {listening} addresses"),
            }
        });
        let bus = rooms.bus.clone();
        let store = tokio::task::spawn_blocking(move || bus.check_store()).await;
        findings.push(match store {
            Ok(Ok((records, 0))) => {
                Finding { check: "store", level: Level::Ok, text: format!("{records} records open") }
            }
            Ok(Ok((records, damaged))) => Finding {
                check: "store",
                level: Level::Error,
                text: format!("{damaged} of {records} records do not open: keep a copy of the data folder and restore a backup"),
            },
            Ok(Err(error)) => Finding { check: "store", level: Level::Error, text: crate::base::chain(&error) },
            Err(_) => Finding { check: "store", level: Level::Error, text: "the check itself failed".to_owned() },
        });
        Ok(findings)
    }

    /// Begins the ordered stop.
    pub fn stop_daemon(&self) -> Result<()> {
        (self.rooms()?.stop)();
        Ok(())
    }
}

fn vault_finding(rooms: &Rooms) -> Finding {
    let (level, text) = match rooms.vault.state() {
        VaultState::Missing => (Level::Warning, "there is none yet: `msgctl vault create`"),
        VaultState::Sealed => (
            Level::Warning,
            "locked since the start: `msgctl vault unlock`; until then nobody can be recognised",
        ),
        VaultState::Locked => (
            Level::Warning,
            "locked: parcels are kept and sent, `msgctl vault unlock` opens them",
        ),
        VaultState::Unlocked => (Level::Ok, "unlocked"),
    };
    Finding {
        check: "vault",
        level,
        text: text.to_owned(),
    }
}
