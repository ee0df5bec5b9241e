//! Contacts and contact requests.

use super::{id_if_any, message::failure};
use crate::{
    ipc::grpc::proto::v1,
    model::{
        Contact, ContactState, ContactVerification, Direction, Fingerprint, Presence, Request,
        RequestState,
    },
};

pub(in crate::ipc::grpc) fn contact(contact: Contact) -> v1::Contact {
    v1::Contact {
        id: contact.id.to_string(),
        identity: contact.identity.to_string(),
        conversation: contact.conversation.to_string(),
        fingerprint: contact.fingerprint.to_string(),
        state: match contact.state {
            ContactState::Active => v1::ContactState::Active,
            ContactState::Blocked => v1::ContactState::Blocked,
            ContactState::Former => v1::ContactState::Former,
        }
        .into(),
        verification: match contact.verification {
            ContactVerification::Link => v1::ContactVerification::Link,
            ContactVerification::Verified => v1::ContactVerification::Verified,
        }
        .into(),
        presence: match contact.presence {
            Presence::Unknown => v1::Presence::Unknown,
            Presence::Connected => v1::Presence::Connected,
        }
        .into(),
        created_at_ms: contact.created_at.0,
        name: contact.name,
        alias: contact.alias,
    }
}

pub(in crate::ipc::grpc) fn request(request: Request) -> v1::ContactRequest {
    // The model writes an unknown fingerprint as zero, the contract as nothing.
    let known = Some(request.fingerprint).filter(|known| *known != Fingerprint([0; 32]));
    v1::ContactRequest {
        id: request.id.to_string(),
        identity: request.identity.to_string(),
        direction: direction(request.direction).into(),
        invite: id_if_any(request.invite),
        fingerprint: id_if_any(known),
        state: match request.state {
            RequestState::Pending => v1::RequestState::Pending,
            RequestState::Sent => v1::RequestState::Sent,
            RequestState::Accepted => v1::RequestState::Accepted,
            RequestState::Declined => v1::RequestState::Declined,
            RequestState::Expired => v1::RequestState::Expired,
            RequestState::Frozen => v1::RequestState::Frozen,
        }
        .into(),
        contact: id_if_any(request.contact),
        created_at_ms: request.created_at.0,
        expires_at_ms: request.expires_at.0,
        failure: failure(request.failure).into(),
        name: request.name,
        greeting: request.greeting,
    }
}

pub(super) const fn direction(direction: Direction) -> v1::Direction {
    match direction {
        Direction::Incoming => v1::Direction::Incoming,
        Direction::Outgoing => v1::Direction::Outgoing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContactId, IdentityId, InviteId, RequestId, Timestamp};
    use proptest::prelude::*;

    fn incoming(id: [u8; 16], fingerprint: [u8; 32], invite: Option<[u8; 16]>) -> Request {
        Request {
            id: RequestId(id),
            identity: IdentityId(id),
            direction: Direction::Incoming,
            invite: invite.map(InviteId),
            name: "Bob".into(),
            greeting: "hello".into(),
            fingerprint: Fingerprint(fingerprint),
            state: RequestState::Pending,
            contact: None,
            created_at: Timestamp(5),
            expires_at: Timestamp(6),
            failure: None,
        }
    }

    proptest! {
        #[test]
        fn ids_are_told_so_that_they_can_be_used(
            id: [u8; 16], fingerprint: [u8; 32], invite: Option<[u8; 16]>,
        ) {
            let told = request(incoming(id, fingerprint, invite));
            prop_assert_eq!(told.id.parse(), Ok(RequestId(id)));
            prop_assert_eq!(told.invite.parse::<InviteId>().ok(), invite.map(InviteId));
            prop_assert_eq!(told.contact.parse::<ContactId>().ok(), None);
        }
    }

    #[test]
    fn an_unknown_fingerprint_is_empty() {
        assert_eq!(request(incoming([1; 16], [0; 32], None)).fingerprint, "");
        assert_eq!(
            request(incoming([1; 16], [7; 32], None)).fingerprint,
            "07".repeat(32)
        );
    }
}
