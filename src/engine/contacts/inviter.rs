//! The side that made the link (`protocol.md` B.1, step 4).

use super::{
    ContactError, Contacts, convert, establish, manifests,
    sweep::{shred_invite, shred_request},
};
use crate::{
    crypto::{Random, SystemRandom, hash},
    model::{EventKind, IdentityId, InviteId, RequestId, RouteId, limits},
    protocol::{self as handshake, IncomingHello, InviteLink, InviteUse, Me, Offer},
    store::{
        Txn, invites,
        records::{InviteRecord, RequestRecord},
        requests, routes,
    },
};

impl Contacts {
    /// Somebody uses an invite of ours.
    pub(super) async fn on_hello(&self, route: RouteId, parcel: &[u8]) -> Result<(), ContactError> {
        let mut txn = self.begin();
        let id = InviteId(route.0);
        let Some(mut invite) = invites::get(&txn, &id).map_err(ContactError::Store)? else {
            return Ok(());
        };
        let digest = hash(&[parcel]);
        if invite.state != convert::OPEN {
            // The same Hello again asks for nothing but its acknowledgement.
            if invite.state == convert::USED && invite.hello_hash != digest {
                return self.on_other_hello(txn, invite, parcel).await;
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
        let hello = self.open_hello(&invite, identity, parcel)?;
        let fingerprint = hello.peer.ic.fingerprint();
        if self.is_blocked(&txn, &fingerprint)? {
            return Ok(());
        }
        if let Some(known) = establish::find(&txn, identity, &fingerprint)? {
            manifests::goes_on(&known, &hello.peer)?;
        }
        let mut request_id = RequestId([0; 16]);
        SystemRandom.fill(&mut request_id.0);
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

    fn open_hello(
        &self,
        invite: &InviteRecord,
        identity: IdentityId,
        parcel: &[u8],
    ) -> Result<IncomingHello, ContactError> {
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
        let link: InviteLink = invite.link.parse().map_err(ContactError::ParseLink)?;
        let invite_keys = link.keys();
        let offer = Offer::from_bytes(&invite.offer).map_err(ContactError::Handshake)?;
        handshake::open_hello(&me, &invite_keys, &offer, parcel, self.0.bus.now())
            .map_err(ContactError::Handshake)
    }

    /// Something else than the first Hello under an invite that was used: an alarm only if it
    /// is a Hello. Bytes behind the right tag prove nothing, and must not freeze anybody.
    async fn on_other_hello(
        &self,
        txn: Txn,
        invite: InviteRecord,
        parcel: &[u8],
    ) -> Result<(), ContactError> {
        if invite.offer.is_empty() {
            return Err(ContactError::WrongState("the invite's request is decided"));
        }
        let identity = IdentityId::from_slice(&invite.identity).ok_or(ContactError::Damaged)?;
        let hello = self.open_hello(&invite, identity, parcel)?;
        let request = RequestId::from_slice(&invite.request).ok_or(ContactError::Damaged)?;
        let request = requests::get(&txn, &request).map_err(ContactError::Store)?;
        let first = request.map(|row| IncomingHello::from_bytes(&row.handshake));
        let first = first.transpose().map_err(ContactError::Handshake)?;
        match handshake::judge(first.as_ref().map(|first| &first.transcript), &hello) {
            InviteUse::Second => self.freeze(txn, invite).await,
            InviteUse::First | InviteUse::Repeat => Ok(()),
        }
    }

    /// A second Hello under one invite: somebody else saw the link. Nobody gets in by it.
    async fn freeze(&self, mut txn: Txn, mut invite: InviteRecord) -> Result<(), ContactError> {
        invite.state = convert::COMPROMISED;
        shred_invite(&mut invite);
        let id = InviteId::from_slice(&invite.id).ok_or(ContactError::Damaged)?;
        invites::put(&mut txn, &invite).map_err(ContactError::Store)?;
        let request = RequestId::from_slice(&invite.request);
        if let Some(request_id) = request
            && let Some(mut row) = requests::get(&txn, &request_id).map_err(ContactError::Store)?
            && row.state == convert::PENDING
        {
            row.state = convert::FROZEN;
            shred_request(&mut row);
            requests::put(&mut txn, &row).map_err(ContactError::Store)?;
            self.request_changed(&mut txn, request_id)?;
        }
        self.0
            .bus
            .append(&mut txn, EventKind::InviteChanged { invite: id })
            .map_err(ContactError::Store)?;
        self.drop_handshake_route(txn, RouteId(id.0)).await
    }
}
