//! From text to a sealed row: payload, envelope, parcel, and the records that count them.

use super::{
    MessageError,
    composer::{Sent, Tools},
    from_record,
    repair::origin,
};
use crate::{
    crypto::{
        self, CryptoError, DeviceCert, EnvelopeKind, Random, Recipient, SealedEnvelope, Secret,
        SystemRandom,
    },
    engine::identities::Keys,
    model::{
        ContactId, ConversationId, DeliveryState, EventKind, Fingerprint, Hlc, IdentityId,
        MessageId, RouteId, Timestamp, limits,
    },
    protocol::{Body, Payload, PayloadError, SendTags, message_id, pair_context, state},
    store::{
        Once, Txn, contacts, conversations, messages, outbox,
        records::{
            ContactRecord, ConversationRecord, OutboxRow, PastEpoch, SessionRecord, StoredMessage,
        },
        sessions,
    },
};
use std::sync::Arc;

/// Kinds of rows (`OutboxRow.kind`).
pub(super) const ROW_MESSAGE: u32 = 1;
pub(super) const ROW_UPDATE: u32 = 2;
pub(super) const ROW_VOID: u32 = 4;
pub(super) const ROW_MAILBOX: u32 = 5;
/// A parcel waits for 30 days and an epoch lasts seven, as on the receiving side.
const PAST_KEYS: usize = 7;

/// Everything that sealing for one contact reads, and what it changes.
pub(super) struct Desk {
    pub(super) id: ContactId,
    pub(super) now: Timestamp,
    pub(super) contact: ContactRecord,
    pub(super) conversation: ConversationRecord,
    pub(super) session: SessionRecord,
    pub(super) keys: Arc<Keys>,
    device: Arc<DeviceCert>,
    /// A user waits for what is sealed.
    awaited: bool,
    context: [u8; 32],
}

/// A sealed parcel and the tag slot it took.
pub(super) struct Sealed {
    pub(super) parcel: Vec<u8>,
    pub(super) message: MessageId,
    pub(super) epoch: u32,
    pub(super) index: u64,
}

impl Desk {
    /// Reads what belongs to `id`. Writes nothing.
    pub(super) fn open(tools: &Tools, txn: &Txn, id: ContactId) -> Result<Self, MessageError> {
        let contact = contacts::get(txn, &id)
            .map_err(MessageError::Store)?
            .ok_or(MessageError::NoContact)?;
        let session = sessions::get(txn, &id)
            .map_err(MessageError::Store)?
            .ok_or(MessageError::NoSession)?;
        let conversation_id =
            ConversationId::from_slice(&contact.conversation).ok_or(MessageError::Damaged)?;
        let conversation = conversations::get(txn, &conversation_id)
            .map_err(MessageError::Store)?
            .ok_or(MessageError::Damaged)?;
        let identity = IdentityId::from_slice(&contact.identity).ok_or(MessageError::Damaged)?;
        let keys = tools
            .identities
            .keys(identity)
            .map_err(MessageError::Identity)?;
        let device = tools
            .identities
            .contact_cert(&contact.device_cert)
            .map_err(MessageError::PeerCert)?;
        let context = context(&contact, &keys.cert.fingerprint(), conversation_id)
            .ok_or(MessageError::Damaged)?;
        Ok(Self {
            id,
            now: tools.bus.now(),
            contact,
            conversation,
            session,
            keys,
            device,
            awaited: false,
            context,
        })
    }

    /// Seals `body` and takes a tag for it. `seq` is 0 for what is not part of the conversation.
    pub(super) fn seal(
        &mut self,
        body: Body,
        seq: u64,
        expires: Option<Timestamp>,
    ) -> Result<Sealed, MessageError> {
        let payload = self.payload(body, seq, expires)?;
        let bytes = payload.encode().map_err(MessageError::Payload)?;
        self.seal_payload(payload.body.envelope_kind(), &bytes)
    }

    fn payload(
        &self,
        body: Body,
        seq: u64,
        expires: Option<Timestamp>,
    ) -> Result<Payload, MessageError> {
        let mut salt = [0; 16];
        SystemRandom.fill(&mut salt);
        Ok(Payload {
            conversation: ConversationId::from_slice(&self.conversation.id)
                .ok_or(MessageError::Damaged)?,
            author_device: self.keys.device.fingerprint(),
            seq,
            parents: self
                .conversation
                .heads
                .iter()
                .take(limits::MAX_PARENTS)
                .filter_map(|head| head.as_slice().try_into().ok())
                .collect(),
            hlc: Hlc(self.conversation.hlc),
            manifest_head_seen: self
                .contact
                .manifest_head
                .as_slice()
                .try_into()
                .unwrap_or([0; 32]),
            expires,
            salt,
            body,
        })
    }

    /// Seals a finished payload and takes a tag for it.
    pub(super) fn seal_payload(
        &mut self,
        kind: EnvelopeKind,
        bytes: &[u8],
    ) -> Result<Sealed, MessageError> {
        let message = message_id(bytes, &self.keys.device.fingerprint());
        let envelope = match kind {
            EnvelopeKind::Statement => {
                state(&self.keys.device, &self.context, bytes).map_err(MessageError::Statement)?
            }
            EnvelopeKind::Sealed => {
                let to = if self.awaited {
                    [Recipient::Ahead(&self.device)]
                } else {
                    [Recipient::Device(&self.device)]
                };
                crypto::seal(&self.keys.device, &to, &self.context, bytes, self.now).map_err(
                    |error| match error {
                        CryptoError::NoUsableSubkey => MessageError::KeysExpired(error),
                        other => MessageError::Seal(other),
                    },
                )?
            }
            // A word of the outbox's own, never a payload.
            EnvelopeKind::Window => {
                return Err(MessageError::Payload(PayloadError::Field("envelope")));
            }
        };
        let mut tags = SendTags {
            epoch: self.session.send_epoch,
            key: Secret::from_slice(&self.session.send_key).ok_or(MessageError::Damaged)?,
            next: self.session.send_next,
            since: Timestamp(self.session.send_since),
        };
        let before = (tags.epoch, self.session.send_key.clone());
        let (epoch, index) = tags.take(self.now);
        if before.0 != epoch {
            self.remember_key(before);
        }
        let sealed = SealedEnvelope {
            epoch,
            index,
            kind,
            bytes: envelope,
        };
        let parcel =
            crypto::seal_parcel(&tags.key, 0, index, &[sealed]).map_err(MessageError::Seal)?;
        self.session.send_epoch = tags.epoch;
        self.session.send_key = tags.key.as_bytes().to_vec();
        self.session.send_next = tags.next;
        self.session.send_since = tags.since.0;
        Ok(Sealed {
            parcel,
            message,
            epoch,
            index,
        })
    }

    /// Keeps the key of an epoch that is over: its parcels may have to be sealed once more, for a
    /// mailbox.
    fn remember_key(&mut self, (epoch, key): (u32, Vec<u8>)) {
        let past = PastEpoch {
            epoch,
            key,
            ..PastEpoch::default()
        };
        self.session.send_past.insert(0, past);
        self.session.send_past.truncate(PAST_KEYS);
    }

    /// Queues what tells the contact of a mailbox.
    pub(super) fn push_mailbox(&self, txn: &mut Txn, sealed: Sealed) -> Result<(), MessageError> {
        let row = OutboxRow {
            kind: ROW_MAILBOX,
            ..self.row(sealed)
        };
        self.push(txn, &row).map(drop)
    }

    /// Queues a sealed update.
    pub(super) fn push_update(&self, txn: &mut Txn, sealed: Sealed) -> Result<(), MessageError> {
        let row = OutboxRow {
            kind: ROW_UPDATE,
            ..self.row(sealed)
        };
        self.push(txn, &row).map(drop)
    }

    /// Queues a sealed `Void` of these numbers. It waits for as long as it takes: without it
    /// the reader has a hole for ever.
    pub(super) fn push_void(
        &self,
        txn: &mut Txn,
        sealed: Sealed,
        seqs: Vec<u64>,
    ) -> Result<(), MessageError> {
        let row = OutboxRow {
            kind: ROW_VOID,
            expires_at: i64::MAX,
            voids: seqs,
            ..self.row(sealed)
        };
        self.push(txn, &row).map(drop)
    }

    /// Spends the tag and queues the row under it, in this order: a tag that was spent for
    /// nothing is a hole that is announced, one that is taken twice is a lost message.
    fn push(&self, txn: &mut Txn, row: &OutboxRow) -> Result<u64, MessageError> {
        self.save_session(txn)?;
        outbox::push(txn, &RouteId(self.id.0), row).map_err(MessageError::Store)
    }

    pub(super) fn save_session(&self, txn: &mut Txn) -> Result<(), MessageError> {
        sessions::put(txn, &self.id, &self.session).map_err(MessageError::Store)
    }

    fn row(&self, sealed: Sealed) -> OutboxRow {
        OutboxRow {
            parcel: sealed.parcel,
            conversation: self.conversation.id.clone(),
            tag_epoch: sealed.epoch,
            tag_index: sealed.index,
            state: DeliveryState::Queued.number(),
            queued_at: self.now.0,
            expires_at: self.now.after(limits::MESSAGE_TTL).0,
            ..OutboxRow::default()
        }
    }
}

/// The envelope context of a direct conversation: the inviter's certificate comes first.
pub(crate) fn context(
    contact: &ContactRecord,
    own: &Fingerprint,
    conversation: ConversationId,
) -> Option<[u8; 32]> {
    let theirs = Fingerprint::from_slice(&contact.fingerprint)?;
    let (inviter, invitee) = if contact.inviter {
        (own, &theirs)
    } else {
        (&theirs, own)
    };
    Some(pair_context(&conversation, inviter, invitee))
}

/// Seals a text and writes everything that it changes.
pub(super) fn message(
    tools: &Tools,
    txn: &mut Txn,
    id: ContactId,
    text: String,
    once: &Once,
) -> Result<Sent, MessageError> {
    if let Some(answer) = once.find(txn).map_err(MessageError::Store)? {
        let (_, message) = answer.split_at_checked(16).ok_or(MessageError::Damaged)?;
        return Ok(Sent {
            message: MessageId::from_slice(message).ok_or(MessageError::Damaged)?,
            fresh: None,
            to: None,
        });
    }
    let mut desk = Desk::open(tools, txn, id)?;
    desk.awaited = true;
    let route = RouteId(id.0);
    let waiting = outbox::head(txn, &route).map_err(MessageError::Store)?.live;
    if usize::try_from(waiting).unwrap_or(usize::MAX) >= limits::MAX_OUTBOX_PER_CONTACT {
        return Err(MessageError::OutboxFull);
    }
    let seq = desk.conversation.own_seq + 1;
    desk.conversation.hlc = Hlc(desk.conversation.hlc).tick(desk.now).0;
    // How long delivery is tried is the outbox's affair; the text itself may stay.
    let payload = desk.payload(Body::Text(text.clone()), seq, None)?;
    let bytes = payload.encode().map_err(MessageError::Payload)?;
    let sealed = desk.seal_payload(payload.body.envelope_kind(), &bytes)?;
    let conversation =
        ConversationId::from_slice(&desk.conversation.id).ok_or(MessageError::Damaged)?;
    let id = sealed.message;
    let stored = StoredMessage {
        id: id.0.to_vec(),
        direction: 2,
        author_device: desk.keys.device.fingerprint().0.to_vec(),
        author_seq: seq,
        hlc: desk.conversation.hlc,
        stored_at: desk.now.0,
        text,
        state: DeliveryState::Queued.number(),
        tag_epoch: sealed.epoch,
        tag_index: sealed.index,
        origin: Some(origin(&payload)),
        ..StoredMessage::default()
    };
    let row = OutboxRow {
        message: id.0.to_vec(),
        kind: ROW_MESSAGE,
        ..desk.row(sealed)
    };
    let index =
        messages::append(txn, &conversation, stored.clone()).map_err(MessageError::Store)?;
    let record = &mut desk.conversation;
    record.message_count = index + 1;
    record.own_seq = seq;
    record.heads = vec![id.0.iter().take(16).copied().collect()];
    record.last_message = id.0.to_vec();
    record.last_at = desk.now.0;
    conversations::put(txn, record).map_err(MessageError::Store)?;
    let number = desk.push(txn, &row)?;
    messages::set_outbox_row(txn, &id, number).map_err(MessageError::Store)?;
    tools
        .bus
        .append(
            txn,
            EventKind::MessageQueued {
                conversation,
                message: id,
            },
        )
        .map_err(MessageError::Store)?;
    let answer: Vec<u8> = conversation.0.iter().chain(&id.0).copied().collect();
    once.put(txn, &answer).map_err(MessageError::Store)?;
    Ok(Sent {
        message: id,
        fresh: from_record(conversation, index, stored),
        to: Some(desk.device),
    })
}
