//! Contacts.

use super::{IdempotencyKey, Result, Selector, Service};
use crate::model::{Contact, Page, PageRequest, Request};

/// Whom to ask to become a contact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddContact {
    /// As whom; empty means the only identity.
    pub identity: Selector,
    /// The invite link, as it was given.
    pub link: String,
    /// A few words for them, at most 280 bytes.
    pub greeting: String,
    /// What to call them here; empty means what they call themselves.
    pub alias: String,
}

impl Service {
    /// Uses an invite: asks its maker to become a contact. Returns the outgoing request, which
    /// goes on by itself until it is answered or the invite ends.
    pub async fn add_contact(&self, request: AddContact, key: IdempotencyKey) -> Result<Request> {
        todo!()
    }

    /// One contact.
    pub async fn get_contact(&self, which: Selector) -> Result<Contact> {
        todo!()
    }

    /// Every contact, by shown name.
    pub async fn list_contacts(&self, page: PageRequest) -> Result<Page<Contact>> {
        todo!()
    }

    /// Sets what the user calls them; empty takes it back.
    pub async fn rename_contact(
        &self,
        which: Selector,
        alias: String,
        key: IdempotencyKey,
    ) -> Result<Contact> {
        todo!()
    }

    /// Deletes the keys shared with them and refuses them from now on. Tells them nothing.
    pub async fn block_contact(&self, which: Selector, key: IdempotencyKey) -> Result<Contact> {
        todo!()
    }

    /// Lets them use a new invite; the old keys stay gone.
    pub async fn unblock_contact(&self, which: Selector, key: IdempotencyKey) -> Result<Contact> {
        todo!()
    }

    /// Records that the safety numbers were compared (`verified`), or takes that back.
    pub async fn verify_contact(
        &self,
        which: Selector,
        verified: bool,
        key: IdempotencyKey,
    ) -> Result<Contact> {
        todo!()
    }

    /// The 60 digits to compare with what they see (`protocol.md` B.2).
    pub async fn get_safety_number(&self, which: Selector) -> Result<String> {
        todo!()
    }
}
