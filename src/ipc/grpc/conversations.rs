//! Conversations and what was read in them.

use super::{
    Answer, answer, convert,
    proto::v1::{self, conversation_service_server::ConversationService},
    status::refuse,
};
use crate::service::Service;
use tonic::Request;

/// The adaptor.
pub(super) struct Conversations(pub(super) Service);

#[tonic::async_trait]
impl ConversationService for Conversations {
    async fn get_conversation(
        &self,
        request: Request<v1::GetConversationRequest>,
    ) -> Answer<v1::GetConversationResponse> {
        let r = request.into_inner();
        let done = self
            .0
            .get_conversation(convert::which(r.conversation))
            .await
            .map_err(refuse)?;
        answer(v1::GetConversationResponse {
            conversation: Some(convert::conversation(done)),
        })
    }

    async fn list_conversations(
        &self,
        request: Request<v1::ListConversationsRequest>,
    ) -> Answer<v1::ListConversationsResponse> {
        let r = request.into_inner();
        let done = self
            .0
            .list_conversations(r.unread_only, convert::page(r.page_size, r.page_token))
            .await
            .map_err(refuse)?;
        answer(v1::ListConversationsResponse {
            conversations: done.rows.into_iter().map(convert::conversation).collect(),
            next_page_token: done.next,
        })
    }

    async fn mark_read(
        &self,
        request: Request<v1::MarkReadRequest>,
    ) -> Answer<v1::MarkReadResponse> {
        let r = request.into_inner();
        let done = self
            .0
            .mark_read(
                convert::which(r.conversation),
                convert::which_if_any(r.up_to),
                convert::key(r.idempotency_key),
            )
            .await
            .map_err(refuse)?;
        answer(v1::MarkReadResponse {
            conversation: Some(convert::conversation(done)),
        })
    }
}
