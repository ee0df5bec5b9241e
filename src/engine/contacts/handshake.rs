//! What the two sides of an invite say to each other (`protocol.md` B.1), driven by links.
//!
//! Everything here may happen again after a crash: the parcels are sealed once and every step
//! knows what it has already done.

use super::{ContactError, Contacts, Event, RouteKind, convert, routes::parse_addresses};
use crate::{
    crypto::{SystemRandom, hash, ic_hash20},
    model::{EventKind, IdentityId, InviteId, RequestId, RouteId, VaultState, limits},
    protocol::{self as handshake, IncomingHello, InviteKeys, InviteLink, Me, Offer, PendingHello},
    store::{
        Txn, blocked, invites,
        records::{InviteRecord, RequestRecord, RouteRecord, SpoolRow},
        requests, routes, spool,
    },
    wire::Frame,
};

impl Contacts {
    /// A link on a handshake's route is up: hand over what waits.
    ///
    /// # Errors
    /// What the store says.
    pub async fn on_handshake_link(&self, route: RouteId) -> Result<(), ContactError> {
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

    async fn on_bundle(
        &self,
        route: RouteId,
        mut row: RouteRecord,
        bundle: &[u8],
    ) -> Result<(), ContactError> {
        if self.0.vault.state() != VaultState::Unlocked {
            return Ok(());
        }
        let txn = self.begin();
        let Some(mut request) =
            requests::get(&txn, &RequestId(route.0)).map_err(ContactError::Store)?
        else {
            return Ok(());
        };
        let now = self.0.bus.now();
        let link: InviteLink = request.link.parse().map_err(ContactError::ParseLink)?;
        let opened = handshake::open_bundle(&link, bundle, now).map_err(ContactError::Handshake)?;
        let identity = IdentityId::from_slice(&request.identity).ok_or(ContactError::Damaged)?;
        let keys = self
            .0
            .identities
            .keys(identity)
            .map_err(ContactError::Identity)?;
        let addresses = self.my_addresses();
        let me = Me {
            ic: &keys.cert,
            manifest: &keys.manifest,
            device: &keys.device,
            name: &keys.name,
            addresses: &addresses,
        };
        let (parcel, pending) = handshake::hello(
            &me,
            &link,
            &opened,
            &request.greeting,
            now,
            &mut SystemRandom,
        )
        .map_err(ContactError::Handshake)?;
        request.handshake = pending.to_bytes().to_vec();
        request.fingerprint = opened.peer.ic.fingerprint().0.to_vec();
        // They may take their time after the invite has ended; a month is what messages get.
        request.expires_at = now.after(limits::MESSAGE_TTL).0;
        row.expires_at = request.expires_at;
        row.outgoing.clone_from(&parcel);
        let mut more = parse_addresses(&row.addresses);
        more.extend(
            opened
                .peer
                .addresses
                .iter()
                .filter(|a| !row.addresses.contains(&a.to_string())),
        );
        row.addresses = more.iter().map(ToString::to_string).collect();
        let mut txn = txn;
        requests::put(&mut txn, &request).map_err(ContactError::Store)?;
        routes::put(&mut txn, &row).map_err(ContactError::Store)?;
        self.commit(txn).await?;
        self.offer_route(&row)?;
        self.say(route, Frame::Parcel(parcel));
        Ok(())
    }

    async fn on_hello_taken(&self, route: RouteId) -> Result<(), ContactError> {
        if self.0.vault.state() != VaultState::Unlocked {
            return Ok(());
        }
        let mut txn = self.begin();
        let id = RequestId(route.0);
        let Some(mut request) = requests::get(&txn, &id).map_err(ContactError::Store)? else {
            return Ok(());
        };
        if request.state != convert::PENDING {
            return Ok(());
        }
        request.state = convert::SENT;
        requests::put(&mut txn, &request).map_err(ContactError::Store)?;
        self.request_changed(&mut txn, id)?;
        self.commit(txn).await
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

    /// Inviter's side, B.1 step 4.
    async fn on_hello(&self, route: RouteId, parcel: &[u8]) -> Result<(), ContactError> {
        let mut txn = self.begin();
        let id = InviteId(route.0);
        let Some(mut invite) = invites::get(&txn, &id).map_err(ContactError::Store)? else {
            return Ok(());
        };
        let digest = hash(&[parcel]);
        if invite.state != convert::OPEN {
            // The same Hello again asks for nothing but its acknowledgement.
            if invite.state == convert::USED && invite.hello_hash != digest {
                return self.freeze(txn, invite).await;
            }
            return Ok(());
        }
        let now = self.0.bus.now();
        let rows = requests::list(&txn).map_err(ContactError::Store)?;
        let waiting = rows
            .iter()
            .filter(|r| r.direction == convert::INCOMING && r.state == convert::PENDING);
        if waiting.count() >= limits::MAX_PENDING_REQUESTS {
            return Err(ContactError::TooMany("pending requests"));
        }
        let identity = IdentityId::from_slice(&invite.identity).ok_or(ContactError::Damaged)?;
        let keys = self
            .0
            .identities
            .keys(identity)
            .map_err(ContactError::Identity)?;
        let me = Me {
            ic: &keys.cert,
            manifest: &keys.manifest,
            device: &keys.device,
            name: &keys.name,
            addresses: &[],
        };
        let secret: [u8; 16] = invite
            .secret
            .as_slice()
            .try_into()
            .map_err(|_| ContactError::Damaged)?;
        let invite_keys = InviteKeys::derive(&secret, &ic_hash20(&keys.cert.fingerprint()));
        let offer = Offer::from_bytes(&invite.offer).map_err(ContactError::Handshake)?;
        let hello: IncomingHello = handshake::open_hello(&me, &invite_keys, &offer, parcel, now)
            .map_err(ContactError::Handshake)?;
        let fingerprint = hello.peer.ic.fingerprint();
        if self.is_blocked(&txn, &fingerprint)? {
            return Ok(());
        }
        let mut request_id = RequestId([0; 16]);
        crate::crypto::Random::fill(&mut SystemRandom, &mut request_id.0);
        let request = RequestRecord {
            id: request_id.0.to_vec(),
            identity: invite.identity.clone(),
            direction: convert::INCOMING,
            invite: invite.id.clone(),
            name: hello.peer.name.clone(),
            greeting: hello.greeting.clone(),
            fingerprint: fingerprint.0.to_vec(),
            state: convert::PENDING,
            created_at: now.0,
            expires_at: now.after(limits::MESSAGE_TTL).0,
            handshake: hello.to_bytes().to_vec(),
            ..RequestRecord::default()
        };
        invite.state = convert::USED;
        invite.hello_hash = digest.to_vec();
        invite.request = request.id.clone();
        invites::put(&mut txn, &invite).map_err(ContactError::Store)?;
        requests::put(&mut txn, &request).map_err(ContactError::Store)?;
        if let Some(mut row) = routes::get(&txn, &route).map_err(ContactError::Store)? {
            // The user may decide long after the invite's own end.
            row.expires_at = row.expires_at.max(request.expires_at);
            routes::put(&mut txn, &row).map_err(ContactError::Store)?;
        }
        self.0
            .bus
            .append(&mut txn, EventKind::InviteChanged { invite: id })
            .map_err(ContactError::Store)?;
        self.request_changed(&mut txn, request_id)?;
        if invite.auto_accept {
            self.confirm(txn, request, invite, String::new())
                .await
                .map(drop)
        } else {
            self.commit(txn).await
        }
    }

    /// A second Hello under one invite: somebody else saw the link. Nobody gets in by it.
    async fn freeze(&self, mut txn: Txn, mut invite: InviteRecord) -> Result<(), ContactError> {
        invite.state = convert::COMPROMISED;
        let id = InviteId::from_slice(&invite.id).ok_or(ContactError::Damaged)?;
        invites::put(&mut txn, &invite).map_err(ContactError::Store)?;
        let request = RequestId::from_slice(&invite.request);
        if let Some(request_id) = request
            && let Some(mut row) = requests::get(&txn, &request_id).map_err(ContactError::Store)?
            && row.state == convert::PENDING
        {
            row.state = convert::FROZEN;
            row.handshake.clear();
            requests::put(&mut txn, &row).map_err(ContactError::Store)?;
            self.request_changed(&mut txn, request_id)?;
        }
        self.0
            .bus
            .append(&mut txn, EventKind::InviteChanged { invite: id })
            .map_err(ContactError::Store)?;
        self.commit(txn).await
    }

    /// Invitee's side, B.1 step 6.
    async fn on_confirm(&self, route: RouteId, parcel: &[u8]) -> Result<(), ContactError> {
        let mut txn = self.begin();
        let id = RequestId(route.0);
        let Some(mut request) = requests::get(&txn, &id).map_err(ContactError::Store)? else {
            return Ok(());
        };
        if request.state != convert::PENDING && request.state != convert::SENT {
            return Ok(());
        }
        let link: InviteLink = request.link.parse().map_err(ContactError::ParseLink)?;
        let identity = IdentityId::from_slice(&request.identity).ok_or(ContactError::Damaged)?;
        let keys = self
            .0
            .identities
            .keys(identity)
            .map_err(ContactError::Identity)?;
        let addresses = self.my_addresses();
        let me = Me {
            ic: &keys.cert,
            manifest: &keys.manifest,
            device: &keys.device,
            name: &keys.name,
            addresses: &addresses,
        };
        let pending =
            PendingHello::from_bytes(&request.handshake).map_err(ContactError::Handshake)?;
        let made = handshake::open_confirm(&me, &link, &pending, parcel, self.0.bus.now())
            .map_err(ContactError::Handshake)?;
        // `name` held the alias the user wished for until their own name was known.
        let alias = std::mem::take(&mut request.name);
        let (contact, row) = self.establish(&mut txn, identity, &made, &alias, &addresses)?;
        request.name.clone_from(&made.peer.name);
        request.state = convert::ACCEPTED;
        request.contact = contact.0.to_vec();
        request.handshake.clear();
        request.link.clear();
        requests::put(&mut txn, &request).map_err(ContactError::Store)?;
        self.request_changed(&mut txn, id)?;
        self.commit(txn).await?;
        self.offer_route(&row)?;
        self.rise(Event::RouteAdded(RouteId(contact.0))).await;
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
    fn say(&self, route: RouteId, frame: Frame) {
        if let Err(error) = self.0.net.try_send(route, frame) {
            tracing::debug!(%error, "a handshake frame was not sent");
        }
    }
}
