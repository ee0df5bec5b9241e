//! Making and revoking invites.

use super::{ContactError, Contacts, RouteKind, convert, sweep::shred_invite};
use crate::{
    crypto::{Random, SystemRandom, ic_hash20},
    model::{EventKind, IdentityId, Invite, InviteId, RouteId, limits},
    protocol::{self as handshake, InviteFlags, InviteLink, Me},
    store::{
        Once, invites,
        records::{InviteRecord, RouteRecord},
        routes,
    },
};
use std::{net::SocketAddr, time::Duration};

/// Shorter ones are gone before anybody can type them.
const LEAST_TTL: Duration = Duration::from_secs(60);

/// What an invite shall be.
#[derive(Clone, Debug)]
pub struct NewInvite {
    /// For whom it speaks.
    pub identity: IdentityId,
    /// How long it can be used.
    pub ttl: Duration,
    /// Seen by its owner only.
    pub note: String,
    /// Accept the request it brings without asking.
    pub auto_accept: bool,
    /// Addresses for the link; empty means our own.
    pub addresses: Vec<SocketAddr>,
}

impl Contacts {
    /// Makes an invite and returns it with its link.
    ///
    /// # Errors
    /// A bad lifetime or note, too many open invites, locked, or what the store says.
    pub async fn create_invite(
        &self,
        new: NewInvite,
        once: Once,
    ) -> Result<(Invite, InviteLink), ContactError> {
        if new.ttl < LEAST_TTL || new.ttl > limits::MAX_INVITE_TTL {
            return Err(ContactError::BadLifetime);
        }
        if new.note.len() > limits::MAX_NAME_BYTES {
            return Err(ContactError::BadName);
        }
        let keys = self
            .0
            .identities
            .keys(new.identity)
            .map_err(ContactError::Identity)?;
        let (now, addresses) = (self.0.bus.now(), self.my_addresses());
        let expires_at = now.after(new.ttl);
        let mut rng = SystemRandom;
        let (mut id, mut secret) = (InviteId([0; 16]), [0; 16]);
        rng.fill(&mut id.0);
        rng.fill(&mut secret);
        let ic_hash = ic_hash20(&keys.cert.fingerprint());
        let hints = if new.addresses.is_empty() {
            &addresses
        } else {
            &new.addresses
        };
        let link = InviteLink::new(InviteFlags::default(), secret, ic_hash, hints);
        let invite_keys = link.keys();
        let me = Me {
            ic: &keys.cert,
            manifest: &keys.manifest,
            device: &keys.device,
            name: &keys.name,
            addresses: &addresses,
        };
        let offer = handshake::offer(&me, &invite_keys, expires_at, now, &mut rng)
            .map_err(ContactError::Handshake)?;

        let mut txn = self.begin();
        if let Some(answer) = once.find(&txn).map_err(ContactError::Store)? {
            drop(txn);
            return self.made_before(&answer);
        }
        let open = invites::list(&txn).map_err(ContactError::Store)?;
        let open = open
            .iter()
            .filter(|row| row.state == convert::OPEN && row.expires_at > now.0);
        if open.count() >= limits::MAX_OPEN_INVITES {
            return Err(ContactError::TooMany("open invites"));
        }
        let record = InviteRecord {
            id: id.0.to_vec(),
            identity: new.identity.0.to_vec(),
            secret: secret.to_vec(),
            offer: offer.to_bytes().to_vec(),
            state: convert::OPEN,
            note: new.note,
            auto_accept: new.auto_accept,
            created_at: now.0,
            expires_at: expires_at.0,
            link: link.to_string(),
            ..InviteRecord::default()
        };
        let route = RouteRecord {
            id: id.0.to_vec(),
            keys: vec![invite_keys.link.as_bytes().to_vec()],
            secrets: vec![invite_keys.rdv.as_bytes().to_vec()],
            inviter: vec![true],
            kind: RouteKind::Invite.number(),
            outgoing: offer.bundle,
            expected_tag: handshake::hello_tag(&invite_keys).to_vec(),
            expires_at: expires_at.0,
            ..RouteRecord::default()
        };
        invites::put(&mut txn, &record).map_err(ContactError::Store)?;
        routes::put(&mut txn, &route).map_err(ContactError::Store)?;
        once.put(&mut txn, &id.0).map_err(ContactError::Store)?;
        self.0
            .bus
            .append(&mut txn, EventKind::InviteChanged { invite: id })
            .map_err(ContactError::Store)?;
        self.commit(txn).await?;
        self.offer_route(&route)?;
        let invite = convert::invite(&record, now).ok_or(ContactError::Damaged)?;
        Ok((invite, link))
    }

    fn made_before(&self, id: &[u8]) -> Result<(Invite, InviteLink), ContactError> {
        let id = InviteId::from_slice(id).ok_or(ContactError::Damaged)?;
        let row = invites::get(&self.store().read(), &id)
            .map_err(ContactError::Store)?
            .ok_or(ContactError::NotFound)?;
        if row.link.is_empty() {
            return Err(ContactError::WrongState(
                "the invite made before with this key is used up",
            ));
        }
        let link = row.link.parse().map_err(ContactError::ParseLink)?;
        Ok((
            convert::invite(&row, self.0.bus.now()).ok_or(ContactError::Damaged)?,
            link,
        ))
    }

    /// Withdraws an open invite: its keys are gone, whoever presents it finds nobody.
    ///
    /// # Errors
    /// No such invite, not open, locked, or what the store says.
    pub async fn revoke_invite(&self, id: InviteId) -> Result<Invite, ContactError> {
        let mut txn = self.begin();
        let mut row = invites::get(&txn, &id)
            .map_err(ContactError::Store)?
            .ok_or(ContactError::NotFound)?;
        match row.state {
            convert::OPEN => {}
            convert::REVOKED => {
                return convert::invite(&row, self.0.bus.now()).ok_or(ContactError::Damaged);
            }
            _ => return Err(ContactError::WrongState("the invite is not open any more")),
        }
        row.state = convert::REVOKED;
        shred_invite(&mut row);
        invites::put(&mut txn, &row).map_err(ContactError::Store)?;
        self.0
            .bus
            .append(&mut txn, EventKind::InviteChanged { invite: id })
            .map_err(ContactError::Store)?;
        self.drop_handshake_route(txn, RouteId(id.0)).await?;
        convert::invite(&row, self.0.bus.now()).ok_or(ContactError::Damaged)
    }
}
