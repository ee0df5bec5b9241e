//! What the two sides of an invite say to each other (`protocol.md` B.1), driven by links.
//!
//! Everything here may happen again after a crash: the parcels are sealed once and every step
//! knows what it has already done.

use super::{ContactError, Contacts, Event, LinkMeaning, RouteKind};
use crate::{
    model::{RouteId, VaultState},
    net::LinkKey,
    store::{
        records::{RouteRecord, SpoolRow},
        routes, spool,
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
            // What is finished here only waits to be asked again.
            Some(RouteKind::Outgoing) if !row.finishes.is_empty() => {}
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
        let waits = |row: &RouteRecord| {
            let open = match kind {
                Some(RouteKind::Outgoing) => row.finishes.is_empty(),
                Some(RouteKind::Confirming) => true,
                Some(RouteKind::Contact | RouteKind::Invite) | None => false,
            };
            open && row.expires_at > self.0.bus.now().0
        };
        Ok(self.route_row(route)?.as_ref().is_some_and(waits))
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
            (Some(RouteKind::Confirming), Frame::Custody(tags)) => {
                let confirm = row.outgoing.first_chunk::<16>();
                if confirm.is_some_and(|tag| tags.contains(tag)) {
                    self.drop_handshake_route(self.begin(), route).await
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

    /// Opens what was kept while the vault was locked, and has links taken down that came up
    /// under a session which only an unlocked vault can change to.
    ///
    /// # Errors
    /// What the store says.
    pub async fn on_unlock(&self) -> Result<(), ContactError> {
        self.complete_meetings().await?;
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
        let links = self.connected().clone();
        for (route, key) in links {
            if self.link_meaning(route, key)? != LinkMeaning::Present {
                self.0.net.disconnect(route).await;
                self.rise(Event::KeyAdded(route));
            }
        }
        Ok(())
    }

    /// A contact's link is up under `key`: the handshake that made it is over on both sides.
    ///
    /// # Errors
    /// What the store says.
    pub async fn on_contact_link(&self, key: LinkKey) -> Result<(), ContactError> {
        for kind in [RouteKind::Outgoing, RouteKind::Confirming] {
            for route in self.routes(kind) {
                let row = self.route_row(route)?;
                if row.is_some_and(|row| row.finishes == key.0) {
                    self.drop_handshake_route(self.begin(), route).await?;
                }
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
