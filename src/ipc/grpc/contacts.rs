//! Contacts.

use super::{
    Answer, answer, convert,
    proto::v1::{self, contact_service_server::ContactService},
    status::refuse,
};
use crate::service::{AddContact, Service};
use tonic::Request;

/// The adaptor.
pub(super) struct Contacts(pub(super) Service);

#[tonic::async_trait]
impl ContactService for Contacts {
    async fn add_contact(
        &self,
        request: Request<v1::AddContactRequest>,
    ) -> Answer<v1::AddContactResponse> {
        let request = request.into_inner();
        let asked = AddContact {
            identity: convert::which(request.identity),
            link: request.link,
            greeting: request.greeting,
            alias: request.alias,
        };
        let done = self
            .0
            .add_contact(asked, convert::key(request.idempotency_key))
            .await
            .map_err(refuse)?;
        answer(v1::AddContactResponse {
            request: Some(convert::request(done)),
        })
    }

    async fn get_contact(
        &self,
        request: Request<v1::GetContactRequest>,
    ) -> Answer<v1::GetContactResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .get_contact(convert::which(request.contact))
            .await
            .map_err(refuse)?;
        answer(v1::GetContactResponse {
            contact: Some(convert::contact(done)),
        })
    }

    async fn list_contacts(
        &self,
        request: Request<v1::ListContactsRequest>,
    ) -> Answer<v1::ListContactsResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .list_contacts(convert::page(request.page_size, request.page_token))
            .await
            .map_err(refuse)?;
        answer(v1::ListContactsResponse {
            contacts: done.rows.into_iter().map(convert::contact).collect(),
            next_page_token: done.next,
        })
    }

    async fn rename_contact(
        &self,
        request: Request<v1::RenameContactRequest>,
    ) -> Answer<v1::RenameContactResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .rename_contact(
                convert::which(request.contact),
                request.alias,
                convert::key(request.idempotency_key),
            )
            .await
            .map_err(refuse)?;
        answer(v1::RenameContactResponse {
            contact: Some(convert::contact(done)),
        })
    }

    async fn block_contact(
        &self,
        request: Request<v1::BlockContactRequest>,
    ) -> Answer<v1::BlockContactResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .block_contact(
                convert::which(request.contact),
                convert::key(request.idempotency_key),
            )
            .await
            .map_err(refuse)?;
        answer(v1::BlockContactResponse {
            contact: Some(convert::contact(done)),
        })
    }

    async fn unblock_contact(
        &self,
        request: Request<v1::UnblockContactRequest>,
    ) -> Answer<v1::UnblockContactResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .unblock_contact(
                convert::which(request.contact),
                convert::key(request.idempotency_key),
            )
            .await
            .map_err(refuse)?;
        answer(v1::UnblockContactResponse {
            contact: Some(convert::contact(done)),
        })
    }

    async fn verify_contact(
        &self,
        request: Request<v1::VerifyContactRequest>,
    ) -> Answer<v1::VerifyContactResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .verify_contact(
                convert::which(request.contact),
                request.verified,
                convert::key(request.idempotency_key),
            )
            .await
            .map_err(refuse)?;
        answer(v1::VerifyContactResponse {
            contact: Some(convert::contact(done)),
        })
    }

    async fn get_safety_number(
        &self,
        request: Request<v1::GetSafetyNumberRequest>,
    ) -> Answer<v1::GetSafetyNumberResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .get_safety_number(convert::which(request.contact))
            .await
            .map_err(refuse)?;
        answer(v1::GetSafetyNumberResponse {
            safety_number: done,
        })
    }
}
