//! The rules of messaging, with effects. Each room may import those listed before it.

pub mod contacts;
pub mod conversations;
pub(crate) mod desktop;
pub mod discovery;
pub mod event_bus;
pub mod identities;
pub mod inbox;
pub mod mailbox;
pub mod messages;
pub mod outbox;
pub mod switchboard;
pub mod vault;
