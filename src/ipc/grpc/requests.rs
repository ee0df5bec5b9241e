//! Contact requests.

use super::{
    Answer, answer, convert,
    proto::v1::{self, request_service_server::RequestService},
    status::refuse,
};
use crate::service::Service;
use tonic::Request;

/// The adaptor.
pub(super) struct Requests(pub(super) Service);

#[tonic::async_trait]
impl RequestService for Requests {
    async fn get_request(
        &self,
        request: Request<v1::GetRequestRequest>,
    ) -> Answer<v1::GetRequestResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .get_request(convert::which(request.request))
            .await
            .map_err(refuse)?;
        answer(v1::GetRequestResponse {
            request: Some(convert::request(done)),
        })
    }

    async fn list_requests(
        &self,
        request: Request<v1::ListRequestsRequest>,
    ) -> Answer<v1::ListRequestsResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .list_requests(convert::page(request.page_size, request.page_token))
            .await
            .map_err(refuse)?;
        answer(v1::ListRequestsResponse {
            requests: done.rows.into_iter().map(convert::request).collect(),
            next_page_token: done.next,
        })
    }

    async fn accept_request(
        &self,
        request: Request<v1::AcceptRequestRequest>,
    ) -> Answer<v1::AcceptRequestResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .accept_request(
                convert::which(request.request),
                request.alias,
                convert::key(request.idempotency_key),
            )
            .await
            .map_err(refuse)?;
        answer(v1::AcceptRequestResponse {
            request: Some(convert::request(done)),
        })
    }

    async fn decline_request(
        &self,
        request: Request<v1::DeclineRequestRequest>,
    ) -> Answer<v1::DeclineRequestResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .decline_request(
                convert::which(request.request),
                convert::key(request.idempotency_key),
            )
            .await
            .map_err(refuse)?;
        answer(v1::DeclineRequestResponse {
            request: Some(convert::request(done)),
        })
    }
}
