//! Finding people: when to look for whom, by which way, and what comes of it.
//!
//! What is looked for is a route: a contact without a link, or a handshake that waits. What is
//! found are addresses, which go to [`Net::suggest`] and are dialled through the outbox.
//! Needs no keys but the meeting secrets of the routes, so it works while the vault is locked.

mod actor;

use crate::{
    base::{Clock, Tasks},
    engine::{contacts::Contacts, outbox::Outbox},
    model::RouteId,
    net::Net,
};
use actor::Actor;
use tokio::sync::mpsc;

/// What the actor hears. Beside these it watches [`Contacts::watch_meetings`] for routes that
/// come, go or change, and [`Outbox::watch_waiting`] for those that wait for somebody.
#[derive(Debug)]
pub(crate) enum Command {
    /// A link came up.
    LinkUp(RouteId),
    /// A link went down.
    LinkDown(RouteId),
    /// Nobody was reached at any known address.
    DialFailed(RouteId),
    /// The addresses of this machine are others now.
    NetworkChanged,
    /// The machine was asleep.
    Woke,
    /// The user wants everybody looked for now.
    LookAround,
}

/// The rooms that discovery works with.
#[derive(Clone)]
pub(crate) struct Neighbours {
    pub(crate) contacts: Contacts,
    pub(crate) outbox: Outbox,
    pub(crate) net: Net,
}

/// The handle; cheap to clone.
#[derive(Clone)]
pub struct Discovery {
    commands: mpsc::Sender<Command>,
}

impl Discovery {
    /// Starts the actor.
    pub(crate) fn spawn(rooms: Neighbours, clock: Clock, tasks: &Tasks) -> Self {
        let (commands, inbox) = mpsc::channel(256);
        let actor = Actor::new(rooms, clock, inbox);
        tasks.spawn("discovery", actor.run(tasks.stop()));
        Self { commands }
    }

    pub(crate) async fn tell(&self, command: Command) {
        // The actor is gone only when the daemon stops.
        let _ = self.commands.send(command).await;
    }

    /// Looks for everybody without a link now, by every way that is on.
    pub async fn look_around(&self) {
        self.tell(Command::LookAround).await;
    }
}
