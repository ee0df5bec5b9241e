//! What the two sides of an invite say to each other (`protocol.md` B.1), driven by links.
//!
//! Everything here may happen again after a crash: the parcels are sealed once and every step
//! knows what it has already done.

use super::{ContactError, Contacts, RouteKind, convert};
use crate::{
    model::{RouteId, VaultState},
    store::{
        records::{RouteRecord, SpoolRow},
        requests, routes, spool,
    },
    wire::Frame,
};

impl Contacts {
    /// A link on a handshake's route is up: hand over what waits.
    ///
    /// # Errors
    /// What the store says.
    pub fn on_handshake_link(&self, route: RouteId) -> Result<(), ContactError> {
        let Some(row) = self.route_row(route)? else {
            return Ok(());
        };
        match self.route_kind(route) {
            Some(RouteKind::Outgoing) if row.outgoing.is_empty() => {
                self.say(route, Frame::BundleRequest);
            }
            Some(RouteKind::Outgoing | RouteKind::Confirming) => {
                self.say(route, Frame::Parcel(row.outgoing));
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether `route` has something to hand over, so that it is worth dialling.
    ///
    /// # Errors
    /// What the store says.
    pub fn handshake_waits(&self, route: RouteId) -> Result<bool, ContactError> {
        let kind = self.route_kind(route);
        let alive = |row: &RouteRecord| row.expires_at > self.0.bus.now().0;
        Ok(
            matches!(kind, Some(RouteKind::Outgoing | RouteKind::Confirming))
                && self.route_row(route)?.as_ref().is_some_and(alive),
        )
    }

    /// A frame came in on a handshake's route.
    ///
    /// # Errors
    /// What does not check out, or what the store says. The sender is told nothing.
    pub async fn on_handshake_frame(
        &self,
        route: RouteId,
        frame: Frame,
    ) -> Result<(), ContactError> {
        let Some(row) = self.route_row(route)? else {
            return Ok(());
        };
        match (self.route_kind(route), frame) {
            (Some(RouteKind::Invite), Frame::BundleRequest) => {
                if let Ok(bundle) = Box::<[u8; 8192]>::try_from(row.outgoing.into_boxed_slice()) {
                    self.say(route, Frame::Bundle(bundle));
                }
                Ok(())
            }
            (Some(RouteKind::Outgoing), Frame::Bundle(bundle)) if row.outgoing.is_empty() => {
                self.on_bundle(route, row, bundle.as_slice()).await
            }
            (Some(RouteKind::Outgoing), Frame::Custody(tags)) => {
                let hello = row.outgoing.first_chunk::<16>();
                if hello.is_some_and(|tag| tags.contains(tag)) {
                    self.on_hello_taken(route).await
                } else {
                    Ok(())
                }
            }
            (Some(kind), Frame::Parcel(parcel)) if parcel.starts_with(&row.expected_tag) => {
                if self.0.vault.state() != VaultState::Unlocked {
                    return self.keep(route, parcel).await;
                }
                self.on_parcel(route, kind, &parcel).await
            }
            _ => Ok(()),
        }
    }

    /// Opens what was kept while the vault was locked.
    ///
    /// # Errors
    /// What the store says.
    pub async fn on_unlock(&self) -> Result<(), ContactError> {
        for kind in [RouteKind::Invite, RouteKind::Outgoing] {
            for route in self.routes(kind) {
                let kept = spool::scan(&self.store().read(), &route, 0, 16)
                    .map_err(ContactError::Store)?;
                for (number, row) in kept {
                    if let Err(error) = self.on_parcel(route, kind, &row.parcel).await {
                        if matches!(error, ContactError::Store(_)) {
                            // Ours to mend: it stays kept.
                            return Err(error);
                        }
                        tracing::warn!(error = %crate::base::chain(&error), "a kept handshake message was refused");
                    }
                    let mut txn = self.begin();
                    spool::remove(&mut txn, &route, number).map_err(ContactError::Store)?;
                    self.commit(txn).await?;
                }
            }
        }
        Ok(())
    }

    /// A contact's link is up under the pairwise secret: the handshake is over on both sides.
    ///
    /// # Errors
    /// What the store says.
    pub async fn on_contact_link(&self, contact: RouteId) -> Result<(), ContactError> {
        if self.0.vault.state() != VaultState::Unlocked
            || self.routes(RouteKind::Outgoing).is_empty()
                && self.routes(RouteKind::Confirming).is_empty()
        {
            return Ok(());
        }
        let rows = requests::list(&self.store().read()).map_err(ContactError::Store)?;
        for row in rows.iter().filter(|row| row.contact == contact.0) {
            let id = if row.direction == convert::INCOMING {
                &row.invite
            } else {
                &row.id
            };
            let Some(id) = RouteId::from_slice(id) else {
                continue;
            };
            if self.route_kind(id).is_some() {
                self.drop_handshake_route(self.begin(), id).await?;
            }
        }
        Ok(())
    }

    async fn on_parcel(
        &self,
        route: RouteId,
        kind: RouteKind,
        parcel: &[u8],
    ) -> Result<(), ContactError> {
        match kind {
            RouteKind::Invite | RouteKind::Confirming => self.on_hello(route, parcel).await?,
            RouteKind::Outgoing => self.on_confirm(route, parcel).await?,
            RouteKind::Contact => return Ok(()),
        }
        if let Some(tag) = parcel.first_chunk::<16>() {
            self.say(route, Frame::Custody(vec![*tag]));
        }
        Ok(())
    }

    /// Keeps a parcel that only an unlocked vault can open, then says so.
    async fn keep(&self, route: RouteId, parcel: Vec<u8>) -> Result<(), ContactError> {
        let Some(tag) = parcel.first_chunk::<16>().copied() else {
            return Ok(());
        };
        let mut txn = self.begin();
        let kept = spool::scan(&self.store().read(), &route, 0, 16).map_err(ContactError::Store)?;
        if kept.iter().all(|(_, row)| row.parcel != parcel) {
            if kept.len() >= 16 {
                return Err(ContactError::TooMany("kept handshake messages"));
            }
            let row = SpoolRow {
                parcel,
                at: self.0.bus.now().0,
                ..SpoolRow::default()
            };
            spool::push(&mut txn, &route, &row).map_err(ContactError::Store)?;
            self.commit(txn).await?;
        }
        self.say(route, Frame::Custody(vec![tag]));
        Ok(())
    }

    fn route_row(&self, route: RouteId) -> Result<Option<RouteRecord>, ContactError> {
        routes::get(&self.store().read(), &route).map_err(ContactError::Store)
    }

    /// A link that is gone or full makes the peer ask again; nothing is lost.
    pub(super) fn say(&self, route: RouteId, frame: Frame) {
        if let Err(error) = self.0.net.try_send(route, frame) {
            tracing::debug!(%error, "a handshake frame was not sent");
        }
    }
}
