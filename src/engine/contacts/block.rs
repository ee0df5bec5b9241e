//! Blocking: the keys go, and nobody is told (`protocol.md` B.3).

use super::{ContactError, Contacts, convert};
use crate::{
    model::{Contact, ContactId, EventKind, Fingerprint, RouteId},
    store::{blocked, contacts, routes, sessions},
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
        sessions::delete(&mut txn, &id).map_err(ContactError::Store)?;
        routes::delete(&mut txn, &RouteId(id.0)).map_err(ContactError::Store)?;
        blocked::put(&mut txn, &fingerprint, self.0.bus.now()).map_err(ContactError::Store)?;
        self.0.bus.append(&mut txn, EventKind::ContactChanged { contact: id }).map_err(ContactError::Store)?;
        self.commit(txn).await?;
        self.withdraw_route(RouteId(id.0)).await?;
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
            let fingerprint = Fingerprint::from_slice(&row.fingerprint).ok_or(ContactError::Damaged)?;
            row.state = convert::FORMER;
            contacts::put(&mut txn, &row).map_err(ContactError::Store)?;
            blocked::delete(&mut txn, &fingerprint).map_err(ContactError::Store)?;
            self.0.bus.append(&mut txn, EventKind::ContactChanged { contact: id }).map_err(ContactError::Store)?;
            self.commit(txn).await?;
        }
        convert::contact(&row).ok_or(ContactError::Damaged)
    }
}
