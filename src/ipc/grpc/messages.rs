//! Messages.

use super::{
    Answer, answer, convert,
    proto::v1::{self, message_service_server::MessageService},
    status::{refuse, stopping},
};
use crate::{
    base::Stop,
    service::{SendMessage, Service},
};
use std::time::Duration;
use tonic::Request;

/// The adaptor; knows the stop, as it waits.
pub(super) struct Messages(pub(super) Service, pub(super) Stop);

#[tonic::async_trait]
impl MessageService for Messages {
    async fn send_message(
        &self,
        request: Request<v1::SendMessageRequest>,
    ) -> Answer<v1::SendMessageResponse> {
        let request = request.into_inner();
        let asked = SendMessage {
            to: convert::which(request.to),
            text: request.text,
        };
        let done = self
            .0
            .send_message(asked, convert::key(request.idempotency_key))
            .await
            .map_err(refuse)?;
        answer(v1::SendMessageResponse {
            message: Some(convert::message(done)),
        })
    }

    async fn get_message(
        &self,
        request: Request<v1::GetMessageRequest>,
    ) -> Answer<v1::GetMessageResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .get_message(convert::which(request.message))
            .await
            .map_err(refuse)?;
        answer(v1::GetMessageResponse {
            message: Some(convert::message(done)),
        })
    }

    async fn list_messages(
        &self,
        request: Request<v1::ListMessagesRequest>,
    ) -> Answer<v1::ListMessagesResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .list_messages(
                convert::which(request.conversation),
                convert::page(request.page_size, request.page_token),
            )
            .await
            .map_err(refuse)?;
        answer(v1::ListMessagesResponse {
            messages: done.rows.into_iter().map(convert::message).collect(),
            next_page_token: done.next,
        })
    }

    async fn explain_message(
        &self,
        request: Request<v1::ExplainMessageRequest>,
    ) -> Answer<v1::ExplainMessageResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .explain_message(convert::which(request.message))
            .await
            .map_err(refuse)?;
        answer(v1::ExplainMessageResponse {
            message: Some(convert::message(done.message)),
            entry: done.entry.map(convert::outbox_entry),
            attempts: done.attempts.into_iter().map(convert::attempt).collect(),
        })
    }

    async fn wait_message(
        &self,
        request: Request<v1::WaitMessageRequest>,
    ) -> Answer<v1::WaitMessageResponse> {
        let request = request.into_inner();
        let until = convert::delivery_state_from(request.until).map_err(refuse)?;
        let limit = Duration::from_millis(request.limit_ms);
        let waiting = self
            .0
            .wait_message(convert::which(request.message), until, limit);
        let done = tokio::select! {
            done = waiting => done,
            () = self.1.closing() => Err(stopping()),
        }
        .map_err(refuse)?;
        answer(v1::WaitMessageResponse {
            message: Some(convert::message(done)),
        })
    }
}
