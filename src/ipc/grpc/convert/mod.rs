//! Words of the service into words of the contract, and requests back. One file a noun.

mod contact;
mod conversation;
mod daemon;
mod event;
mod identity;
mod invite;
mod mailbox;
mod message;
mod network;
mod page;
mod vault;

pub(super) use contact::{contact, request};
pub(super) use conversation::conversation;
pub(super) use daemon::{finding, status};
pub(super) use event::{consumer, item, subscribe};
pub(super) use identity::identity;
pub(super) use invite::{create_invite, invite};
pub(super) use mailbox::{hosted_mailbox, mailbox_host_status, offer_mailbox, own_mailbox};
pub(super) use message::{attempt, delivery_state, delivery_state_from, message, outbox_entry};
pub(super) use network::network;
pub(super) use page::{page, slot_page};
pub(super) use vault::{new_slot, slot, vault_state};

use crate::{
    model::ErrorCode,
    service::{IdempotencyKey, Result, Selector, ServiceError},
};
use std::net::SocketAddr;

/// A thing that must be named.
pub(super) fn which(text: String) -> Selector {
    Selector(text)
}

/// A thing that may be named.
pub(super) fn which_if_any(text: String) -> Option<Selector> {
    (!text.is_empty()).then_some(Selector(text))
}

pub(super) fn key(text: String) -> IdempotencyKey {
    IdempotencyKey(text)
}

/// An address of this daemon, as the user names it.
fn address(text: &str) -> Result<SocketAddr> {
    text.parse().map_err(|_| {
        let say = "write each address as 192.0.2.1:4500 or [2001:db8::1]:4500; names do not work";
        invalid("addresses", say)
    })
}

/// An id that may be missing, as the contract writes it.
fn id_if_any(id: Option<impl ToString>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

fn invalid(subject: &'static str, text: impl Into<String>) -> ServiceError {
    ServiceError::new(ErrorCode::InvalidArgument, subject, text)
}
