//! Using mailboxes: leaves parcels at those of contacts who are away, and collects what
//! contacts left at our own.
//!
//! # Decisions
//! - A parcel is left at every mailbox of a contact at once, under tags that have nothing to
//!   do with each other. Waiting with the second until the first has proven useless would
//!   make one silent host cost days.
//! - Custody of a mailbox is shown as `stored` and otherwise believed as little as any: the
//!   rows stay until the contact's signed receipt.
//! - A host that refuses a parcel three times does not get it any more; it is sealed under
//!   another tag a day later, as is what nobody receipts; then after two days, four, eight,
//!   and sixteen.
//! - A mailbox belongs to one identity: contacts of another could else tell by its host that
//!   both are the same person.
//! - Dummies in a registered set follow from the mailbox's secret and so come again each time.
//!   Fresh ones would show what is real, which is what stays.
//! - A tag stays registered while it is valid, whatever comes: contacts may have heard of it.
//!   So contacts share the set, and new tags are made only where there is room; those past
//!   their time leave the set, but what is listed under them is still known. With many
//!   contacts each batch is small, and whoever is written to more than that packs it tighter.
//! - Contacts hear of tags once the host has them, so that no deposit is refused for haste.
//! - A poll asks for everything there is, not for what is new: a cursor would be the host's
//!   word, and what was taken is deleted anyway. Its time is a Poisson process', so the host
//!   learns nothing of what the user does; it begins with one at the start.
//! - One parcel at a time is fetched and taken in, and deleted when that is on disk. Whatever
//!   the host shows instead, twice, late or in another order is known by tag and place.
//! - While locked nothing is collected: parcels wait at the host as well as here. What was
//!   sealed before is still left at contacts' mailboxes.
//! - A receipt alone is left after a time that is exponentially distributed around 20 s, so
//!   that a contact cannot see when we are here; with a message it goes at once.
//! - What is not authentic stays at the host, which may show it whole another time, and is
//!   fetched again, ever more rarely: who has tags could otherwise have us carry whatever they
//!   put there at each poll.
//! - Links to hosts are hung up when all is done: an open one would show who is there.

mod actor;
mod arrange;
mod collect;
mod deposits;
mod error;
mod lanes;
mod poll;
mod register;
mod rising;
mod rows;
mod tags;

pub use error::MailboxError;
pub(crate) use register::Expected;
pub(crate) use rising::{Collected, Event, Rising};
pub(crate) use tags::{
    Announced, is_of, learn, recv_batches, renew, send_batches, write_recv_batches,
    write_send_batches,
};

use crate::{
    base::{Clock, Tasks},
    engine::{contacts::Contacts, event_bus::EventBus, vault::Vault},
    model::{MailboxId, RouteId},
    net::{self, Net},
    wire::TagHash,
};
use actor::Actor;
use rising::Speaker;
use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc;

/// How mailboxes are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The mean time between two polls.
    pub poll: Duration,
    /// The mean time after which a receipt goes without company.
    pub receipt: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(300),
            receipt: Duration::from_secs(20),
        }
    }
}

/// What became of a collected parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// All of it is on disk, or it is worth nothing: it can be deleted.
    Done,
    /// It has to be fetched once more, soon.
    Later,
    /// It is of no use as it is: it stays where it is, whatever it is.
    Left,
}

/// What the actor hears.
#[derive(Debug)]
pub(crate) enum Command {
    /// The routes were read: see what is there to leave at mailboxes.
    Routes,
    Unlocked,
    Locked,
    /// Something was queued for this contact, or there are tags for it now.
    Rows(RouteId),
    /// Parcels for mailboxes of this contact are on disk.
    Deposits(RouteId),
    /// A receipt for what this contact left is owed.
    Receipt(RouteId),
    /// A contact's link came up.
    LinkUp(RouteId),
    /// A contact's link went down.
    LinkDown(RouteId),
    /// A contact was not reached.
    Away(RouteId),
    /// A contact's keys are gone or are others now.
    Forget(RouteId),
    /// A link of ours to a host did something.
    Net(net::Event),
    /// What became of a collected parcel.
    Taken(MailboxId, TagHash, Fate),
    /// The list of our mailboxes is another one.
    Changed,
}

/// The rooms it works with.
#[derive(Clone)]
pub struct Neighbours {
    /// The store, and events.
    pub bus: EventBus,
    /// Whether tags can be read.
    pub vault: Vault,
    /// Whose routes there are.
    pub contacts: Contacts,
    /// To the hosts.
    pub net: Net,
}

#[derive(Default)]
struct Shared {
    /// Routes to hosts.
    routes: Mutex<HashSet<RouteId>>,
    /// Mailboxes whose last poll failed.
    failing: Mutex<BTreeSet<MailboxId>>,
}

impl Shared {
    fn routes(&self) -> MutexGuard<'_, HashSet<RouteId>> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failing(&self) -> MutexGuard<'_, BTreeSet<MailboxId>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says that there is something for contacts' mailboxes.
#[derive(Clone)]
pub struct Bell(mpsc::Sender<Command>);

impl Bell {
    /// Something was queued for a contact, or there are tags for it now.
    pub(crate) async fn on_rows(&self, route: RouteId) {
        // The actor is gone only when the daemon stops.
        let _ = self.0.send(Command::Rows(route)).await;
    }

    /// Parcels for a contact's mailboxes are on disk.
    pub(crate) async fn on_deposits(&self, route: RouteId) {
        let _ = self.0.send(Command::Deposits(route)).await;
    }

    /// One that nobody hears.
    #[cfg(test)]
    pub(crate) fn unheard() -> Self {
        Self(mpsc::channel(1).0)
    }
}

/// The handle; cheap to clone.
#[derive(Clone)]
pub struct Mailboxes {
    rooms: Neighbours,
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
    speaker: Arc<Speaker>,
}

impl Mailboxes {
    /// Starts the actor.
    #[must_use]
    pub(crate) fn spawn(
        rooms: Neighbours,
        settings: Pace,
        clock: Clock,
        tasks: &Tasks,
    ) -> (Self, Rising) {
        let (commands, inbox) = mpsc::channel(256);
        let (speaker, rising) = crate::base::rising();
        let (speaker, shared) = (Arc::new(speaker), Arc::<Shared>::default());
        let actor = Actor::new(
            rooms.clone(),
            settings,
            clock,
            inbox,
            (Arc::clone(&shared), Arc::clone(&speaker)),
        );
        tasks.spawn("mailbox", actor.run(tasks.stop()));
        let handle = Self {
            rooms,
            commands,
            shared,
            speaker,
        };
        (handle, rising)
    }

    pub(crate) async fn tell(&self, command: Command) {
        // The actor is gone only when the daemon stops.
        let _ = self.commands.send(command).await;
    }

    /// Whether `route` leads to a host.
    #[must_use]
    pub fn owns(&self, route: RouteId) -> bool {
        self.shared.routes().contains(&route)
    }

    /// For those who only have to say that there is something.
    #[must_use]
    pub fn bell(&self) -> Bell {
        Bell(self.commands.clone())
    }

    /// Something came by a mailbox, so a receipt is owed.
    pub(crate) async fn on_receipt_owed(&self, route: RouteId) {
        self.tell(Command::Receipt(route)).await;
    }

    /// What became of a collected parcel is on disk.
    pub(crate) async fn on_taken(&self, mailbox: MailboxId, hash: TagHash, fate: Fate) {
        self.tell(Command::Taken(mailbox, hash, fate)).await;
    }
}
