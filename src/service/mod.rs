//! The one API that both doors call: checks, selectors, idempotency, and nothing else.
//!
//! One file a room. Names are those of `msgctl`, of gRPC and of D-Bus.
//!
//! # Decisions
//! - Things are named by a [`Selector`]: a whole id, a unique prefix of one (at least four
//!   digits), or, for people, a name. Several fits are an error that lists them.

mod contacts;
mod conversations;
mod daemon;
mod error;
mod events;
mod identities;
mod invites;
mod messages;
mod outbox;
mod requests;
mod vault;

pub use contacts::AddContact;
pub use daemon::{Finding, Level, Status};
pub use error::{Result, ServiceError};
pub use events::{Consumer, EventItem, EventStream, Since, Subscribe};
pub use invites::{CreateInvite, CreatedInvite};
pub use messages::{MessageWhy, SendMessage};
pub use vault::{NewSlot, Passphrase, Slot};

/// A name, an alias, an id or a unique prefix of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector(pub String);

/// A client's key that makes a repeated call have its effect once. Empty: none.
///
/// Remembered for 24 hours at least. The same key with another request is refused with
/// [`ErrorCode::Conflict`](crate::model::ErrorCode::Conflict).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdempotencyKey(pub String);

/// The API. Cheap to clone.
#[derive(Clone)]
pub struct Service {}
