//! The vault.

use super::{
    Answer, answer, convert,
    proto::v1::{self, vault_service_server::VaultService},
    status::refuse,
};
use crate::service::{Passphrase, Service};
use tonic::Request;

/// The adaptor.
pub(super) struct Vault(pub(super) Service);

#[tonic::async_trait]
impl VaultService for Vault {
    async fn vault_state(
        &self,
        _: Request<v1::VaultStateRequest>,
    ) -> Answer<v1::VaultStateResponse> {
        answer(v1::VaultStateResponse {
            state: convert::vault_state(self.0.vault_state()).into(),
        })
    }

    async fn create_vault(
        &self,
        request: Request<v1::CreateVaultRequest>,
    ) -> Answer<v1::CreateVaultResponse> {
        let request = request.into_inner();
        let slot = convert::new_slot(request.slot).map_err(refuse)?;
        let done = self
            .0
            .create_vault(slot, convert::key(request.idempotency_key))
            .await
            .map_err(refuse)?;
        answer(v1::CreateVaultResponse {
            state: convert::vault_state(done).into(),
        })
    }

    async fn unlock_vault(
        &self,
        request: Request<v1::UnlockVaultRequest>,
    ) -> Answer<v1::UnlockVaultResponse> {
        let request = request.into_inner();
        let done = self
            .0
            .unlock_vault(Passphrase::new(request.passphrase))
            .await
            .map_err(refuse)?;
        answer(v1::UnlockVaultResponse {
            state: convert::vault_state(done).into(),
        })
    }

    async fn lock_vault(&self, _: Request<v1::LockVaultRequest>) -> Answer<v1::LockVaultResponse> {
        let done = self.0.lock_vault().await.map_err(refuse)?;
        answer(v1::LockVaultResponse {
            state: convert::vault_state(done).into(),
        })
    }

    async fn change_passphrase(
        &self,
        request: Request<v1::ChangePassphraseRequest>,
    ) -> Answer<v1::ChangePassphraseResponse> {
        let request = request.into_inner();
        self.0
            .change_passphrase(
                Passphrase::new(request.old_passphrase),
                Passphrase::new(request.new_passphrase),
                convert::key(request.idempotency_key),
            )
            .await
            .map_err(refuse)?;
        answer(v1::ChangePassphraseResponse {})
    }

    async fn list_slots(
        &self,
        request: Request<v1::ListSlotsRequest>,
    ) -> Answer<v1::ListSlotsResponse> {
        let request = request.into_inner();
        let page = convert::page(request.page_size, request.page_token);
        let done = self.0.list_slots().await;
        let (slots, next_page_token) = done
            .and_then(|slots| convert::slot_page(slots, &page))
            .map_err(refuse)?;
        answer(v1::ListSlotsResponse {
            slots: slots.into_iter().map(convert::slot).collect(),
            next_page_token,
        })
    }

    async fn add_slot(&self, request: Request<v1::AddSlotRequest>) -> Answer<v1::AddSlotResponse> {
        let request = request.into_inner();
        let slot = convert::new_slot(request.slot).map_err(refuse)?;
        let done = self
            .0
            .add_slot(slot, convert::key(request.idempotency_key))
            .await
            .map_err(refuse)?;
        answer(v1::AddSlotResponse {
            slot: Some(convert::slot(done)),
        })
    }

    async fn remove_slot(
        &self,
        request: Request<v1::RemoveSlotRequest>,
    ) -> Answer<v1::RemoveSlotResponse> {
        let request = request.into_inner();
        self.0
            .remove_slot(request.number, convert::key(request.idempotency_key))
            .await
            .map_err(refuse)?;
        answer(v1::RemoveSlotResponse {})
    }
}
