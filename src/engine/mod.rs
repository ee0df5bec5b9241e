//! The rules of messaging, with effects. Each room may import those listed before it.

pub mod event_bus;
pub mod vault;
pub mod identities;
pub mod contacts;
pub mod conversations;
pub mod outbox;
pub mod messages;
pub mod inbox;
pub mod switchboard;
