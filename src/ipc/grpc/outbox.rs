//! Messages that are on their way.

use super::{
    Answer, answer, convert,
    proto::v1::{self, outbox_service_server::OutboxService},
    status::refuse,
};
use crate::service::Service;
use tonic::Request;

/// The adaptor.
pub(super) struct Outbox(pub(super) Service);

#[tonic::async_trait]
impl OutboxService for Outbox {
    async fn list_outbox(
        &self,
        request: Request<v1::ListOutboxRequest>,
    ) -> Answer<v1::ListOutboxResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .list_outbox(
                convert::which(request.contact),
                convert::page(request.page_size, request.page_token),
            )
            .await
            .map_err(refuse)?;
        answer(v1::ListOutboxResponse {
            entries: done.rows.into_iter().map(convert::outbox_entry).collect(),
            next_page_token: done.next,
        })
    }

    async fn retry_outbox(
        &self,
        request: Request<v1::RetryOutboxRequest>,
    ) -> Answer<v1::RetryOutboxResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .retry_outbox(
                convert::which(request.contact),
                convert::key(request.idempotency_key),
            )
            .await
            .map_err(refuse)?;
        answer(v1::RetryOutboxResponse { retried: done })
    }

    async fn cancel_message(
        &self,
        request: Request<v1::CancelMessageRequest>,
    ) -> Answer<v1::CancelMessageResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .cancel_message(
                convert::which(request.message),
                convert::key(request.idempotency_key),
            )
            .await
            .map_err(refuse)?;
        answer(v1::CancelMessageResponse {
            message: Some(convert::message(done)),
        })
    }
}
