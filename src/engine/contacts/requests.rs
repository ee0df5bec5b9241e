//! Using an invite; accepting and declining those who used ours.

use super::{
    ContactError, Contacts, Event, RouteKind, convert,
    sweep::{shred_invite, shred_request},
};
use crate::{
    crypto::{Random, SystemRandom, ic_hash20},
    model::{EventKind, IdentityId, InviteId, Request, RequestId, RouteId, limits},
    protocol::{self as handshake, IncomingHello, InviteLink, Me},
    store::{
        Once, StoreError, Txn, contacts, invites,
        records::{InviteRecord, RequestRecord, RouteRecord},
        requests, routes,
    },
};

/// Whom to ask.
#[derive(Clone, Debug)]
pub struct NewContact {
    /// As whom.
    pub identity: IdentityId,
    /// Their invite, as given.
    pub link: String,
    /// A few words for them.
    pub greeting: String,
    /// What to call them here.
    pub alias: String,
}

impl Contacts {
    /// Uses an invite. The request goes on by itself until answered or out of time.
    ///
    /// # Errors
    /// An unreadable, own or already used link, a greeting that is too long, locked, or what
    /// the store says.
    pub async fn add(&self, new: NewContact, once: Once) -> Result<Request, ContactError> {
        let link: InviteLink = new.link.parse().map_err(ContactError::ParseLink)?;
        if new.greeting.len() > limits::MAX_GREETING_BYTES {
            return Err(ContactError::GreetingTooLong);
        }
        check_alias(&new.alias)?;
        for identity in self.0.identities.list().map_err(ContactError::Identity)? {
            if ic_hash20(&identity.fingerprint) == link.ic_hash {
                return Err(ContactError::OwnInvite);
            }
        }
        let now = self.0.bus.now();
        let mut id = RequestId([0; 16]);
        SystemRandom.fill(&mut id.0);
        let invite_keys = link.keys();
        let text = link.to_string();

        let mut txn = self.begin();
        if let Some(answer) = once.find(&txn).map_err(ContactError::Store)? {
            let id = RequestId::from_slice(&answer).ok_or(ContactError::Damaged)?;
            return self.request_in(&txn, id);
        }
        let rows = requests::list(&txn).map_err(ContactError::Store)?;
        let hash = crate::crypto::hash(&[text.as_bytes()]);
        if rows
            .iter()
            .any(|row| row.direction == convert::OUTGOING && row.invite == hash[..16])
        {
            return Err(ContactError::AlreadyUsed);
        }
        let contacts = contacts::list(&txn).map_err(ContactError::Store)?.len();
        if contacts >= limits::MAX_CONTACTS {
            return Err(ContactError::TooMany("contacts"));
        }
        // The link does not say when it ends; the signed bundle will.
        let expires_at = now.after(limits::MAX_INVITE_TTL);
        let record = RequestRecord {
            id: id.0.to_vec(),
            identity: new.identity.0.to_vec(),
            direction: convert::OUTGOING,
            invite: hash[..16].to_vec(),
            name: new.alias,
            greeting: new.greeting,
            state: convert::PENDING,
            created_at: now.0,
            expires_at: expires_at.0,
            link: text,
            ..RequestRecord::default()
        };
        let route = RouteRecord {
            id: id.0.to_vec(),
            keys: vec![invite_keys.link.as_bytes().to_vec()],
            secrets: vec![invite_keys.rdv.as_bytes().to_vec()],
            inviter: vec![false],
            addresses: link.hints.iter().map(ToString::to_string).collect(),
            kind: RouteKind::Outgoing.number(),
            expected_tag: handshake::confirm_tag(&invite_keys).to_vec(),
            expires_at: expires_at.0,
            ..RouteRecord::default()
        };
        requests::put(&mut txn, &record).map_err(ContactError::Store)?;
        routes::put(&mut txn, &route).map_err(ContactError::Store)?;
        once.put(&mut txn, &id.0).map_err(ContactError::Store)?;
        self.request_changed(&mut txn, id)?;
        self.commit(txn).await?;
        self.offer_route(&route)?;
        self.rise(Event::HandshakeWaits(RouteId(id.0)));
        convert::request(&record, now).ok_or(ContactError::Damaged)
    }

    /// Accepts an incoming request: they become a contact, and are told.
    ///
    /// # Errors
    /// No such request, not waiting, locked, or what the store says.
    pub async fn accept(&self, id: RequestId, alias: String) -> Result<Request, ContactError> {
        check_alias(&alias)?;
        let txn = self.begin();
        let row = self.row(&txn, id)?;
        let now = self.0.bus.now();
        match (row.direction, row.state) {
            (convert::INCOMING, convert::PENDING) if row.expires_at > now.0 => {}
            (convert::INCOMING, convert::ACCEPTED) => {
                return convert::request(&row, now).ok_or(ContactError::Damaged);
            }
            (convert::INCOMING, convert::FROZEN) => {
                return Err(ContactError::WrongState(
                    "the invite was presented twice, so somebody else saw the link: make a new one",
                ));
            }
            (convert::INCOMING, _) => {
                return Err(ContactError::WrongState(
                    "the request is not waiting any more",
                ));
            }
            _ => {
                return Err(ContactError::WrongState(
                    "an outgoing request is theirs to accept",
                ));
            }
        }
        let invite = invite_of(&txn, &row)
            .map_err(ContactError::Store)?
            .ok_or(ContactError::NotFound)?;
        self.confirm(txn, row, invite, alias).await
    }

    /// Makes the contact and the Confirm, in one batch, and has it handed over.
    pub(super) async fn confirm(
        &self,
        mut txn: Txn,
        mut row: RequestRecord,
        mut invite: InviteRecord,
        alias: String,
    ) -> Result<Request, ContactError> {
        let now = self.0.bus.now();
        let identity = IdentityId::from_slice(&row.identity).ok_or(ContactError::Damaged)?;
        let id = RequestId::from_slice(&row.id).ok_or(ContactError::Damaged)?;
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
        let link: InviteLink = invite.link.parse().map_err(ContactError::ParseLink)?;
        let invite_keys = link.keys();
        let hello = IncomingHello::from_bytes(&row.handshake).map_err(ContactError::Handshake)?;
        let (parcel, made) = handshake::confirm(&me, &invite_keys, &hello, now, &mut SystemRandom)
            .map_err(ContactError::Handshake)?;
        let made = self.establish(&mut txn, identity, &made, &alias, &addresses)?;
        let waiting = RouteRecord {
            id: invite.id.clone(),
            keys: vec![invite_keys.link.as_bytes().to_vec()],
            secrets: vec![invite_keys.rdv.as_bytes().to_vec()],
            inviter: vec![true],
            addresses: hello
                .peer
                .addresses
                .iter()
                .map(ToString::to_string)
                .collect(),
            kind: RouteKind::Confirming.number(),
            outgoing: parcel,
            expected_tag: handshake::hello_tag(&invite_keys).to_vec(),
            expires_at: invite.expires_at.max(now.after(limits::MESSAGE_TTL).0),
            finishes: made.link,
            ..RouteRecord::default()
        };
        routes::put(&mut txn, &waiting).map_err(ContactError::Store)?;
        row.state = convert::ACCEPTED;
        row.contact = made.contact.0.to_vec();
        shred_request(&mut row);
        requests::put(&mut txn, &row).map_err(ContactError::Store)?;
        // The link has done its one thing.
        shred_invite(&mut invite);
        invites::put(&mut txn, &invite).map_err(ContactError::Store)?;
        self.request_changed(&mut txn, id)?;
        self.commit(txn).await?;
        self.offer_route(&made.route)?;
        self.offer_route(&waiting)?;
        self.rise(made.event);
        let waits = RouteId::from_slice(&waiting.id).ok_or(ContactError::Damaged)?;
        self.rise(Event::HandshakeWaits(waits));
        convert::request(&row, now).ok_or(ContactError::Damaged)
    }

    /// Declines an incoming request, or withdraws an outgoing one. Tells them nothing.
    ///
    /// # Errors
    /// No such request, already accepted, locked, or what the store says.
    pub async fn decline(&self, id: RequestId) -> Result<Request, ContactError> {
        let mut txn = self.begin();
        let mut row = self.row(&txn, id)?;
        let now = self.0.bus.now();
        match row.state {
            convert::ACCEPTED => {
                return Err(ContactError::WrongState(
                    "the request was accepted: block the contact instead",
                ));
            }
            convert::DECLINED => return convert::request(&row, now).ok_or(ContactError::Damaged),
            _ => {}
        }
        let route = if row.direction == convert::INCOMING {
            &row.invite
        } else {
            &row.id
        };
        let route = RouteId::from_slice(route).ok_or(ContactError::Damaged)?;
        row.state = convert::DECLINED;
        shred_request(&mut row);
        requests::put(&mut txn, &row).map_err(ContactError::Store)?;
        if let Some(mut invite) = invite_of(&txn, &row).map_err(ContactError::Store)? {
            shred_invite(&mut invite);
            invites::put(&mut txn, &invite).map_err(ContactError::Store)?;
        }
        self.request_changed(&mut txn, id)?;
        self.drop_handshake_route(txn, route).await?;
        convert::request(&row, now).ok_or(ContactError::Damaged)
    }

    pub(super) fn request_changed(&self, txn: &mut Txn, id: RequestId) -> Result<(), ContactError> {
        self.0
            .bus
            .append(txn, EventKind::RequestChanged { request: id })
            .map_err(ContactError::Store)
    }

    fn row(&self, txn: &Txn, id: RequestId) -> Result<RequestRecord, ContactError> {
        requests::get(txn, &id)
            .map_err(ContactError::Store)?
            .ok_or(ContactError::NotFound)
    }

    fn request_in(&self, txn: &Txn, id: RequestId) -> Result<Request, ContactError> {
        convert::request(&self.row(txn, id)?, self.0.bus.now()).ok_or(ContactError::Damaged)
    }
}

pub(super) fn check_alias(alias: &str) -> Result<(), ContactError> {
    let fits = alias.len() <= limits::MAX_NAME_BYTES && !alias.chars().any(char::is_control);
    if fits {
        Ok(())
    } else {
        Err(ContactError::BadName)
    }
}

fn invite_of(txn: &Txn, row: &RequestRecord) -> Result<Option<InviteRecord>, StoreError> {
    InviteId::from_slice(&row.invite).map_or(Ok(None), |id| invites::get(txn, &id))
}
