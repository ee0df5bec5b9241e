//! Invites.

use super::{
    Answer, answer, convert,
    proto::v1::{self, invite_service_server::InviteService},
    status::refuse,
};
use crate::service::Service;
use tonic::Request;

/// The adaptor.
pub(super) struct Invites(pub(super) Service);

#[tonic::async_trait]
impl InviteService for Invites {
    async fn create_invite(
        &self,
        request: Request<v1::CreateInviteRequest>,
    ) -> Answer<v1::CreateInviteResponse> {
        let mut request = request.into_inner();
        let key = convert::key(std::mem::take(&mut request.idempotency_key));
        let asked = convert::create_invite(request).map_err(refuse)?;
        let done = self.0.create_invite(asked, key).await.map_err(refuse)?;
        answer(v1::CreateInviteResponse {
            invite: Some(convert::invite(done.invite)),
            link: done.link,
            qr_text: done.qr_text,
        })
    }

    async fn list_invites(
        &self,
        request: Request<v1::ListInvitesRequest>,
    ) -> Answer<v1::ListInvitesResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .list_invites(convert::page(request.page_size, request.page_token))
            .await
            .map_err(refuse)?;
        answer(v1::ListInvitesResponse {
            invites: done.rows.into_iter().map(convert::invite).collect(),
            next_page_token: done.next,
        })
    }

    async fn revoke_invite(
        &self,
        request: Request<v1::RevokeInviteRequest>,
    ) -> Answer<v1::RevokeInviteResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .revoke_invite(
                convert::which(request.invite),
                convert::key(request.idempotency_key),
            )
            .await
            .map_err(refuse)?;
        answer(v1::RevokeInviteResponse {
            invite: Some(convert::invite(done)),
        })
    }
}
