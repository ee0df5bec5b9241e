//! From a parcel to what its author signed. Reads only.

use super::Neighbours;
use crate::{
    crypto::{
        self, CryptoError, DeviceCert, EnvelopeKind, OpenError, Opener, SealedEnvelope, Secret,
    },
    engine::{
        contacts::contact_from_record,
        identities::{IdentityError, Keys},
        messages::context,
    },
    model::{ContactId, ContactState, ConversationId, Fingerprint, MessageId, RouteId},
    protocol::{Payload, PayloadError, StatementError, message_id, open_statement},
    store::{StoreError, contacts, records::ContactRecord},
};
use std::sync::Arc;

/// Why a parcel or one of its envelopes has no effect.
#[derive(Debug, thiserror::Error)]
pub(super) enum RefusedError {
    #[error("no such contact")]
    NoContact,
    #[error("the contact is blocked")]
    Inactive,
    #[error("the parcel is not authentic")]
    Parcel(#[source] CryptoError),
    #[error("the envelope does not open")]
    Envelope(#[source] OpenError),
    #[error("the parcel needs a newer version of msgd")]
    Newer(#[source] CryptoError),
    #[error("the statement does not open")]
    Statement(#[source] StatementError),
    #[error("the payload is malformed")]
    Payload(#[source] PayloadError),
    #[error("the payload names another conversation or author")]
    Foreign,
    #[error("the contact's certificate cannot be read")]
    Cert(#[source] CryptoError),
    #[error("own keys cannot be read")]
    Keys(#[source] IdentityError),
    #[error("a record is damaged")]
    Damaged,
    #[error("the store failed")]
    Store(#[source] StoreError),
}

impl RefusedError {
    /// Whether trying again later can help: then the parcel must not be used up.
    pub(super) const fn is_ours(&self) -> bool {
        matches!(
            self,
            Self::Keys(_) | Self::Cert(_) | Self::Damaged | Self::Store(_)
        )
    }

    /// Whether the bytes cannot have come from somebody who may be heard.
    pub(super) const fn is_foreign(&self) -> bool {
        matches!(self, Self::Parcel(_) | Self::NoContact | Self::Inactive)
    }
}

/// One opened envelope.
pub(super) struct Opened {
    pub(super) payload: Payload,
    pub(super) id: MessageId,
}

/// What opening for one contact needs.
pub(super) struct Reader {
    keys: Arc<Keys>,
    device: Arc<DeviceCert>,
    conversation: ConversationId,
    context: [u8; 32],
}

impl Reader {
    pub(super) fn new(rooms: &Neighbours, route: RouteId) -> Result<Self, RefusedError> {
        let contact = contacts::get(&rooms.bus.store().read(), &ContactId(route.0))
            .map_err(RefusedError::Store)?
            .ok_or(RefusedError::NoContact)?;
        Self::of(rooms, &contact)
    }

    fn of(rooms: &Neighbours, contact: &ContactRecord) -> Result<Self, RefusedError> {
        let known = contact_from_record(contact).ok_or(RefusedError::Damaged)?;
        // Who was blocked a moment ago may have parcels on the way to this line.
        if known.state != ContactState::Active {
            return Err(RefusedError::Inactive);
        }
        let identity = known.identity;
        let keys = rooms
            .identities
            .keys(identity)
            .map_err(RefusedError::Keys)?;
        let conversation = known.conversation;
        let context = context(contact, &keys.cert.fingerprint(), conversation)
            .ok_or(RefusedError::Damaged)?;
        let device = rooms
            .identities
            .contact_cert(&contact.device_cert)
            .map_err(RefusedError::Cert)?;
        Ok(Self {
            keys,
            device,
            conversation,
            context,
        })
    }

    /// The contact's device.
    pub(super) fn author(&self) -> Fingerprint {
        self.device.fingerprint()
    }

    /// Opens parcel number `j` under its epoch's tag key.
    pub(super) fn open(
        &self,
        key: &Secret<32>,
        j: u64,
        parcel: &[u8],
    ) -> Result<Vec<Opened>, RefusedError> {
        let sealed = crypto::open_parcel(key, 0, j, parcel).map_err(|error| match error {
            // Authentic, so from the contact: told in the receipt instead of ignored.
            CryptoError::UnknownEnvelope { .. } | CryptoError::NewerVersion { .. } => {
                RefusedError::Newer(error)
            }
            error => RefusedError::Parcel(error),
        })?;
        sealed
            .iter()
            .map(|envelope| self.open_envelope(envelope))
            .collect()
    }

    pub(super) fn open_envelope(&self, envelope: &SealedEnvelope) -> Result<Opened, RefusedError> {
        let plain = match envelope.kind {
            EnvelopeKind::Sealed => {
                let opener = Opener::Device(&self.keys.device);
                crypto::open(opener, &self.device, &self.context, &envelope.bytes)
                    .map_err(RefusedError::Envelope)?
            }
            EnvelopeKind::Statement => open_statement(&self.device, &self.context, &envelope.bytes)
                .map_err(RefusedError::Statement)?,
            EnvelopeKind::Window => {
                return Err(RefusedError::Payload(PayloadError::Field("envelope")));
            }
        };
        let payload = Payload::decode(&plain).map_err(RefusedError::Payload)?;
        payload
            .check_envelope(envelope.kind)
            .map_err(RefusedError::Payload)?;
        if payload.conversation != self.conversation || payload.author_device != self.author() {
            return Err(RefusedError::Foreign);
        }
        let id = message_id(&plain, &payload.author_device);
        Ok(Opened { payload, id })
    }
}
