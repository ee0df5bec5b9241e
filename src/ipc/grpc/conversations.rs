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
        let request = request.into_inner();
        let done = self
            .0
            .get_conversation(convert::which(request.conversation))
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
        let request = request.into_inner();
        let done = self
            .0
            .list_conversations(
                request.unread_only,
                convert::page(request.page_size, request.page_token),
            )
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
        let request = request.into_inner();
        let done = self
            .0
            .mark_read(
                convert::which(request.conversation),
                convert::which_if_any(request.up_to),
                convert::key(request.idempotency_key),
            )
            .await
            .map_err(refuse)?;
        answer(v1::MarkReadResponse {
            conversation: Some(convert::conversation(done)),
        })
    }
}
