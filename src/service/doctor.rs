//! Looks at everything that commonly goes wrong.
//!
//! # Decisions
//! - The clock is held against what is there already: the newest event, which was written by
//!   this clock, and the newest message of each contact, which was signed by theirs. A daemon
//!   that asks a time server would tell it when this machine is awake.
//! - Clients learn of relays only where there is something to tell.

use super::{Finding, Level, Result, Rooms, Service};
use crate::model::{AddressScope, DhtState, Direction, LanState, Network, Timestamp, VaultState};
use rustix::fs::FileType;
use std::path::Path;

/// Clocks that differ by less are right.
const CLOCK_TOLERANCE_MS: i64 = 5 * 60_000;
/// No clock that is right shows an earlier time: 2026-01-01.
const CLOCK_LEAST_MS: i64 = 1_767_225_600_000;
/// Conversations whose newest message is looked at.
const CLOCK_CONVERSATIONS: usize = 64;

impl Service {
    /// Looks at everything that commonly goes wrong. Works while locked, then says less.
    pub async fn run_doctor(&self) -> Result<Vec<Finding>> {
        let rooms = self.rooms()?;
        let network = self.get_network(true).await?;
        let version = format!(
            "msgd {}, cryptography by {}",
            env!("CARGO_PKG_VERSION"),
            rooms.vault.backend()
        );
        let mut findings = vec![Finding::new("version", Level::Ok, version)];
        findings.push(vault(rooms.vault.state()));
        findings.push(listening(&network));
        findings.push(route(&network));
        findings.push(lan(&network));
        findings.push(dht(&network));
        findings.extend(mailboxes(&network));
        findings.push(clock(rooms));
        findings.push(socket(&rooms.about.socket));
        findings.push(unit(rooms.about.unit.as_deref()));
        findings.push(disk(rooms).await);
        findings.push(store(rooms).await);
        Ok(findings)
    }
}

impl Finding {
    fn new(check: &'static str, level: Level, text: impl Into<String>) -> Self {
        Self {
            check,
            level,
            text: text.into(),
        }
    }
}

fn vault(state: VaultState) -> Finding {
    let (level, text) = match state {
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
    Finding::new("vault", level, text)
}

fn listening(network: &Network) -> Finding {
    let count = network.listen.len();
    let addresses = if count == 1 { "address" } else { "addresses" };
    let beyond = |scope| network.listen.iter().any(|one| one.scope == scope);
    let (level, text) = if count == 0 {
        let text = "listens on no address: nobody can reach this daemon, it can only dial; see \
                    `[net] listen`";
        (Level::Warning, text.to_owned())
    } else if beyond(AddressScope::Global) {
        let text = format!("listens on {count} {addresses}, one at least of the Internet");
        (Level::Ok, text)
    } else if beyond(AddressScope::Local) {
        let text = format!(
            "listens on {count} {addresses} of the local network; from outside it is reached if \
             the router forwards the port, see `[net] advertise`"
        );
        (Level::Ok, text)
    } else {
        let text = format!(
            "listens on {count} {addresses} for this machine only: others cannot reach \
             it; see `[net] listen`"
        );
        (Level::Warning, text)
    };
    Finding::new("network", level, text)
}

fn route(network: &Network) -> Finding {
    let (level, text) = if network.route {
        (Level::Ok, "there is a way to the Internet")
    } else {
        (
            Level::Warning,
            "no way leads to the Internet: only people on the same network can be reached; check \
             the cable, the radio or `ip route`",
        )
    };
    Finding::new("route", level, text)
}

fn lan(network: &Network) -> Finding {
    let (level, text) = match network.lan {
        LanState::On => (
            Level::Ok,
            format!("contacts are looked for on {} networks", network.lan_places),
        ),
        LanState::Off => (
            Level::Ok,
            "off by configuration: nobody is looked for on the local network; see `[lan] enabled`"
                .to_owned(),
        ),
        LanState::Metered => (
            Level::Ok,
            "left alone while the network is paid by the byte".to_owned(),
        ),
        LanState::NoNetwork => (
            Level::Warning,
            "on, but there is no network to look on: check the connection, `[lan] exclude` and \
             `[net] listen`"
                .to_owned(),
        ),
    };
    Finding::new("lan", level, text)
}

fn dht(network: &Network) -> Finding {
    let text = match network.dht {
        DhtState::Off => {
            "off by configuration: contacts who moved are found by other ways only; see `[dht] mode`"
        }
        DhtState::Hidden => {
            "on, but not used: this daemon listens on this machine only; see `[net] listen`"
        }
        DhtState::Idle => "on; nobody is looked for at the moment",
        DhtState::Running => "on; a node is running, since somebody is looked for",
    };
    Finding::new("dht", Level::Ok, text)
}

/// Nothing without mailboxes.
fn mailboxes(network: &Network) -> Option<Finding> {
    let used = network.mailboxes_used.filter(|used| *used > 0)?;
    let failing = network.mailboxes_failing.unwrap_or(0);
    Some(if failing == 0 {
        let text = format!("{used} used; all answered when last asked, or were not asked yet");
        Finding::new("mailboxes", Level::Ok, text)
    } else {
        let text = format!(
            "{failing} of {used} did not answer when last asked: `msgctl mailbox ls` says which; \
             ask who keeps it"
        );
        Finding::new("mailboxes", Level::Warning, text)
    })
}

fn clock(rooms: &Rooms) -> Finding {
    let now = rooms.bus.now();
    let newest = rooms.bus.newest_at();
    judge_clock(now, newest, &lags(rooms))
}

/// By how much each contact's newest message was ahead of this clock when it came.
fn lags(rooms: &Rooms) -> Vec<i64> {
    if rooms.vault.state() != VaultState::Unlocked {
        return Vec::new();
    }
    let mut conversations = rooms.conversations.list().unwrap_or_default();
    conversations.sort_by_key(|one| std::cmp::Reverse(one.last_at));
    let newest = conversations.iter().take(CLOCK_CONVERSATIONS);
    let messages = newest
        .filter_map(|one| one.last_message)
        .filter_map(|id| rooms.messages.get(id).ok());
    messages
        .filter(|message| message.direction == Direction::Incoming)
        .map(|message| {
            message
                .hlc
                .timestamp()
                .0
                .saturating_sub(message.stored_at.0)
        })
        .collect()
}

fn judge_clock(now: Timestamp, newest: Option<Timestamp>, lags: &[i64]) -> Finding {
    let bad = |text: String| Finding::new("clock", Level::Warning, text);
    if now.0 < CLOCK_LEAST_MS {
        let text = "this machine's clock stands in the past: set it, `timedatectl` tells how; \
                    until then expiry and invites do not work";
        return Finding::new("clock", Level::Error, text);
    }
    let back = newest.map_or(0, |newest| newest.0.saturating_sub(now.0));
    if back > CLOCK_TOLERANCE_MS {
        return bad(format!(
            "the clock went back: the newest event was written {} minutes from now; `timedatectl` \
             says whether it is set from the network",
            back / 60_000
        ));
    }
    let ahead: Vec<i64> = lags
        .iter()
        .copied()
        .filter(|lag| *lag > CLOCK_TOLERANCE_MS)
        .collect();
    // One contact's clock may be wrong; not most of them.
    if let Some(least) = ahead.iter().min()
        && ahead.len() * 2 > lags.len()
    {
        return bad(format!(
            "the newest messages of {} of {} contacts were written {} minutes or more after they \
             came: this clock is slow, or theirs are fast; check with `timedatectl`",
            ahead.len(),
            lags.len(),
            least / 60_000
        ));
    }
    let text = match lags.len() {
        0 => "nothing speaks against it".to_owned(),
        count => format!("agrees with the newest messages of {count} contacts"),
    };
    Finding::new("clock", Level::Ok, text)
}

fn socket(path: &Path) -> Finding {
    use rustix::fs::{CWD, Mode, StatxFlags, statx};
    let found = statx(
        CWD,
        path,
        rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
        StatxFlags::BASIC_STATS,
    );
    let (level, text) = match found {
        Err(_) => (
            Level::Warning,
            "nothing is where clients look for the socket: restart the daemon, or tell clients \
             with `--socket` where it is",
        ),
        Ok(found) => {
            let raw = u32::from(found.stx_mode);
            let others = Mode::from_raw_mode(raw).intersects(Mode::RWXG | Mode::RWXO);
            let ours = found.stx_uid == rustix::process::geteuid().as_raw();
            match FileType::from_raw_mode(raw) {
                FileType::Socket if ours && !others => (Level::Ok, "there, and closed to others"),
                FileType::Socket => (
                    Level::Warning,
                    "its file is open to others: `chmod 600` it; they are refused all the same",
                ),
                _ => (
                    Level::Error,
                    "something else is where clients look for it: move that away and restart the \
                     daemon",
                ),
            }
        }
    };
    Finding::new("socket", level, text)
}

fn unit(name: Option<&str>) -> Finding {
    match name {
        Some(name) => {
            let text = format!("runs as the systemd unit {name}");
            Finding::new("unit", Level::Ok, text)
        }
        None => {
            let text = "was not started by systemd, so nothing starts it again: `systemctl --user \
                        enable --now msgd.socket msgd.service`";
            Finding::new("unit", Level::Warning, text)
        }
    }
}

async fn disk(rooms: &Rooms) -> Finding {
    let bus = rooms.bus.clone();
    let disk = tokio::task::spawn_blocking(move || bus.disk()).await;
    match disk {
        Ok(Ok(disk)) => judge_disk(disk.free_bytes, disk.reserve_bytes),
        Ok(Err(error)) => Finding::new("disk", Level::Error, crate::base::chain(&error)),
        Err(_) => Finding::new("disk", Level::Error, "the check itself failed"),
    }
}

fn judge_disk(free: u64, reserve: u64) -> Finding {
    let (free_mib, reserve_mib) = (free >> 20, reserve >> 20);
    let (level, text) = if free < reserve {
        (
            Level::Error,
            format!(
                "{free_mib} MiB free, and {reserve_mib} MiB are kept free: nothing new is taken \
                 in or sent until there is room"
            ),
        )
    } else if free < reserve.saturating_mul(4) {
        (
            Level::Warning,
            format!(
                "{free_mib} MiB free; below {reserve_mib} MiB nothing new is taken in or sent: \
                 make room"
            ),
        )
    } else {
        let text = format!("{free_mib} MiB free, of which {reserve_mib} MiB are never used");
        (Level::Ok, text)
    };
    Finding::new("disk", level, text)
}

async fn store(rooms: &Rooms) -> Finding {
    let bus = rooms.bus.clone();
    let store = tokio::task::spawn_blocking(move || bus.check_store()).await;
    let (level, text) = match store {
        Ok(Ok((records, 0))) => (Level::Ok, format!("{records} records open")),
        Ok(Ok((records, damaged))) => (
            Level::Error,
            format!(
                "{damaged} of {records} records do not open: keep a copy of the data folder and \
                 restore a backup"
            ),
        ),
        Ok(Err(error)) => (Level::Error, crate::base::chain(&error)),
        Err(_) => (Level::Error, "the check itself failed".to_owned()),
    };
    Finding::new("store", level, text)
}

#[cfg(test)]
mod tests;
