//! Own identities.

use super::{
    Answer, answer, convert,
    proto::v1::{self, identity_service_server::IdentityService},
    status::refuse,
};
use crate::service::Service;
use tonic::Request;

/// The adaptor.
pub(super) struct Identities(pub(super) Service);

#[tonic::async_trait]
impl IdentityService for Identities {
    async fn create_identity(
        &self,
        request: Request<v1::CreateIdentityRequest>,
    ) -> Answer<v1::CreateIdentityResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .create_identity(request.name, convert::key(request.idempotency_key))
            .await
            .map_err(refuse)?;
        answer(v1::CreateIdentityResponse {
            identity: Some(convert::identity(done)),
        })
    }

    async fn get_identity(
        &self,
        request: Request<v1::GetIdentityRequest>,
    ) -> Answer<v1::GetIdentityResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .get_identity(convert::which(request.identity))
            .await
            .map_err(refuse)?;
        answer(v1::GetIdentityResponse {
            identity: Some(convert::identity(done)),
        })
    }

    async fn list_identities(
        &self,
        request: Request<v1::ListIdentitiesRequest>,
    ) -> Answer<v1::ListIdentitiesResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .list_identities(convert::page(request.page_size, request.page_token))
            .await
            .map_err(refuse)?;
        answer(v1::ListIdentitiesResponse {
            identities: done.rows.into_iter().map(convert::identity).collect(),
            next_page_token: done.next,
        })
    }

    async fn rename_identity(
        &self,
        request: Request<v1::RenameIdentityRequest>,
    ) -> Answer<v1::RenameIdentityResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .rename_identity(
                convert::which(request.identity),
                request.name,
                convert::key(request.idempotency_key),
            )
            .await
            .map_err(refuse)?;
        answer(v1::RenameIdentityResponse {
            identity: Some(convert::identity(done)),
        })
    }
}
