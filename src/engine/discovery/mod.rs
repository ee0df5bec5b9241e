//! Finding people: when to look for whom, by which way, and what comes of it.
//!
//! What is looked for is a route: a contact without a link, or a handshake that waits. What is
//! found are addresses, which go to [`Net::suggest`] and are dialled through the outbox.
//! Needs no keys but the meeting secrets of the routes, so it works while the vault is locked.
//!
//! # Decisions
//! - The local network is asked when there is a cause: a route is new (all are, at the start),
//!   the machine's addresses have changed, it woke up, the user wishes it; and every 5 to 15
//!   minutes for those for whom a message or a handshake waits. With nobody missed not a
//!   packet is sent.
//! - A look is three rounds, for those who are still without a link: packets to everybody are
//!   lost more often than others, and IPv6 addresses take a second or two to become usable.
//! - After a change that took an address away, links are asked whether they live; those that
//!   end soon after are looked for as well, since they hung on the old network.
//! - What is found is dialled at once, whatever the backoff and the limit of dials a second:
//!   whoever replied a moment ago is there.
//! - The directory takes those first for whom something waits, then open invites, then contacts
//!   whom it would be good to be linked to.
//! - The inviter's open invite does not ask: nobody knows yet who will use it. Whoever uses it
//!   asks, and both ask once there is something to hand over.

mod actor;
mod lan;
mod plan;
mod policy;
mod seeker;
#[cfg(test)]
mod tests;
mod view;
mod wide;

use crate::{
    base::{Clock, Tasks},
    engine::{contacts::Contacts, outbox::Outbox},
    model::RouteId,
    net::{Directory, Lan, LanEvent, Net},
};
use actor::Actor;
use tokio::sync::mpsc;
use wide::Wide;

/// What the actor hears. Beside these it watches [`Contacts::watch_meetings`] for routes that
/// come, go or change, [`Outbox::watch_waiting`] for those that wait for somebody, and the
/// network's own news.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Command {
    /// A link came up.
    LinkUp(RouteId),
    /// A link went down.
    LinkDown(RouteId),
    /// Nobody was reached at any known address.
    DialFailed(RouteId),
    /// The addresses listened on are others now.
    NetworkChanged,
    /// The machine was asleep.
    Woke,
    /// The user wants everybody looked for now.
    LookAround,
    /// Whether the network in use is paid by the byte.
    Metered(bool),
}

/// The rooms that discovery works with.
#[derive(Clone)]
pub(crate) struct Neighbours {
    pub(crate) contacts: Contacts,
    pub(crate) outbox: Outbox,
    pub(crate) net: Net,
    /// None: the directory is off, and nothing is ever sent to it.
    pub(crate) directory: Option<Directory>,
}

/// The handle; cheap to clone.
#[derive(Clone)]
pub struct Discovery {
    commands: mpsc::Sender<Command>,
    wide: Option<mpsc::Sender<Command>>,
    seen: view::Seen,
}

impl Discovery {
    /// Starts the actor.
    pub(crate) fn spawn(
        rooms: Neighbours,
        lan: (Lan, mpsc::Receiver<LanEvent>),
        clock: Clock,
        tasks: &Tasks,
    ) -> Self {
        let wide = rooms.directory.clone().map(|directory| {
            let (commands, inbox) = mpsc::channel(256);
            let wide = Wide::new(
                rooms.clone(),
                directory,
                clock.clone(),
                tasks.clone(),
                inbox,
            );
            tasks.spawn("discovery-wide", wide.run(tasks.stop()));
            commands
        });
        let (commands, inbox) = mpsc::channel(256);
        let seen = view::Seen {
            rooms: rooms.clone(),
            lan: lan.0.clone(),
            clock: clock.clone(),
        };
        let actor = Actor::new(rooms, lan, clock, inbox);
        tasks.spawn("discovery", actor.run(tasks.stop()));
        Self {
            commands,
            wide,
            seen,
        }
    }

    pub(crate) async fn tell(&self, command: Command) {
        // The actor is gone only when the daemon stops.
        let _ = self.commands.send(command).await;
        if let Some(wide) = &self.wide {
            let _ = wide.send(command).await;
        }
    }

    /// Looks for everybody without a link now, by every way that is on.
    pub async fn look_around(&self) {
        self.tell(Command::LookAround).await;
    }

    /// The machine was asleep: nothing that was known of the network holds.
    pub async fn woke(&self) {
        self.tell(Command::Woke).await;
    }

    /// Whether the network in use is paid by the byte: the local network is left alone there.
    pub async fn set_metered(&self, metered: bool) {
        self.tell(Command::Metered(metered)).await;
    }
}
