//! One file an object or a root interface; each method is one call of the service.
//!
//! # Decisions
//! - Root interfaces carry the service's own names (`AddContact`); an object's interface
//!   leaves out the noun that it is (`Contact.Rename`), as does `Vault`.
//! - Every method takes `&self`: zbus holds a lock on the object during a call, and a waiting
//!   writer would block every reader behind one slow call.

mod contacts;
mod conversations;
mod daemon;
mod events;
mod identities;
mod invites;
mod mailboxes;
mod messages;
mod network;
mod outbox;
mod requests;
mod vault;

pub(super) use contacts::{ContactObject, Contacts};
pub(super) use conversations::{ConversationObject, Conversations};
pub(super) use daemon::Daemon;
pub(super) use events::Events;
pub(super) use identities::{Identities, IdentityObject};
pub(super) use invites::Invites;
pub(super) use mailboxes::Mailboxes;
pub(super) use messages::Messages;
pub(super) use network::Network;
pub(super) use outbox::Outbox;
pub(super) use requests::{RequestObject, Requests};
pub(super) use vault::Vault;
