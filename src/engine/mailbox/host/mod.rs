//! Keeps parcels for others.
//!
//! An owner links under the owner key, registers hashes of tags, and lists, fetches and deletes
//! what came; depositors link under the deposit key and put. The host knows hashes, sizes and
//! times, and nothing of people.
//!
//! | file | duty |
//! |---|---|
//! | `room`, `shelf` | the mailboxes in memory: who is linked, what is taken, what is held |
//! | `desk` | one transaction for a few frames, and the answers that wait for it |
//! | `offer` | new mailboxes |
//! | `service_time`, `rate` | by what things grow old; who asks too often |
//!
//! # Limits
//! A mailbox holds 64 MiB unless offered with another quota, in parcels of up to 256 KiB, each
//! for 30 days, under up to 4096 free hashes. A host has 64 mailboxes and 1 GiB in all unless
//! configured otherwise. A link may deposit 64 parcels at once and one a second then, a
//! mailbox takes 256 at once and 200 a minute then. Owners keep at most 16 requests
//! unanswered: who does not listen to answers is hung up on.

mod actor;
mod desk;
mod error;
mod offer;
mod rate;
mod room;
mod service_time;
mod shelf;

pub use error::MailboxHostError;

use crate::{
    base::Tasks,
    engine::event_bus::{EventBus, Once},
    model::{HostedMailbox, MailboxHostStatus, MailboxId, RouteId, VaultState},
    net::{LinkKey, Net},
    protocol::MailboxCode,
    wire::{Frame, MailboxFrame},
};
use actor::Actor;
use room::Side;
use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{mpsc, oneshot};

/// Bytes that a mailbox may hold unless its offer says otherwise.
pub const DEFAULT_QUOTA: u64 = 64 << 20;
/// Bytes that all mailboxes of a host may hold unless it is configured otherwise.
pub const DEFAULT_TOTAL: u64 = 1 << 30;

/// What a mailbox shall be.
#[derive(Clone, Debug)]
pub struct NewMailbox {
    /// What we call it.
    pub name: String,
    /// Most bytes of parcels that it may hold.
    pub max_bytes: u64,
    /// Where this daemon is reached.
    pub addresses: Vec<SocketAddr>,
}

type Offered = Result<(HostedMailbox, MailboxCode), MailboxHostError>;

/// What the actor is asked.
enum Command {
    /// The transport tier can be read.
    Opened,
    LinkUp(RouteId, MailboxId, Side),
    LinkDown(RouteId),
    Frame(RouteId, MailboxFrame),
    Offer(NewMailbox, Once, oneshot::Sender<Offered>),
    Revoke(MailboxId, oneshot::Sender<Result<(), MailboxHostError>>),
    List(oneshot::Sender<Result<Vec<HostedMailbox>, MailboxHostError>>),
    Status(oneshot::Sender<Result<MailboxHostStatus, MailboxHostError>>),
}

/// What tells a mailbox's links from all others.
#[derive(Default)]
struct Shared {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    keys: HashMap<[u8; 32], (MailboxId, Side)>,
    links: HashSet<RouteId>,
}

impl Shared {
    fn add_key(&self, key: LinkKey, id: MailboxId, side: Side) {
        self.lock().keys.insert(key.0, (id, side));
    }

    fn remove_keys(&self, id: MailboxId) {
        self.lock().keys.retain(|_, (of, _)| *of != id);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The handle; cheap to clone.
#[derive(Clone)]
pub struct MailboxHost {
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
}

impl MailboxHost {
    /// Starts the actor. All mailboxes together hold at most `max_bytes`.
    #[must_use]
    pub fn spawn(bus: EventBus, net: Net, max_bytes: u64, tasks: &Tasks) -> Self {
        // Few, so that a flood waits in the peers' links and not in our memory.
        let (commands, inbox) = mpsc::channel(32);
        let shared = Arc::new(Shared::default());
        let actor = Actor::new(bus, net, Arc::clone(&shared), inbox, max_bytes);
        tasks.spawn("mailbox-host", actor.run(tasks.stop()));
        Self { commands, shared }
    }

    /// The vault's state is now this.
    pub async fn on_vault(&self, state: VaultState) {
        match state {
            VaultState::Missing | VaultState::Sealed => {}
            VaultState::Locked | VaultState::Unlocked => self.tell(Command::Opened).await,
        }
    }

    /// A link came up; whether it is a mailbox's, and thus ours.
    pub async fn on_link_up(&self, route: RouteId, key: LinkKey) -> bool {
        let found = {
            let mut known = self.shared.lock();
            let found = known.keys.get(&key.0).copied();
            if found.is_some() {
                known.links.insert(route);
            }
            found
        };
        if let Some((id, side)) = found {
            self.tell(Command::LinkUp(route, id, side)).await;
        }
        found.is_some()
    }

    /// A link went down; whether it was ours.
    pub async fn on_link_down(&self, route: RouteId) -> bool {
        let ours = self.shared.lock().links.remove(&route);
        if ours {
            self.tell(Command::LinkDown(route)).await;
        }
        ours
    }

    /// Whether `route` is the link of an owner or a depositor.
    #[must_use]
    pub fn has_link(&self, route: RouteId) -> bool {
        self.shared.lock().links.contains(&route)
    }

    /// A frame came over a link of ours. What is not about mailboxes means nothing there.
    pub async fn on_frame(&self, route: RouteId, frame: Frame) {
        if let Frame::Mailbox(frame) = frame {
            self.tell(Command::Frame(route, frame)).await;
        }
    }

    /// Offers a mailbox: returns it with the code for its owner. Needs the vault open.
    ///
    /// # Errors
    /// A bad name or quota, no address, too many, or what the store says.
    pub async fn offer(&self, new: NewMailbox, once: Once) -> Offered {
        self.ask(|reply| Command::Offer(new, once, reply)).await?
    }

    /// Ends a mailbox, and removes all that waits in it.
    ///
    /// # Errors
    /// No such mailbox, or what the store says.
    pub async fn revoke(&self, id: MailboxId) -> Result<(), MailboxHostError> {
        self.ask(|reply| Command::Revoke(id, reply)).await?
    }

    /// Every mailbox that is hosted here, the oldest first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn list(&self) -> Result<Vec<HostedMailbox>, MailboxHostError> {
        self.ask(Command::List).await?
    }

    /// What is hosted here, all together.
    ///
    /// # Errors
    /// What the store says: it must have been unlocked once since the machine started.
    pub async fn status(&self) -> Result<MailboxHostStatus, MailboxHostError> {
        self.ask(Command::Status).await?
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, MailboxHostError> {
        let (reply, answer) = oneshot::channel();
        self.tell(command(reply)).await;
        answer.await.map_err(|_| MailboxHostError::Stopped)
    }

    async fn tell(&self, command: Command) {
        // The actor is gone only when the daemon stops.
        let _ = self.commands.send(command).await;
    }
}

#[cfg(test)]
mod tests;
