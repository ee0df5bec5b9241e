//! What the user makes of a contact: alias, verification, safety number.

use super::{ContactError, Contacts, convert, requests::check_alias};
use crate::{
    crypto::safety_number,
    model::{Contact, ContactId, EventKind, IdentityId},
    store::{Txn, contacts, records::ContactRecord},
};

impl Contacts {
    /// Sets what the user calls them; empty takes it back.
    ///
    /// # Errors
    /// No such contact, a bad alias, locked, or what the store says.
    pub async fn rename(&self, id: ContactId, alias: String) -> Result<Contact, ContactError> {
        check_alias(&alias)?;
        self.change(id, |row| row.alias = alias).await
    }

    /// Records that safety numbers were compared, or takes that back.
    ///
    /// # Errors
    /// No such contact, locked, or what the store says.
    pub async fn verify(&self, id: ContactId, verified: bool) -> Result<Contact, ContactError> {
        self.change(id, |row| row.verification = if verified { 2 } else { 1 })
            .await
    }

    /// The digits to compare.
    ///
    /// # Errors
    /// No such contact, locked, or what the store says.
    pub fn safety_number(&self, id: ContactId) -> Result<String, ContactError> {
        let row = contacts::get(&self.store().read(), &id)
            .map_err(ContactError::Store)?
            .ok_or(ContactError::NotFound)?;
        let contact = convert::contact(&row).ok_or(ContactError::Damaged)?;
        let identity = IdentityId::from_slice(&row.identity).ok_or(ContactError::Damaged)?;
        let own = self
            .0
            .identities
            .keys(identity)
            .map_err(ContactError::Identity)?;
        Ok(safety_number(&own.cert.fingerprint(), &contact.fingerprint))
    }

    async fn change(
        &self,
        id: ContactId,
        change: impl FnOnce(&mut ContactRecord),
    ) -> Result<Contact, ContactError> {
        let mut txn = self.begin();
        let mut row = self.contact_row(&txn, id)?;
        change(&mut row);
        contacts::put(&mut txn, &row).map_err(ContactError::Store)?;
        self.0
            .bus
            .append(&mut txn, EventKind::ContactChanged { contact: id })
            .map_err(ContactError::Store)?;
        self.commit(txn).await?;
        let mut contact = convert::contact(&row).ok_or(ContactError::Damaged)?;
        contact.presence = self.presence(id);
        Ok(contact)
    }

    pub(super) fn contact_row(
        &self,
        txn: &Txn,
        id: ContactId,
    ) -> Result<ContactRecord, ContactError> {
        contacts::get(txn, &id)
            .map_err(ContactError::Store)?
            .ok_or(ContactError::NotFound)
    }
}
