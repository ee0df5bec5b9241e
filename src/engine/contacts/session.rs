//! Which session a contact is written to under, and the one beside it.
//!
//! Two people who use each other's invites make two handshakes, and so two sessions. Both
//! sides keep both until they know which one the other uses: see the room's decisions.

use super::{ContactError, Contacts, RouteKind};
use crate::{
    crypto::{Secret, derive},
    model::{
        ContactId, ConversationId, DeliveryState, EventKind, FailureReason, MessageId, RouteId,
    },
    net::LinkKey,
    protocol::{Established, PairKeys},
    store::{
        Txn, contacts, conversations, messages, outbox,
        records::{ContactRecord, ConversationRecord, RivalRecord, RouteRecord, SessionRecord},
        routes, sessions,
    },
};

/// What a link says about the session that it was proven with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkMeaning {
    /// The other side holds the present session too.
    Present,
    /// The other side uses the session beside the present one.
    Rival,
    /// The key was given up while the link came up.
    Stale,
}

/// The session that a handshake has made, before anything was sent under it.
pub(super) fn fresh(made: &Established, now: i64) -> RivalRecord {
    let pair = PairKeys::derive(&made.root, made.initiator);
    let next: Secret<32> = derive(made.root.as_bytes(), "next", &[]);
    RivalRecord {
        conversation: pair.conversation.0.to_vec(),
        inviter: !made.initiator,
        device_cert: made.peer.device.to_bytes(),
        device_fingerprint: made.peer.device.fingerprint().0.to_vec(),
        session: Some(SessionRecord {
            next: next.as_bytes().to_vec(),
            pair: pair.pair.as_bytes().to_vec(),
            send_key: pair.send_tag.as_bytes().to_vec(),
            send_since: now,
            ..SessionRecord::default()
        }),
        lane: Some(RouteRecord {
            keys: vec![pair.link.as_bytes().to_vec()],
            secrets: vec![pair.pair.as_bytes().to_vec()],
            inviter: vec![!made.initiator],
            recv_key: pair.recv_tag.as_bytes().to_vec(),
            ..RouteRecord::default()
        }),
        lost: Vec::new(),
    }
}

/// The link key of `session`.
pub(super) fn link_key(session: &RivalRecord) -> Result<Vec<u8>, ContactError> {
    let key = session.lane.as_ref().and_then(|lane| lane.keys.first());
    key.cloned().ok_or(ContactError::Damaged)
}

/// Has `route` know `sessions`, the present one first: by their link keys, and by the secrets
/// to find each other with.
pub(super) fn know(route: &mut RouteRecord, sessions: &[&RivalRecord]) -> Result<(), ContactError> {
    let mut lanes = Vec::new();
    for session in sessions {
        lanes.push(session.lane.as_ref().ok_or(ContactError::Damaged)?);
    }
    let first = |list: fn(&RouteRecord) -> &[Vec<u8>]| -> Vec<Vec<u8>> {
        let firsts = lanes.iter().filter_map(|lane| list(lane).first().cloned());
        firsts.collect()
    };
    (route.keys, route.secrets) = (first(|lane| &lane.keys), first(|lane| &lane.secrets));
    let sides = lanes.iter().filter_map(|lane| lane.inviter.first());
    route.inviter = sides.copied().collect();
    if route.keys.len() == sessions.len() {
        Ok(())
    } else {
        Err(ContactError::Damaged)
    }
}

/// The present session of `contact`, taken apart from what stays whichever session is used.
pub(super) fn present(
    txn: &Txn,
    contact: &ContactRecord,
) -> Result<Option<RivalRecord>, ContactError> {
    let id = ContactId::from_slice(&contact.id).ok_or(ContactError::Damaged)?;
    let session = sessions::get(txn, &id).map_err(ContactError::Store)?;
    let route = routes::get(txn, &RouteId(id.0)).map_err(ContactError::Store)?;
    let (Some(session), Some(route)) = (session, route) else {
        return Ok(None);
    };
    Ok(Some(RivalRecord {
        conversation: contact.conversation.clone(),
        inviter: contact.inviter,
        device_cert: contact.device_cert.clone(),
        device_fingerprint: contact.device_fingerprint.clone(),
        session: Some(session),
        lane: Some(RouteRecord {
            id: Vec::new(),
            keys: route.keys.into_iter().take(1).collect(),
            secrets: route.secrets.into_iter().take(1).collect(),
            inviter: route.inviter.into_iter().take(1).collect(),
            addresses: Vec::new(),
            spool_head: 0,
            spool_tail: 0,
            ..route
        }),
        lost: Vec::new(),
    }))
}

/// Makes `session` the one that `contact` is written to under. Of its route, only the
/// addresses and the session beside it are given.
pub(super) fn enter(
    txn: &mut Txn,
    contact: &mut ContactRecord,
    session: RivalRecord,
    addresses: Vec<String>,
    beside: Option<&RivalRecord>,
) -> Result<RouteRecord, ContactError> {
    let id = ContactId::from_slice(&contact.id).ok_or(ContactError::Damaged)?;
    let mut route = session.lane.clone().ok_or(ContactError::Damaged)?;
    let known: Vec<&RivalRecord> = std::iter::once(&session).chain(beside).collect();
    know(&mut route, &known)?;
    let record = session.session.ok_or(ContactError::Damaged)?;
    contact.conversation.clone_from(&session.conversation);
    contact.inviter = session.inviter;
    if contact.device_fingerprint != session.device_fingerprint {
        contact.device_fingerprint = session.device_fingerprint;
        contact.device_cert = session.device_cert;
    }
    contacts::put(txn, contact).map_err(ContactError::Store)?;
    sessions::put(txn, &id, &record).map_err(ContactError::Store)?;
    let conversation =
        ConversationId::from_slice(&contact.conversation).ok_or(ContactError::Damaged)?;
    if conversations::get(txn, &conversation)
        .map_err(ContactError::Store)?
        .is_none()
    {
        let row = ConversationRecord {
            id: contact.conversation.clone(),
            identity: contact.identity.clone(),
            contact: contact.id.clone(),
            ..ConversationRecord::default()
        };
        conversations::put(txn, &row).map_err(ContactError::Store)?;
    }
    route.id.clone_from(&contact.id);
    route.addresses = addresses;
    route.kind = RouteKind::Contact.number();
    routes::put(txn, &route).map_err(ContactError::Store)?;
    Ok(route)
}

impl Contacts {
    /// What it means that a link to `contact` is up under `key`.
    ///
    /// # Errors
    /// What the store says.
    pub fn link_meaning(
        &self,
        contact: RouteId,
        key: LinkKey,
    ) -> Result<LinkMeaning, ContactError> {
        let row = routes::get(&self.store().read(), &contact).map_err(ContactError::Store)?;
        let at = row.and_then(|row| row.keys.iter().position(|known| *known == key.0));
        Ok(match at {
            Some(0) => LinkMeaning::Present,
            Some(_) => LinkMeaning::Rival,
            None => LinkMeaning::Stale,
        })
    }

    /// A link is up under the present session: the other side has it.
    ///
    /// # Errors
    /// Locked, or what the store says.
    pub async fn prove_session(&self, contact: ContactId) -> Result<(), ContactError> {
        let mut txn = self.begin();
        let Some(mut session) = sessions::get(&txn, &contact).map_err(ContactError::Store)? else {
            return Ok(());
        };
        if session.proven {
            return Ok(());
        }
        session.proven = true;
        sessions::put(&mut txn, &contact, &session).map_err(ContactError::Store)?;
        self.commit(txn).await
    }

    /// The other side uses the session beside the present one: both change places. Whoever
    /// remembers tags of the former must have been told to forget them. Returns the numbers of
    /// messages that were ended when the session now present was left: they are to be declared
    /// void, or the other side waits for them.
    ///
    /// # Errors
    /// Locked, or what the store says.
    pub async fn change_session(&self, id: ContactId) -> Result<Vec<u64>, ContactError> {
        let mut txn = self.begin();
        let mut contact = self.contact_row(&txn, id)?;
        let rival = sessions::rival(&txn, &id).map_err(ContactError::Store)?;
        let former = present(&txn, &contact)?;
        let route = routes::get(&txn, &RouteId(id.0)).map_err(ContactError::Store)?;
        let (Some(mut rival), Some(former), Some(route)) = (rival, former, route) else {
            return Err(ContactError::Damaged);
        };
        if let Some(session) = &mut rival.session {
            session.proven = true;
        }
        let lost = std::mem::take(&mut rival.lost);
        let former = self.leave(&mut txn, former, id, FailureReason::CannotOpen)?;
        set_aside(&mut txn, id, &former)?;
        let beside = Some(&former);
        let route = enter(&mut txn, &mut contact, rival, route.addresses, beside)?;
        self.0
            .bus
            .append(&mut txn, EventKind::ContactChanged { contact: id })
            .map_err(ContactError::Store)?;
        self.commit(txn).await?;
        self.offer_route(&route)?;
        Ok(lost)
    }

    /// The other side has taken a parcel under the present session, so it uses that one: the
    /// session beside it is of no more use.
    ///
    /// # Errors
    /// What the store says.
    pub async fn settle_session(&self, id: ContactId) -> Result<(), ContactError> {
        let route_id = RouteId(id.0);
        let unsettled = self
            .unsettled()
            .get(&route_id)
            .is_some_and(|present| self.connected().get(&route_id) == Some(present));
        if !unsettled || !self.is_unlocked() {
            return Ok(());
        }
        let mut txn = self.begin();
        let Some(mut route) = routes::get(&txn, &route_id).map_err(ContactError::Store)? else {
            return Ok(());
        };
        route.keys.truncate(1);
        route.secrets.truncate(1);
        route.inviter.truncate(1);
        routes::put(&mut txn, &route).map_err(ContactError::Store)?;
        sessions::remove_rival(&mut txn, &id).map_err(ContactError::Store)?;
        self.commit(txn).await?;
        self.offer_route(&route)
    }

    /// Ends the parcels sealed under `session`, for `reason`: they can never be opened under
    /// another, and their places would mislead it. Its outbox and what was kept go with the route.
    pub(super) fn leave(
        &self,
        txn: &mut Txn,
        mut session: RivalRecord,
        id: ContactId,
        reason: FailureReason,
    ) -> Result<RivalRecord, ContactError> {
        let route = RouteId(id.0);
        let head = outbox::head(txn, &route).map_err(ContactError::Store)?.head;
        for (_, row) in
            outbox::scan(txn, &route, head, u64::MAX, usize::MAX).map_err(ContactError::Store)?
        {
            let (Some(message), Some(conversation)) = (
                MessageId::from_slice(&row.message),
                ConversationId::from_slice(&row.conversation),
            ) else {
                continue;
            };
            let Some(place) = messages::find(txn, &message).map_err(ContactError::Store)? else {
                continue;
            };
            let state = DeliveryState::Failed;
            messages::update(txn, &conversation, place.index, |stored| {
                session.lost.push(stored.author_seq);
                stored.state = state.number();
                stored.reason = reason.number();
            })
            .map_err(ContactError::Store)?;
            let kind = EventKind::MessageState {
                conversation,
                message,
                state,
            };
            self.0.bus.append(txn, kind).map_err(ContactError::Store)?;
        }
        routes::remove(txn, &route).map_err(ContactError::Store)?;
        Ok(session)
    }
}

/// Keeps `former` beside the present session. If nobody has said anything in its conversation,
/// that goes: two empty ones would puzzle.
pub(super) fn set_aside(
    txn: &mut Txn,
    id: ContactId,
    former: &RivalRecord,
) -> Result<(), ContactError> {
    sessions::put_rival(txn, &id, former).map_err(ContactError::Store)?;
    let conversation =
        ConversationId::from_slice(&former.conversation).ok_or(ContactError::Damaged)?;
    let row = conversations::get(txn, &conversation).map_err(ContactError::Store)?;
    if row.is_some_and(|row| is_untouched(&row)) {
        conversations::remove(txn, &conversation).map_err(ContactError::Store)?;
    }
    Ok(())
}

fn is_untouched(row: &ConversationRecord) -> bool {
    row.message_count == 0
        && row.own_seq == 0
        && row.peer_seq == 0
        && row.held.is_empty()
        && row.taken.is_empty()
}
