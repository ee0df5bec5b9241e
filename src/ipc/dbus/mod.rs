//! The D-Bus door: the daemon as objects with typed properties, for desktops and shells.
//!
//! | object | interfaces `org.msgd.Msgd1.*` |
//! |---|---|
//! | `/org/msgd/Msgd1` | `Daemon`, `Vault`, `Identities`, `Invites`, `Requests`, `Contacts`, `Conversations`, `Messages`, `Outbox`, `Mailboxes`, `Network`, `Events`, and the standard `ObjectManager` |
//! | `…/identity/<id>` | `Identity` |
//! | `…/contact/<id>` | `Contact` |
//! | `…/conversation/<id>` | `Conversation` |
//! | `…/request/<id>` | `Request`, while it is not decided |
//!
//! # Decisions
//! - The door is optional: without a session bus (ssh, cron, a container) the daemon says so
//!   once and goes on; gRPC is the door that is always there.
//! - Signals may be missed and may be overheard by the same user's bus monitor: they carry ids,
//!   states and counters, never names, texts or fingerprints, and the event log has it all.
//!   Properties with such values are announced by name and read on request.
//! - While the vault is not unlocked only the root object is there.
//! - Every method, reply and signal ends in `a{sv}`, so that none ever needs a second version.
//! - A call runs to its end though its client or the bus goes in the middle: zbus gives each a
//!   task of its own, and a test holds it to that.
//! - A property is read from the service each time; only `PropertiesChanged` is gathered, to at
//!   most ten a second an object.

mod docs;
mod error;
mod mirror;
mod names;
mod network;
mod objects;
mod options;
mod pending;
mod rows;
mod served;
mod session;
mod shelf;
mod signals;
#[cfg(test)]
mod tests;
mod words;

pub use names::{BUS_NAME, ROOT, bus_name};

use crate::{
    base::{Backoff, Clock, Stop, chain},
    service::Service,
};
use session::Session;
use std::time::Duration;
use tracing::{debug, info, warn};

/// Waits between tries: a bus that appears with the desktop is found within a minute.
const RETRY: Backoff = Backoff {
    first: Duration::from_secs(1),
    cap: Duration::from_secs(60),
};
/// A connection that lasted this long was a good one: the waits begin anew.
const GOOD: Duration = Duration::from_secs(60);
/// How long the last replies may take when the daemon stops.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Where the door is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The profile that is served; gives the bus name.
    pub profile: String,
    /// The bus to use instead of the user's session bus, such as `unix:path=/run/…`.
    pub address: Option<String>,
}

/// Serves D-Bus clients until `stop` says closing. No bus, or one that goes away, is one line in
/// the log and a retry.
pub async fn run(service: Service, clock: Clock, stop: Stop, settings: Settings) {
    let name = bus_name(&settings.profile);
    let (mut tries, mut told) = (0, false);
    while !stop.is_closing() {
        let opened = tokio::select! {
            biased;
            () = stop.closing() => return,
            opened = session::open(&service, settings.address.as_deref()) => opened,
        };
        let began = clock.steady_ms();
        let ended = match opened {
            Ok(connection) => {
                let session = Session::new(&connection, &service, &clock);
                tokio::select! {
                    biased;
                    () = stop.closing() => return last_words(connection, &name, &clock).await,
                    ended = session.serve(&name) => ended,
                }
            }
            Err(error) => Err(error),
        };
        let lasted = Duration::from_millis(clock.steady_ms().saturating_sub(began));
        if lasted >= GOOD {
            (tries, told) = (0, false);
        }
        report(ended, &name, &mut told);
        // There is one of us on a bus: nobody to keep out of step with, so no jitter.
        let wait = RETRY.wait(tries, u64::MAX);
        tries = tries.saturating_add(1);
        tokio::select! {
            biased;
            () = stop.closing() => return,
            () = clock.sleep(wait) => {}
        }
    }
}

/// One line for a person, however often it is tried.
fn report(ended: zbus::Result<()>, name: &str, told: &mut bool) {
    match ended {
        Ok(()) => info!(
            name,
            "the session bus is gone; D-Bus clients wait for the next one"
        ),
        Err(error) if *told => debug!(name, error = chain(&error), "still not on the session bus"),
        Err(error) => {
            *told = true;
            warn!(
                name,
                error = chain(&error),
                "not on the session bus, so D-Bus clients cannot reach this daemon; trying again \
                 from time to time"
            );
        }
    }
}

/// Gives the name up, so that no new call arrives, and lets those under way be answered: one of
/// them may be the call that stops the daemon.
async fn last_words(connection: zbus::Connection, name: &str, clock: &Clock) {
    let farewell = async {
        if let Err(error) = connection.release_name(name).await {
            debug!(error = chain(&error), "the bus name was not given up");
        }
        connection.graceful_shutdown().await;
    };
    tokio::select! {
        () = farewell => {}
        () = clock.sleep(LAST_WORDS) => debug!("a D-Bus call was cut off by the stop"),
    }
}
