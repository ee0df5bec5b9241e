//! What a finished handshake leaves behind: contact, session, conversation, route.

use super::{ContactError, Contacts, RouteKind, convert, routes::parse_addresses};
use crate::{
    crypto::{Random, SystemRandom, hash},
    model::{
        ContactId, ConversationId, DeliveryState, EventKind, FailureReason, IdentityId, MessageId,
        RouteId,
    },
    protocol::{Established, PairKeys},
    store::{
        Txn, contacts, conversations, messages, outbox,
        records::{ContactRecord, ConversationRecord, RouteRecord, SessionRecord},
        routes, sessions,
    },
};
use std::net::SocketAddr;

impl Contacts {
    /// Writes everything that makes `made.peer` a contact of `identity` into `txn`. Somebody
    /// who was a contact before keeps the handle and gets new keys and a new conversation.
    pub(super) fn establish(
        &self,
        txn: &mut Txn,
        identity: IdentityId,
        made: &Established,
        alias: &str,
        told: &[SocketAddr],
    ) -> Result<(ContactId, RouteRecord), ContactError> {
        let peer = &made.peer;
        let fingerprint = peer.ic.fingerprint();
        let pair = PairKeys::derive(&made.root, made.initiator);
        let now = self.0.bus.now();
        let before = contacts::list(txn)
            .map_err(ContactError::Store)?
            .into_iter()
            .find(|row| row.identity == identity.0 && row.fingerprint == fingerprint.0);
        let known = before.is_some();
        let mut record = before.unwrap_or_else(|| {
            let mut id = [0; 16];
            SystemRandom.fill(&mut id);
            ContactRecord {
                id: id.to_vec(),
                created_at: now.0,
                verification: 1,
                ..ContactRecord::default()
            }
        });
        let id = ContactId::from_slice(&record.id).ok_or(ContactError::Damaged)?;
        record.identity = identity.0.to_vec();
        record.conversation = pair.conversation.0.to_vec();
        record.name.clone_from(&peer.name);
        if !alias.is_empty() {
            alias.clone_into(&mut record.alias);
        }
        record.identity_cert = peer.ic.to_bytes();
        record.device_cert = peer.device.to_bytes();
        record.manifest.clone_from(&peer.manifest);
        record.manifest_head = peer.manifest_head.to_vec();
        record.caps = peer.caps;
        record.state = convert::ACTIVE;
        record.inviter = !made.initiator;
        record.fingerprint = fingerprint.0.to_vec();
        record.device_fingerprint = peer.device.fingerprint().0.to_vec();
        record.told_addresses = addresses_hash(told).to_vec();
        let keys = self
            .0
            .identities
            .keys(identity)
            .map_err(ContactError::Identity)?;
        record.told_device_cert = hash(&[&keys.device_cert().to_bytes()]).to_vec();
        contacts::put(txn, &record).map_err(ContactError::Store)?;

        let session = SessionRecord {
            root: made.root.as_bytes().to_vec(),
            pair: pair.pair.as_bytes().to_vec(),
            send_key: pair.send_tag.as_bytes().to_vec(),
            send_since: now.0,
            ..SessionRecord::default()
        };
        sessions::put(txn, &id, &session).map_err(ContactError::Store)?;
        let conversation = ConversationRecord {
            id: pair.conversation.0.to_vec(),
            identity: identity.0.to_vec(),
            contact: id.0.to_vec(),
            ..ConversationRecord::default()
        };
        conversations::put(txn, &conversation).map_err(ContactError::Store)?;
        let route = RouteRecord {
            id: id.0.to_vec(),
            keys: vec![pair.link.as_bytes().to_vec()],
            addresses: peer.addresses.iter().map(ToString::to_string).collect(),
            kind: RouteKind::Contact.number(),
            recv_key: pair.recv_tag.as_bytes().to_vec(),
            ..RouteRecord::default()
        };
        if known {
            self.end_old_parcels(txn, id)?;
        }
        routes::put(txn, &route).map_err(ContactError::Store)?;
        let kind = if known {
            EventKind::ContactChanged { contact: id }
        } else {
            EventKind::ContactAdded { contact: id }
        };
        self.0.bus.append(txn, kind).map_err(ContactError::Store)?;
        Ok((id, route))
    }

    /// What was sealed under a former handshake's keys can never be opened, and its places
    /// would mislead the new ones.
    fn end_old_parcels(&self, txn: &mut Txn, id: ContactId) -> Result<(), ContactError> {
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
                stored.state = state.number();
                stored.reason = FailureReason::CannotOpen.number();
            })
            .map_err(ContactError::Store)?;
            let kind = EventKind::MessageState {
                conversation,
                message,
                state,
            };
            self.0.bus.append(txn, kind).map_err(ContactError::Store)?;
        }
        // Its outbox and what was kept go with the old route.
        routes::remove(txn, &route).map_err(ContactError::Store)?;
        Ok(())
    }
}

/// What [`ContactRecord::told_addresses`] holds for `addresses`.
#[must_use]
pub(crate) fn addresses_hash(addresses: &[SocketAddr]) -> [u8; 32] {
    let mut texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    texts.sort();
    debug_assert_eq!(
        parse_addresses(&texts).len(),
        texts.len(),
        "what was printed is parsed"
    );
    hash(&[texts.join(" ").as_bytes()])
}
