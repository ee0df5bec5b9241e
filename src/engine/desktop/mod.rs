//! What the machine's own services say: when it goes to sleep and wakes, and whether the network
//! is paid by the byte.
//!
//! | service on the system bus | what is read | what comes of it |
//! |---|---|---|
//! | `org.freedesktop.login1` (systemd-logind) | `PrepareForSleep` | what waits for contacts who are linked gets two seconds; afterwards all are looked for |
//! | `org.freedesktop.NetworkManager` | `Metered` | no queries on the local network while it is `YES` or `GUESS_YES` |
//!
//! Sources: the D-Bus interfaces org.freedesktop.login1(5) and `NMMetered` of the
//! `NetworkManager` API reference.
//!
//! # Decisions
//! - Nothing depends on it: without a system bus, or without these services, the daemon works
//!   as on a machine that never sleeps and never pays. A clock that jumped is noticed anyway.
//! - No service is started by asking: whether it runs is asked of the bus first.
//! - The delay lock is a `delay` lock, never a `block` lock: a laptop whose lid is shut sleeps
//!   after two seconds at most, whatever waits. Whoever has no link is not waited for.
//! - Signals are read by a task that does nothing but ask these services back, and go into a
//!   short queue: a stream of them that is not drained holds up its whole connection.

mod listener;
#[cfg(test)]
mod tests;

use crate::{
    base::{Clock, Tasks, chain},
    engine::{
        contacts::{Contacts, RouteKind},
        discovery::Discovery,
        event_bus::EventBus,
        outbox::Outbox,
    },
    store::outbox,
};
use listener::{Event, Reprieve};
use std::time::Duration;
use tokio::sync::mpsc;

/// The longest that sleep is put off.
const REPRIEVE: Duration = Duration::from_secs(2);
/// How often it is looked whether anything is still under way.
const LOOK: Duration = Duration::from_millis(50);

/// The rooms it works with.
#[derive(Clone)]
pub(crate) struct Neighbours {
    /// The store.
    pub(crate) bus: EventBus,
    /// Whose routes there are.
    pub(crate) contacts: Contacts,
    /// Who is linked.
    pub(crate) outbox: Outbox,
    /// Who is told.
    pub(crate) discovery: Discovery,
}

/// Listens to the system bus, or to the bus at `address`, until the stop.
pub(crate) fn spawn(rooms: Neighbours, address: Option<String>, clock: Clock, tasks: &Tasks) {
    let (events, heard) = mpsc::channel(16);
    tasks.spawn(
        "desktop-bus",
        listener::run(address, events, clock.clone(), tasks.stop()),
    );
    tasks.spawn("desktop", run(rooms, heard, clock, tasks.clone()));
}

async fn run(rooms: Neighbours, mut heard: mpsc::Receiver<Event>, clock: Clock, tasks: Tasks) {
    let stop = tasks.stop();
    loop {
        let event = tokio::select! {
            biased;
            () = stop.draining() => return,
            event = heard.recv() => event,
        };
        match event {
            None => return,
            Some(Event::Sleep(reprieve)) => {
                let (rooms, clock) = (rooms.clone(), clock.clone());
                tasks.detach(async move { hold(reprieve, &clock, || rooms.is_busy()).await });
            }
            Some(Event::Woke) => rooms.discovery.woke().await,
            Some(Event::Metered(metered)) => rooms.discovery.set_metered(metered).await,
        }
    }
}

/// Holds `reprieve` until nothing is under way, for a short time.
async fn hold(reprieve: Reprieve, clock: &Clock, is_busy: impl Fn() -> bool) {
    let mut left = REPRIEVE;
    while !left.is_zero() && is_busy() {
        clock.sleep(LOOK).await;
        left = left.saturating_sub(LOOK);
    }
    drop(reprieve);
}

impl Neighbours {
    /// Whether anything is under way to anybody who is linked.
    fn is_busy(&self) -> bool {
        let read = self.bus.store().read();
        let routes = self.contacts.routes(RouteKind::Contact).into_iter();
        let mut linked = routes.filter(|route| self.outbox.is_linked(*route));
        linked.any(|route| match outbox::head(&read, &route) {
            Ok(head) => head.live > 0,
            Err(error) => {
                tracing::warn!(error = %chain(&error), "cannot see what is under way before sleep");
                false
            }
        })
    }
}
