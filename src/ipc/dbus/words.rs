//! The words for states and kinds, as clients read and write them.

use super::error::{Error, Result};
use crate::{
    model::{
        AddressScope, ContactState, ContactVerification, DeliveryState, DhtState, Direction,
        EventKind, EventType, FailureReason, InviteState, LanState, RequestState, SlotKind,
        VaultState,
    },
    service::Level,
};

pub(super) const fn vault_state(state: VaultState) -> &'static str {
    match state {
        VaultState::Missing => "missing",
        VaultState::Sealed => "sealed",
        VaultState::Locked => "locked",
        VaultState::Unlocked => "unlocked",
    }
}

pub(super) const fn address_scope(scope: AddressScope) -> &'static str {
    match scope {
        AddressScope::Loopback => "loopback",
        AddressScope::Local => "local",
        AddressScope::Global => "global",
    }
}

pub(super) const fn lan_state(state: LanState) -> &'static str {
    match state {
        LanState::On => "on",
        LanState::Off => "off",
        LanState::Metered => "metered",
        LanState::NoNetwork => "no-network",
    }
}

pub(super) const fn dht_state(state: DhtState) -> &'static str {
    match state {
        DhtState::Off => "off",
        DhtState::Hidden => "hidden",
        DhtState::Idle => "idle",
        DhtState::Running => "running",
    }
}

pub(super) const fn contact_state(state: ContactState) -> &'static str {
    match state {
        ContactState::Active => "active",
        ContactState::Blocked => "blocked",
        ContactState::Former => "former",
    }
}

pub(super) const fn verification(verification: ContactVerification) -> &'static str {
    match verification {
        ContactVerification::Link => "link",
        ContactVerification::Verified => "verified",
    }
}

pub(super) const fn request_state(state: RequestState) -> &'static str {
    match state {
        RequestState::Pending => "pending",
        RequestState::Sent => "sent",
        RequestState::Accepted => "accepted",
        RequestState::Declined => "declined",
        RequestState::Expired => "expired",
        RequestState::Frozen => "frozen",
    }
}

pub(super) const fn invite_state(state: InviteState) -> &'static str {
    match state {
        InviteState::Open => "open",
        InviteState::Used => "used",
        InviteState::Revoked => "revoked",
        InviteState::Expired => "expired",
        InviteState::Compromised => "compromised",
    }
}

pub(super) const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Incoming => "incoming",
        Direction::Outgoing => "outgoing",
    }
}

/// States a caller can wait for.
const AWAITED: [DeliveryState; 4] = [
    DeliveryState::Sending,
    DeliveryState::Stored,
    DeliveryState::Delivered,
    DeliveryState::Read,
];

pub(super) fn parse_awaited(word: &str) -> Result<DeliveryState> {
    AWAITED
        .into_iter()
        .find(|state| state.word() == word)
        .ok_or_else(|| {
            let words = AWAITED.map(DeliveryState::word).join(", ");
            Error::invalid(format!(
                "Nobody can wait for {word:?}; choose one of: {words}."
            ))
        })
}

pub(super) const fn failure(reason: FailureReason) -> &'static str {
    match reason {
        FailureReason::NoAddress => "no-address",
        FailureReason::Unreachable => "unreachable",
        FailureReason::NotThem => "not-them",
        FailureReason::LinkLost => "link-lost",
        FailureReason::NoAnswer => "no-answer",
        FailureReason::CannotOpen => "cannot-open",
        FailureReason::Blocked => "blocked",
        FailureReason::Cancelled => "cancelled",
        FailureReason::Expired => "expired",
        FailureReason::MailboxRefused => "mailbox-refused",
    }
}

pub(super) const fn slot_kind(kind: SlotKind) -> &'static str {
    match kind {
        SlotKind::Passphrase => "passphrase",
        SlotKind::File => "file",
    }
}

pub(super) const fn level(level: Level) -> &'static str {
    match level {
        Level::Ok => "ok",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

pub(super) fn parse_event_type(word: &str) -> Result<EventType> {
    EventType::ALL
        .into_iter()
        .find(|kind| kind.word() == word)
        .ok_or_else(|| {
            let words = EventType::ALL.map(EventType::word).join(", ");
            Error::invalid(format!(
                "There is no event type {word:?}; there are: {words}."
            ))
        })
}

/// What happened, in the words that signals use as their names.
pub(super) const fn event_kind(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::MessageReceived { .. } => "MessageReceived",
        EventKind::MessageQueued { .. } => "MessageQueued",
        EventKind::MessageState { .. } => "MessageState",
        EventKind::UnreadChanged { .. } => "UnreadChanged",
        EventKind::ContactAdded { .. } => "ContactAdded",
        EventKind::ContactChanged { .. } => "ContactChanged",
        EventKind::PresenceChanged { .. } => "PresenceChanged",
        EventKind::RequestChanged { .. } => "RequestChanged",
        EventKind::InviteChanged { .. } => "InviteChanged",
        EventKind::IdentityChanged { .. } => "IdentityChanged",
        EventKind::VaultChanged { .. } => "VaultChanged",
        EventKind::Gap { .. } => "Gap",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_as_it_is_written() {
        for kind in EventType::ALL {
            assert_eq!(parse_event_type(kind.word()), Ok(kind));
        }
        for state in AWAITED {
            assert_eq!(parse_awaited(state.word()), Ok(state));
        }
        assert!(parse_event_type("Message").is_err());
        assert!(parse_awaited("failed").is_err());
    }
}
