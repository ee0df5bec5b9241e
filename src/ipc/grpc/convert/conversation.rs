//! Conversations.

use super::id_if_any;
use crate::{ipc::grpc::proto::v1, model::Conversation};

pub(in crate::ipc::grpc) fn conversation(conversation: Conversation) -> v1::Conversation {
    v1::Conversation {
        id: conversation.id.to_string(),
        identity: conversation.identity.to_string(),
        contact: conversation.contact.to_string(),
        unread: conversation.unread,
        message_count: conversation.message_count,
        last_message: id_if_any(conversation.last_message),
        last_at_ms: conversation.last_at.map(|at| at.0),
        title: conversation.title,
    }
}
