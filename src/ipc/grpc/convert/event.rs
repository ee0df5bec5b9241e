//! Events and those who read them.

use super::{delivery_state, invalid, vault_state};
use crate::{
    ipc::grpc::proto::v1::{self, event::Kind, subscribe_request, subscribe_response},
    model::{Event, EventKind, EventType, Timestamp},
    service::{Consumer, EventItem, Result, Since, Subscribe},
};

pub(in crate::ipc::grpc) fn subscribe(request: v1::SubscribeRequest) -> Result<Subscribe> {
    use subscribe_request::Since as Asked;
    Ok(Subscribe {
        since: match request.since {
            None | Some(Asked::Now(_)) => Since::Now,
            Some(Asked::SinceSeq(seq)) => Since::Seq(seq),
            Some(Asked::SinceTimeMs(ms)) => Since::Time(Timestamp(ms)),
            Some(Asked::Consumer(name)) => Since::Consumer(name),
        },
        types: request
            .types
            .into_iter()
            .map(event_type)
            .collect::<Result<_>>()?,
        follow: request.follow,
    })
}

fn event_type(number: i32) -> Result<EventType> {
    Ok(match v1::EventType::try_from(number) {
        Ok(v1::EventType::Message) => EventType::Message,
        Ok(v1::EventType::Receipt) => EventType::Receipt,
        Ok(v1::EventType::Unread) => EventType::Unread,
        Ok(v1::EventType::Contact) => EventType::Contact,
        Ok(v1::EventType::Presence) => EventType::Presence,
        Ok(v1::EventType::Request) => EventType::Request,
        Ok(v1::EventType::Invite) => EventType::Invite,
        Ok(v1::EventType::Identity) => EventType::Identity,
        Ok(v1::EventType::Vault) => EventType::Vault,
        Ok(v1::EventType::Unspecified) | Err(_) => {
            return Err(invalid("types", "this daemon knows no such type of event"));
        }
    })
}

pub(in crate::ipc::grpc) fn item(item: EventItem) -> v1::SubscribeResponse {
    let item = match item {
        EventItem::Event(happened) => subscribe_response::Item::Event(event(&happened)),
        EventItem::Lagged { missed } => subscribe_response::Item::Lagged(v1::Lagged { missed }),
    };
    v1::SubscribeResponse { item: Some(item) }
}

fn event(event: &Event) -> v1::Event {
    v1::Event {
        seq: event.seq,
        recorded_at_ms: event.at.0,
        kind: Some(kind(event.kind)),
    }
}

fn kind(kind: EventKind) -> Kind {
    match kind {
        EventKind::MessageReceived {
            conversation,
            message,
        } => Kind::MessageReceived(v1::MessageReceived {
            conversation: conversation.to_string(),
            message: message.to_string(),
        }),
        EventKind::MessageQueued {
            conversation,
            message,
        } => Kind::MessageQueued(v1::MessageQueued {
            conversation: conversation.to_string(),
            message: message.to_string(),
        }),
        EventKind::MessageState {
            conversation,
            message,
            state,
        } => Kind::MessageStateChanged(v1::MessageStateChanged {
            conversation: conversation.to_string(),
            message: message.to_string(),
            state: delivery_state(state).into(),
        }),
        EventKind::UnreadChanged {
            conversation,
            unread,
        } => Kind::UnreadChanged(v1::UnreadChanged {
            conversation: conversation.to_string(),
            unread,
        }),
        EventKind::ContactAdded { contact } => Kind::ContactAdded(v1::ContactAdded {
            contact: contact.to_string(),
        }),
        EventKind::ContactChanged { contact } => Kind::ContactChanged(v1::ContactChanged {
            contact: contact.to_string(),
        }),
        EventKind::PresenceChanged { contact, connected } => {
            Kind::PresenceChanged(v1::PresenceChanged {
                contact: contact.to_string(),
                connected,
            })
        }
        EventKind::RequestChanged { request } => Kind::RequestChanged(v1::RequestChanged {
            request: request.to_string(),
        }),
        EventKind::InviteChanged { invite } => Kind::InviteChanged(v1::InviteChanged {
            invite: invite.to_string(),
        }),
        EventKind::IdentityChanged { identity } => Kind::IdentityChanged(v1::IdentityChanged {
            identity: identity.to_string(),
        }),
        EventKind::VaultChanged { state } => Kind::VaultChanged(v1::VaultChanged {
            state: vault_state(state).into(),
        }),
        EventKind::Gap { from, to } => Kind::Gap(v1::Gap {
            from_seq: from,
            to_seq: to,
        }),
    }
}

pub(in crate::ipc::grpc) fn consumer(consumer: Consumer) -> v1::Consumer {
    v1::Consumer {
        name: consumer.name,
        acknowledged: consumer.acknowledged,
        acknowledged_at_ms: consumer.at.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ErrorCode;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        #[test]
        fn any_number_is_a_type_or_refused(number: i32) {
            if let Err(error) = event_type(number) {
                prop_assert_eq!(error.code, ErrorCode::InvalidArgument);
            }
        }
    }

    #[test]
    fn every_type_of_the_contract_but_the_unspecified_is_known() {
        let known: HashSet<_> = (1..=9).map(|n| event_type(n).expect("a type")).collect();
        assert_eq!(known.len(), 9);
        assert!(event_type(0).is_err());
        assert!(event_type(10).is_err());
    }

    #[test]
    fn nothing_said_means_from_now_on() {
        let asked = subscribe(v1::SubscribeRequest::default()).expect("valid");
        assert_eq!(asked.since, Since::Now);
        assert!(!asked.follow);
    }
}
