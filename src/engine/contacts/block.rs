//! Blocking: the keys go, and nobody is told (`protocol.md` B.3).

use super::{
    ContactError, Contacts, Event, convert, session,
    sweep::{shred_invite, shred_request},
};
use crate::{
    crypto::mac,
    model::{
        Contact, ContactId, EventKind, FailureReason, Fingerprint, InviteId, RequestId, RouteId,
    },
    store::{Txn, blocked, contacts, invites, records::BlockedRecord, requests, routes, sessions},
};

impl Contacts {
    /// Deletes the keys shared with them and refuses them from now on. Everything that lasts is
    /// one transaction: whoever is interrupted after it finds at the next start that neither
    /// route nor session is there.
    ///
    /// # Errors
    /// No such contact, locked, or what the store says.
    pub async fn block(&self, id: ContactId) -> Result<Contact, ContactError> {
        let mut txn = self.begin();
        let mut row = self.contact_row(&txn, id)?;
        let fingerprint = Fingerprint::from_slice(&row.fingerprint).ok_or(ContactError::Damaged)?;
        if let Some(session) = session::present(&txn, &row)? {
            self.leave(&mut txn, session, id, FailureReason::Blocked)?;
        }
        row.state = convert::BLOCKED;
        contacts::put(&mut txn, &row).map_err(ContactError::Store)?;
        sessions::remove(&mut txn, &id).map_err(ContactError::Store)?;
        let mut gone = vec![RouteId(id.0)];
        gone.extend(self.end_requests(&mut txn, &fingerprint)?);
        for route in &gone {
            routes::remove(&mut txn, route).map_err(ContactError::Store)?;
        }
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
        for route in gone {
            self.withdraw_route(route).await;
            self.rise(Event::RouteGone(route));
        }
        convert::contact(&row).ok_or(ContactError::Damaged)
    }

    /// What is under way between us and them must not make them a contact again. Returns the
    /// routes of those handshakes.
    fn end_requests(
        &self,
        txn: &mut Txn,
        fingerprint: &Fingerprint,
    ) -> Result<Vec<RouteId>, ContactError> {
        let mut gone = Vec::new();
        for mut row in requests::list(txn).map_err(ContactError::Store)? {
            if row.fingerprint != fingerprint.0 {
                continue;
            }
            let incoming = row.direction == convert::INCOMING;
            let route = if incoming { &row.invite } else { &row.id };
            gone.extend(RouteId::from_slice(route));
            if let Some(mut invite) = InviteId::from_slice(&row.invite)
                .filter(|_| incoming)
                .map_or(Ok(None), |id| invites::get(txn, &id))
                .map_err(ContactError::Store)?
                && shred_invite(&mut invite)
            {
                invites::put(txn, &invite).map_err(ContactError::Store)?;
            }
            if matches!(row.state, convert::PENDING | convert::SENT) {
                let id = RequestId::from_slice(&row.id).ok_or(ContactError::Damaged)?;
                row.state = convert::DECLINED;
                shred_request(&mut row);
                requests::put(txn, &row).map_err(ContactError::Store)?;
                self.request_changed(txn, id)?;
            }
        }
        Ok(gone)
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
