//! The side that was given the link (`protocol.md` B.1, steps 1 to 3 and 6).

use super::{ContactError, Contacts, convert, routes::parse_addresses, sweep::shred_request};
use crate::{
    crypto::SystemRandom,
    model::{IdentityId, RequestId, RouteId, VaultState, limits},
    protocol::{self as handshake, InviteLink, Me, PendingHello},
    store::{
        Txn,
        records::{RequestRecord, RouteRecord},
        requests, routes,
    },
    wire::Frame,
};

impl Contacts {
    /// The inviter's bundle is here: ask to become a contact.
    pub(super) async fn on_bundle(
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
        let opened = match handshake::open_bundle(&link, bundle, now) {
            Err(handshake::HandshakeError::Expired) => {
                // The user sees why nothing comes of it.
                return self.end_request(txn, request).await;
            }
            opened => opened.map_err(ContactError::Handshake)?,
        };
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

    /// They have our request.
    pub(super) async fn on_hello_taken(&self, route: RouteId) -> Result<(), ContactError> {
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

    /// Invitee's side, B.1 step 6.
    pub(super) async fn on_confirm(
        &self,
        route: RouteId,
        parcel: &[u8],
    ) -> Result<(), ContactError> {
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
        request.name.clone_from(&made.peer.name);
        let made = self.establish(&mut txn, identity, &made, &alias, &addresses)?;
        request.state = convert::ACCEPTED;
        request.contact = made.contact.0.to_vec();
        shred_request(&mut request);
        requests::put(&mut txn, &request).map_err(ContactError::Store)?;
        if let Some(mut row) = routes::get(&txn, &route).map_err(ContactError::Store)? {
            row.finishes = made.link;
            routes::put(&mut txn, &row).map_err(ContactError::Store)?;
        }
        self.request_changed(&mut txn, id)?;
        self.commit(txn).await?;
        self.offer_route(&made.route)?;
        self.rise(made.event);
        Ok(())
    }

    /// The invite's time is over: the request shows as expired and nobody is dialled any more.
    async fn end_request(
        &self,
        mut txn: Txn,
        mut request: RequestRecord,
    ) -> Result<(), ContactError> {
        let id = RequestId::from_slice(&request.id).ok_or(ContactError::Damaged)?;
        request.expires_at = self.0.bus.now().0;
        shred_request(&mut request);
        requests::put(&mut txn, &request).map_err(ContactError::Store)?;
        self.request_changed(&mut txn, id)?;
        self.drop_handshake_route(txn, RouteId(id.0)).await
    }
}
