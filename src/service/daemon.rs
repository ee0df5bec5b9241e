//! The daemon itself: status, checks, stop.

use super::{Result, Service};
use crate::model::{Timestamp, VaultState};
use std::net::SocketAddr;

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
        todo!()
    }

    /// Looks at everything that commonly goes wrong. Works while locked, then says less.
    pub async fn run_doctor(&self) -> Result<Vec<Finding>> {
        todo!()
    }

    /// Begins the ordered stop.
    pub fn stop_daemon(&self) -> Result<()> {
        todo!()
    }
}
