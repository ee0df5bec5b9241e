//! Taking in: makes what came durable, then says so, and shows it once and in order.
//!
//! # Decisions
//! - Unlocked, a parcel is opened and applied in one batch, and acknowledged after its flush.
//!   Keeping it raw first would cost a second flush and give nothing: unacknowledged parcels
//!   come again. Locked, it is kept as it came, acknowledged as kept, and opened on unlocking.
//! - A parcel is known by its tag before anything of it is parsed, and authenticated by its
//!   AEAD before OpenPGP or protobuf see a byte.
//! - A text that came before an earlier one of its author waits for it, but for two seconds
//!   at most, counted while a link is up and only once something came over it that its author
//!   sent later than what is missing: after a crash or a new link the sender begins again with
//!   its oldest, so the gap fills, and the order is kept. Without a link ten minutes are enough.
//!   What comes after that is shown when it comes, below what is there: positions in a
//!   conversation never change.
//! - Whatever is not taken in for a reason of ours (no room, a record that cannot be read, a
//!   failed write) ends the link, now or after a growing pause: the sender begins the next one
//!   with its oldest, so nothing waits until tomorrow. Eight parcels in a row under tags that
//!   are nobody's end it too: the sides are out of step, or the sender is up to no good.
//! - While something of a contact is kept, what comes after it is kept behind it, and no
//!   receipt covers anything. Opening is tried again until it succeeds.
//! - A parcel from a mailbox names the direct place of each of its envelopes, which is used up
//!   there: so each counts once, whichever way it came first. Its `Window` is followed as one
//!   from a link is; without it a pair that never meets would get stuck at the first message
//!   that was taken back. While locked, or while something of the contact is kept, nothing is
//!   taken from mailboxes: it waits there as well as here.
//! - What came by a mailbox is receipted by mailbox too, if no link comes first; that it is
//!   owed is on disk.
//! - What cannot be opened is remembered and told in the receipt, so that its sender sees a
//!   failure instead of waiting 30 days.

mod actor;
mod apply;
mod batch;
mod collected;
mod cuts;
mod holdback;
mod kept;
mod open;
mod show;
mod sort;
mod speak;
mod spools;
mod window;

use crate::{
    base::{Clock, Tasks},
    engine::{
        contacts::Contacts,
        event_bus::EventBus,
        identities::Identities,
        mailbox::{Mailboxes, user::Collected},
        messages::Messages,
        vault::Vault,
    },
    model::RouteId,
    net::Net,
};
use actor::Actor;
use tokio::sync::{mpsc, oneshot};

/// What the actor is handed.
#[derive(Debug)]
enum Command {
    Parcel {
        route: RouteId,
        parcel: Vec<u8>,
    },
    Window {
        route: RouteId,
        epoch: u32,
        next: u64,
    },
    /// A parcel from a mailbox of ours.
    Collected(Collected),
    /// A link came up: say what is here, so that lost receipts do no harm.
    LinkUp(RouteId),
    LinkDown(RouteId),
    Unlocked,
    /// Answered once nothing of it is remembered any more.
    Forget(RouteId, oneshot::Sender<()>),
}

/// The rooms that taking in touches.
#[derive(Clone)]
pub struct Neighbours {
    /// Numbers what happens.
    pub bus: EventBus,
    /// Whether parcels can be opened.
    pub vault: Vault,
    /// Own keys.
    pub identities: Identities,
    /// Whose parcels they are.
    pub contacts: Contacts,
    /// Seals receipts.
    pub messages: Messages,
    /// From where parcels come that waited there.
    pub mailboxes: Mailboxes,
    /// Acknowledges custody.
    pub net: Net,
}

/// The handle.
#[derive(Clone)]
pub struct Inbox {
    commands: mpsc::Sender<Command>,
}

impl Inbox {
    /// Starts the actor.
    #[must_use]
    pub fn spawn(rooms: Neighbours, clock: Clock, tasks: &Tasks) -> Self {
        // Few, so that a flood waits in the peer's link and not in our memory.
        let (commands, inbox) = mpsc::channel(32);
        tasks.spawn("inbox", Actor::new(rooms, clock, inbox).run(tasks.stop()));
        Self { commands }
    }

    /// A parcel came from a contact.
    pub async fn take_parcel(&self, route: RouteId, parcel: Vec<u8>) {
        self.tell(Command::Parcel { route, parcel }).await;
    }

    /// A parcel came from a mailbox of ours.
    pub(crate) async fn take_collected(&self, collected: Collected) {
        self.tell(Command::Collected(collected)).await;
    }

    /// A contact says that everything before this place is settled.
    pub async fn move_window(&self, route: RouteId, epoch: u32, next: u64) {
        self.tell(Command::Window { route, epoch, next }).await;
    }

    /// A contact's link came up.
    pub async fn on_link_up(&self, route: RouteId) {
        self.tell(Command::LinkUp(route)).await;
    }

    /// A contact's link went down.
    pub async fn on_link_down(&self, route: RouteId) {
        self.tell(Command::LinkDown(route)).await;
    }

    /// The vault was unlocked: open what was kept.
    pub async fn on_unlock(&self) {
        self.tell(Command::Unlocked).await;
    }

    /// A contact's keys are gone or about to be others. On return everything that came before
    /// is taken in, and nothing of the old keys is remembered.
    pub async fn forget(&self, route: RouteId) {
        let (done, forgotten) = oneshot::channel();
        self.tell(Command::Forget(route, done)).await;
        // An actor that has stopped remembers nothing.
        let _ = forgotten.await;
    }

    async fn tell(&self, command: Command) {
        // The actor is gone only when the daemon stops.
        let _ = self.commands.send(command).await;
    }
}

#[cfg(test)]
mod tests;
