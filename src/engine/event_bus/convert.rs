//! Events as the log stores them. Kind numbers are for ever.

use crate::{
    model::{
        ContactId, ConversationId, DeliveryState, Event, EventKind, IdentityId, InviteId,
        MessageId, RequestId, Timestamp, VaultState,
    },
    store::records::EventRecord,
};

pub(super) fn to_record(at: Timestamp, kind: EventKind) -> EventRecord {
    let mut record = EventRecord {
        at: at.0,
        ..EventRecord::default()
    };
    match kind {
        EventKind::MessageReceived {
            conversation,
            message,
        } => {
            (record.kind, record.a, record.b) = (1, conversation.0.to_vec(), message.0.to_vec());
        }
        EventKind::MessageQueued {
            conversation,
            message,
        } => {
            (record.kind, record.a, record.b) = (2, conversation.0.to_vec(), message.0.to_vec());
        }
        EventKind::MessageState {
            conversation,
            message,
            state,
        } => {
            (record.kind, record.a, record.b) = (3, conversation.0.to_vec(), message.0.to_vec());
            record.n = u64::from(state.number());
        }
        EventKind::UnreadChanged {
            conversation,
            unread,
        } => {
            (record.kind, record.a, record.n) = (4, conversation.0.to_vec(), unread);
        }
        EventKind::ContactAdded { contact } => (record.kind, record.a) = (5, contact.0.to_vec()),
        EventKind::ContactChanged { contact } => (record.kind, record.a) = (6, contact.0.to_vec()),
        EventKind::PresenceChanged { contact, connected } => {
            (record.kind, record.a, record.n) = (7, contact.0.to_vec(), u64::from(connected));
        }
        EventKind::RequestChanged { request } => (record.kind, record.a) = (8, request.0.to_vec()),
        EventKind::InviteChanged { invite } => (record.kind, record.a) = (9, invite.0.to_vec()),
        EventKind::IdentityChanged { identity } => {
            (record.kind, record.a) = (10, identity.0.to_vec());
        }
        EventKind::VaultChanged { state } => {
            (record.kind, record.n) = (11, u64::from(vault_number(state)));
        }
        EventKind::Gap { from, to } => (record.kind, record.n, record.m) = (12, from, to),
    }
    record
}

/// The event in `record`; `None` for a kind that a later version wrote.
pub(super) fn from_record(record: &EventRecord) -> Option<Event> {
    let conversation = || ConversationId::from_slice(&record.a);
    let message = || MessageId::from_slice(&record.b);
    let contact = || ContactId::from_slice(&record.a);
    let kind = match record.kind {
        1 => EventKind::MessageReceived {
            conversation: conversation()?,
            message: message()?,
        },
        2 => EventKind::MessageQueued {
            conversation: conversation()?,
            message: message()?,
        },
        3 => EventKind::MessageState {
            conversation: conversation()?,
            message: message()?,
            state: DeliveryState::from_number(u32::try_from(record.n).ok()?)?,
        },
        4 => EventKind::UnreadChanged {
            conversation: conversation()?,
            unread: record.n,
        },
        5 => EventKind::ContactAdded {
            contact: contact()?,
        },
        6 => EventKind::ContactChanged {
            contact: contact()?,
        },
        7 => EventKind::PresenceChanged {
            contact: contact()?,
            connected: record.n != 0,
        },
        8 => EventKind::RequestChanged {
            request: RequestId::from_slice(&record.a)?,
        },
        9 => EventKind::InviteChanged {
            invite: InviteId::from_slice(&record.a)?,
        },
        10 => EventKind::IdentityChanged {
            identity: IdentityId::from_slice(&record.a)?,
        },
        11 => EventKind::VaultChanged {
            state: vault_state(record.n)?,
        },
        12 => EventKind::Gap {
            from: record.n,
            to: record.m,
        },
        _ => return None,
    };
    Some(Event {
        seq: record.seq,
        at: Timestamp(record.at),
        kind,
    })
}

const fn vault_number(state: VaultState) -> u32 {
    match state {
        VaultState::Missing => 1,
        VaultState::Sealed => 2,
        VaultState::Locked => 3,
        VaultState::Unlocked => 4,
    }
}

const fn vault_state(number: u64) -> Option<VaultState> {
    Some(match number {
        1 => VaultState::Missing,
        2 => VaultState::Sealed,
        3 => VaultState::Locked,
        4 => VaultState::Unlocked,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_comes_back_as_it_was_written() {
        let conversation = ConversationId([1; 16]);
        let message = MessageId([2; 32]);
        let contact = ContactId([3; 16]);
        let kinds = [
            EventKind::MessageReceived {
                conversation,
                message,
            },
            EventKind::MessageQueued {
                conversation,
                message,
            },
            EventKind::MessageState {
                conversation,
                message,
                state: DeliveryState::Delivered,
            },
            EventKind::UnreadChanged {
                conversation,
                unread: 7,
            },
            EventKind::ContactAdded { contact },
            EventKind::ContactChanged { contact },
            EventKind::PresenceChanged {
                contact,
                connected: true,
            },
            EventKind::RequestChanged {
                request: RequestId([4; 16]),
            },
            EventKind::InviteChanged {
                invite: InviteId([5; 16]),
            },
            EventKind::IdentityChanged {
                identity: IdentityId([6; 16]),
            },
            EventKind::VaultChanged {
                state: VaultState::Locked,
            },
            EventKind::Gap { from: 1, to: 9 },
        ];
        for kind in kinds {
            assert_eq!(
                from_record(&to_record(Timestamp(5), kind)).unwrap().kind,
                kind
            );
        }
    }

    #[test]
    fn a_kind_of_a_later_version_is_passed_over() {
        assert!(
            from_record(&EventRecord {
                kind: 99,
                ..EventRecord::default()
            })
            .is_none()
        );
    }
}
