//! Mailboxes that this daemon hosts for others, and those that others keep for it.

use super::{
    Answer, answer, convert,
    proto::v1::{self, mailbox_service_server::MailboxService},
    status::refuse,
};
use crate::service::{AcceptMailbox, Service};
use tonic::Request;

/// The adaptor.
pub(super) struct Mailboxes(pub(super) Service);

#[tonic::async_trait]
impl MailboxService for Mailboxes {
    async fn offer_mailbox(
        &self,
        request: Request<v1::OfferMailboxRequest>,
    ) -> Answer<v1::OfferMailboxResponse> {
        let mut request = request.into_inner();
        let key = convert::key(std::mem::take(&mut request.idempotency_key));
        let asked = convert::offer_mailbox(request).map_err(refuse)?;
        let done = self.0.offer_mailbox(asked, key).await.map_err(refuse)?;
        answer(v1::OfferMailboxResponse {
            mailbox: Some(convert::hosted_mailbox(done.mailbox)),
            code: done.code,
        })
    }

    async fn list_hosted_mailboxes(
        &self,
        request: Request<v1::ListHostedMailboxesRequest>,
    ) -> Answer<v1::ListHostedMailboxesResponse> {
        let request = request.into_inner();
        let page = convert::page(request.page_size, request.page_token);
        let done = self.0.list_hosted_mailboxes(page).await.map_err(refuse)?;
        answer(v1::ListHostedMailboxesResponse {
            mailboxes: done.rows.into_iter().map(convert::hosted_mailbox).collect(),
            next_page_token: done.next,
        })
    }

    async fn revoke_mailbox(
        &self,
        request: Request<v1::RevokeMailboxRequest>,
    ) -> Answer<v1::RevokeMailboxResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .revoke_mailbox(
                convert::which(request.mailbox),
                convert::key(request.idempotency_key),
            )
            .await
            .map_err(refuse)?;
        answer(v1::RevokeMailboxResponse { id: done })
    }

    async fn get_mailbox_host_status(
        &self,
        _request: Request<v1::GetMailboxHostStatusRequest>,
    ) -> Answer<v1::GetMailboxHostStatusResponse> {
        let done = self.0.get_mailbox_host_status().await.map_err(refuse)?;
        answer(v1::GetMailboxHostStatusResponse {
            status: Some(convert::mailbox_host_status(done)),
        })
    }

    async fn accept_mailbox(
        &self,
        request: Request<v1::AcceptMailboxRequest>,
    ) -> Answer<v1::AcceptMailboxResponse> {
        let request = request.into_inner();
        let wish = AcceptMailbox {
            code: request.code,
            identity: convert::which(request.identity),
            note: request.note,
        };
        let key = convert::key(request.idempotency_key);
        let done = self.0.accept_mailbox(wish, key).await.map_err(refuse)?;
        answer(v1::AcceptMailboxResponse {
            mailbox: Some(convert::own_mailbox(done)),
        })
    }

    async fn list_mailboxes(
        &self,
        request: Request<v1::ListMailboxesRequest>,
    ) -> Answer<v1::ListMailboxesResponse> {
        let request = request.into_inner();
        let page = convert::page(request.page_size, request.page_token);
        let done = self.0.list_mailboxes(page).await.map_err(refuse)?;
        answer(v1::ListMailboxesResponse {
            mailboxes: done.rows.into_iter().map(convert::own_mailbox).collect(),
            next_page_token: done.next,
        })
    }

    async fn remove_mailbox(
        &self,
        request: Request<v1::RemoveMailboxRequest>,
    ) -> Answer<v1::RemoveMailboxResponse> {
        let request = request.into_inner();
        let which = convert::which(request.mailbox);
        let key = convert::key(request.idempotency_key);
        let id = self.0.remove_mailbox(which, key).await.map_err(refuse)?;
        answer(v1::RemoveMailboxResponse { id })
    }
}
