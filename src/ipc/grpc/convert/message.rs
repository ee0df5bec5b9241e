//! Messages and how far they got.

use super::{contact::direction, invalid};
use crate::{
    ipc::grpc::proto::v1,
    model::{Attempt, DeliveryState, FailureReason, Message, OutboxEntry, PathKind},
    service::Result,
};

pub(in crate::ipc::grpc) fn message(message: Message) -> v1::Message {
    v1::Message {
        id: message.id.to_string(),
        conversation: message.conversation.to_string(),
        index: message.index,
        direction: direction(message.direction).into(),
        author_device: message.author_device.to_string(),
        author_seq: message.author_seq,
        written_at_ms: message.hlc.timestamp().0,
        stored_at_ms: message.stored_at.0,
        text: message.text,
        state: delivery_state(message.state).into(),
        delivered_at_ms: message.delivered_at.map(|at| at.0),
    }
}

pub(in crate::ipc::grpc) fn attempt(attempt: Attempt) -> v1::Attempt {
    v1::Attempt {
        started_at_ms: attempt.at.0,
        path: path_kind(attempt.path).into(),
        failure: failure(attempt.failure).into(),
    }
}

pub(super) const fn path_kind(path: PathKind) -> v1::PathKind {
    match path {
        PathKind::Direct => v1::PathKind::Direct,
        PathKind::Lan => v1::PathKind::Lan,
        PathKind::Relay => v1::PathKind::Relay,
        PathKind::Mailbox => v1::PathKind::Mailbox,
        PathKind::Dht => v1::PathKind::Dht,
    }
}

pub(in crate::ipc::grpc) fn outbox_entry(entry: OutboxEntry) -> v1::OutboxEntry {
    v1::OutboxEntry {
        message: entry.message.to_string(),
        conversation: entry.conversation.to_string(),
        contact: entry.contact.to_string(),
        state: delivery_state(entry.state).into(),
        attempts: entry.attempts,
        reason: failure(entry.reason).into(),
        queued_at_ms: entry.queued_at.0,
        next_attempt_at_ms: entry.next_attempt_at.map(|at| at.0),
        expires_at_ms: entry.expires_at.0,
    }
}

pub(in crate::ipc::grpc) const fn delivery_state(state: DeliveryState) -> v1::DeliveryState {
    match state {
        DeliveryState::Queued => v1::DeliveryState::Queued,
        DeliveryState::Sending => v1::DeliveryState::Sending,
        DeliveryState::Stored => v1::DeliveryState::Stored,
        DeliveryState::Delivered => v1::DeliveryState::Delivered,
        DeliveryState::Read => v1::DeliveryState::Read,
        DeliveryState::Failed => v1::DeliveryState::Failed,
        DeliveryState::Expired => v1::DeliveryState::Expired,
        DeliveryState::Cancelled => v1::DeliveryState::Cancelled,
    }
}

pub(in crate::ipc::grpc) fn delivery_state_from(number: i32) -> Result<DeliveryState> {
    Ok(match v1::DeliveryState::try_from(number) {
        Ok(v1::DeliveryState::Queued) => DeliveryState::Queued,
        Ok(v1::DeliveryState::Sending) => DeliveryState::Sending,
        Ok(v1::DeliveryState::Stored) => DeliveryState::Stored,
        Ok(v1::DeliveryState::Delivered) => DeliveryState::Delivered,
        Ok(v1::DeliveryState::Read) => DeliveryState::Read,
        Ok(v1::DeliveryState::Failed) => DeliveryState::Failed,
        Ok(v1::DeliveryState::Expired) => DeliveryState::Expired,
        Ok(v1::DeliveryState::Cancelled) => DeliveryState::Cancelled,
        Ok(v1::DeliveryState::Unspecified) => {
            return Err(invalid("until", "say how far the message shall get"));
        }
        Err(_) => return Err(invalid("until", "this daemon knows no such delivery state")),
    })
}

pub(super) const fn failure(reason: Option<FailureReason>) -> v1::FailureReason {
    match reason {
        None => v1::FailureReason::Unspecified,
        Some(FailureReason::NoAddress) => v1::FailureReason::NoAddress,
        Some(FailureReason::Unreachable) => v1::FailureReason::Unreachable,
        Some(FailureReason::NotThem) => v1::FailureReason::NotThem,
        Some(FailureReason::LinkLost) => v1::FailureReason::LinkLost,
        Some(FailureReason::NoAnswer) => v1::FailureReason::NoAnswer,
        Some(FailureReason::CannotOpen) => v1::FailureReason::CannotOpen,
        Some(FailureReason::Blocked) => v1::FailureReason::Blocked,
        Some(FailureReason::Cancelled) => v1::FailureReason::Cancelled,
        Some(FailureReason::Expired) => v1::FailureReason::Expired,
        Some(FailureReason::MailboxRefused) => v1::FailureReason::MailboxRefused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ErrorCode;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_number_is_a_state_or_refused(number: i32) {
            match delivery_state_from(number) {
                Ok(state) => prop_assert_eq!(i32::from(delivery_state(state)), number),
                Err(error) => prop_assert_eq!(error.code, ErrorCode::InvalidArgument),
            }
        }
    }

    #[test]
    fn every_state_of_the_contract_but_the_unspecified_is_known() {
        for number in 1..=8 {
            let state = delivery_state_from(number).expect("a state");
            assert_eq!(i32::from(delivery_state(state)), number);
        }
        assert!(delivery_state_from(0).is_err());
        assert!(delivery_state_from(9).is_err());
    }
}
