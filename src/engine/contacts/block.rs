//! Blocking: the keys go, and nobody is told (`protocol.md` B.3).

use super::{ContactError, Contacts, Event, convert};
use crate::{
    crypto::mac,
    model::{Contact, ContactId, EventKind, Fingerprint, RouteId},
    store::{Txn, blocked, contacts, records::BlockedRecord, routes, sessions},
};

impl Contacts {
    /// Deletes the keys shared with them and refuses them from now on. What was on its way to
    /// them must have been given up before (`outbox`).
    ///
    /// # Errors
    /// No such contact, locked, or what the store says.
    pub async fn block(&self, id: ContactId) -> Result<Contact, ContactError> {
        let mut txn = self.begin();
        let mut row = self.contact_row(&txn, id)?;
        let fingerprint = Fingerprint::from_slice(&row.fingerprint).ok_or(ContactError::Damaged)?;
        row.state = convert::BLOCKED;
        contacts::put(&mut txn, &row).map_err(ContactError::Store)?;
        sessions::remove(&mut txn, &id).map_err(ContactError::Store)?;
        routes::remove(&mut txn, &RouteId(id.0)).map_err(ContactError::Store)?;
        let since = BlockedRecord {
            at: self.0.bus.now().0,
        };
        blocked::put(&mut txn, &self.block_hash(&fingerprint)?, &since)
            .map_err(ContactError::Store)?;
        self.0
            .bus
            .append(&mut txn, EventKind::ContactChanged { contact: id })
            .map_err(ContactError::Store)?;
        self.commit(txn).await?;
        self.withdraw_route(RouteId(id.0)).await;
        self.rise(Event::RouteGone(RouteId(id.0)));
        convert::contact(&row).ok_or(ContactError::Damaged)
    }

    /// Lets them use a new invite. The old keys stay gone.
    ///
    /// # Errors
    /// No such contact, not blocked, locked, or what the store says.
    pub async fn unblock(&self, id: ContactId) -> Result<Contact, ContactError> {
        let mut txn = self.begin();
        let mut row = self.contact_row(&txn, id)?;
        if row.state == convert::BLOCKED {
            let fingerprint =
                Fingerprint::from_slice(&row.fingerprint).ok_or(ContactError::Damaged)?;
            row.state = convert::FORMER;
            contacts::put(&mut txn, &row).map_err(ContactError::Store)?;
            blocked::remove(&mut txn, &self.block_hash(&fingerprint)?)
                .map_err(ContactError::Store)?;
            self.0
                .bus
                .append(&mut txn, EventKind::ContactChanged { contact: id })
                .map_err(ContactError::Store)?;
            self.commit(txn).await?;
        }
        convert::contact(&row).ok_or(ContactError::Damaged)
    }

    pub(super) fn is_blocked(
        &self,
        txn: &Txn,
        fingerprint: &Fingerprint,
    ) -> Result<bool, ContactError> {
        let hash = self.block_hash(fingerprint)?;
        Ok(blocked::get(txn, &hash)
            .map_err(ContactError::Store)?
            .is_some())
    }

    /// Under what a blocked identity is remembered: it cannot be read back.
    fn block_hash(&self, fingerprint: &Fingerprint) -> Result<[u8; 32], ContactError> {
        let key = self.0.vault.file_key("block").ok_or(ContactError::Locked)?;
        Ok(mac(key.as_bytes(), "block", &[&fingerprint.0]))
    }
}
