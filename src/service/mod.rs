//! The one API that both doors call: checks, selectors, idempotency, and nothing else.
//!
//! One file a room. Names are those of `msgctl`, of gRPC and of D-Bus.
//!
//! # Decisions
//! - Things are named by a [`Selector`]: a whole id, a unique prefix of one (at least four
//!   digits), or, for people, a name; its case counts only where it tells two of them apart.
//!   Several fits are an error that lists them.

#![expect(
    clippy::unused_async,
    reason = "every call has one shape, so that the doors need not know which ones wait"
)]

mod contacts;
mod conversations;
mod daemon;
mod doctor;
mod error;
mod events;
mod guard;
mod identities;
mod invites;
mod mailbox;
mod messages;
mod metrics;
mod network;
mod outbox;
mod own_mailboxes;
mod requests;
mod vault;

pub use contacts::AddContact;
pub use daemon::{Finding, Level, Status};
pub use error::{Result, ServiceError};
pub use events::{Consumer, EventItem, EventStream, Since, Subscribe};
pub use invites::{CreateInvite, CreatedInvite};
pub use mailbox::{OfferMailbox, OfferedMailbox};
pub use messages::{MessageWhy, SendMessage};
pub use metrics::{Metric, MetricKind, Sample, Tally, metrics};
pub use own_mailboxes::AcceptMailbox;
pub use vault::{NewSlot, Passphrase, Slot};

use crate::{
    engine::{
        contacts::Contacts,
        conversations::Conversations,
        discovery::Discovery,
        event_bus::EventBus,
        identities::Identities,
        mailbox::{Mailboxes, host::MailboxHost},
        messages::Messages,
        outbox::Outbox,
        vault::Vault,
    },
    model::{ErrorCode, Timestamp, VaultState},
};
use std::{path::PathBuf, sync::Arc};

/// A name, an alias, an id or a unique prefix of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector(pub String);

/// A client's key that makes a repeated call have its effect once. Empty: none.
///
/// Remembered for 24 hours at least. The same key with another request is refused with
/// [`ErrorCode::Conflict`](crate::model::ErrorCode::Conflict).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdempotencyKey(pub String);

/// What the service stands on.
pub struct Rooms {
    /// Version of the daemon's program, profile, start.
    pub about: About,
    /// Numbers what happens.
    pub bus: EventBus,
    /// Whether data can be read.
    pub vault: Vault,
    /// Own identities.
    pub identities: Identities,
    /// People.
    pub contacts: Contacts,
    /// Conversations.
    pub conversations: Conversations,
    /// Messages.
    pub messages: Messages,
    /// What is on its way.
    pub outbox: Outbox,
    /// Mailboxes that others keep for us.
    pub mailboxes: Mailboxes,
    /// Whom to look for.
    pub discovery: Discovery,
    /// Mailboxes hosted for others.
    pub mailbox_host: MailboxHost,
    /// What was counted of the log.
    pub tally: Tally,
    /// Begins the ordered stop.
    pub stop: Box<dyn Fn() + Send + Sync>,
}

/// What the daemon knows of itself.
#[derive(Clone, Debug)]
pub struct About {
    /// Which profile it serves.
    pub profile: String,
    /// When it started.
    pub started_at: Timestamp,
    /// Whether it hosts mailboxes and does nothing else.
    pub host_only: bool,
    /// Whether the public directory is on by configuration.
    pub directory_wanted: bool,
    /// Where clients look for the socket.
    pub socket: PathBuf,
    /// The systemd unit that the daemon runs in, if it runs in one.
    pub unit: Option<String>,
}

/// The API. Cheap to clone.
#[derive(Clone)]
pub struct Service(Option<Arc<Rooms>>);

impl Service {
    /// The API over the engine.
    #[must_use]
    pub fn new(rooms: Rooms) -> Self {
        Self(Some(Arc::new(rooms)))
    }

    /// An API behind which there is no engine: every call is refused as unavailable.
    #[must_use]
    pub fn closed() -> Self {
        Self(None)
    }

    fn rooms(&self) -> Result<&Rooms> {
        self.0.as_deref().ok_or_else(|| {
            ServiceError::new(
                ErrorCode::Unavailable,
                "daemon",
                "the daemon is not serving: try again shortly",
            )
        })
    }

    /// The engine, unless the data cannot be read.
    fn open_rooms(&self) -> Result<&Rooms> {
        let rooms = self.rooms()?;
        let what = match rooms.vault.state() {
            VaultState::Unlocked => return Ok(rooms),
            VaultState::Missing => "there is no vault yet: make one with `msgctl vault create`",
            VaultState::Sealed | VaultState::Locked => {
                "the vault is locked: unlock it with `msgctl vault unlock`"
            }
        };
        Err(ServiceError::new(ErrorCode::Locked, "vault", what))
    }
}
