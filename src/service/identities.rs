//! Own identities.

use super::{IdempotencyKey, Result, Selector, Service};
use crate::model::{Identity, Page, PageRequest};

impl Service {
    /// Makes an identity: an identity certificate and this device's certificate.
    pub async fn create_identity(&self, name: String, key: IdempotencyKey) -> Result<Identity> {
        todo!()
    }

    /// One identity. An empty selector means the only one.
    pub async fn get_identity(&self, which: Selector) -> Result<Identity> {
        todo!()
    }

    /// Every identity.
    pub async fn list_identities(&self, page: PageRequest) -> Result<Page<Identity>> {
        todo!()
    }

    /// Changes the name that future requests tell.
    pub async fn rename_identity(
        &self,
        which: Selector,
        name: String,
        key: IdempotencyKey,
    ) -> Result<Identity> {
        todo!()
    }
}
