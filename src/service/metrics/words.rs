//! Words of labels: each from a closed list.

use crate::model::{DeliveryState, EventType, PathKind, Transport};

pub(super) const TRANSPORTS: [Transport; 2] = [Transport::Quic, Transport::Tcp];

pub(super) const fn transport(over: Transport) -> &'static str {
    match over {
        Transport::Quic => "quic",
        Transport::Tcp => "tcp",
    }
}

pub(super) const fn path(way: PathKind) -> &'static str {
    match way {
        PathKind::Direct => "direct",
        PathKind::Lan => "lan",
        PathKind::Relay => "relay",
        PathKind::Mailbox => "mailbox",
        PathKind::Dht => "dht",
    }
}

/// What messages come to be.
pub(super) const MESSAGES: [&str; 10] = [
    "received",
    "written",
    "queued",
    "sending",
    "stored",
    "delivered",
    "read",
    "failed",
    "expired",
    "cancelled",
];

pub(super) const fn delivery(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Queued => "queued",
        DeliveryState::Sending => "sending",
        DeliveryState::Stored => "stored",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Read => "read",
        DeliveryState::Failed => "failed",
        DeliveryState::Expired => "expired",
        DeliveryState::Cancelled => "cancelled",
    }
}

pub(super) const EVENTS: [EventType; 9] = [
    EventType::Message,
    EventType::Receipt,
    EventType::Unread,
    EventType::Contact,
    EventType::Presence,
    EventType::Request,
    EventType::Invite,
    EventType::Identity,
    EventType::Vault,
];

pub(super) const fn event(kind: EventType) -> &'static str {
    match kind {
        EventType::Message => "message",
        EventType::Receipt => "receipt",
        EventType::Unread => "unread",
        EventType::Contact => "contact",
        EventType::Presence => "presence",
        EventType::Request => "request",
        EventType::Invite => "invite",
        EventType::Identity => "identity",
        EventType::Vault => "vault",
    }
}
