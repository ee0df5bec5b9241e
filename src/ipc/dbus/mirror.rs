//! What the bus is shown of each model, and what is told when one changes.

use super::{
    names,
    objects::{ContactObject, ConversationObject, IdentityObject, RequestObject},
    served::Private,
    words,
};
use crate::{
    model::{
        Contact, ContactId, Conversation, ConversationId, Identity, IdentityId, Page, PageRequest,
        Presence, Request, RequestId, RequestState,
    },
    service::{Result, Selector, Service, Status},
};
use std::{future::Future, hash::Hash};
use zbus::{OwnedObjectPath, Variant};

/// One `PropertiesChanged`: values of counters, states and booleans; of names, texts and
/// fingerprints only that they changed.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Changes {
    pub(super) values: Vec<(&'static str, Variant<'static>)>,
    pub(super) invalidated: Vec<&'static str>,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.invalidated.is_empty()
    }

    fn tell<T: PartialEq + Into<Variant<'static>>>(
        mut self,
        name: &'static str,
        was: T,
        is: T,
    ) -> Self {
        if was != is {
            self.values.push((name, is.into()));
        }
        self
    }

    fn hint<T: PartialEq>(mut self, name: &'static str, was: &T, is: &T) -> Self {
        if was != is {
            self.invalidated.push(name);
        }
        self
    }
}

/// A model that has an object on the bus.
pub(super) trait Mirrored: Clone + Send + Sync + 'static {
    /// Its id.
    type Id: Copy + Eq + Hash + Send + Sync;
    /// What serves it.
    type Object: Private;

    fn id(&self) -> Self::Id;
    fn path(id: Self::Id) -> OwnedObjectPath;
    fn object(service: Service, id: Self::Id) -> Self::Object;
    fn changes(was: &Self, is: &Self) -> Changes;
    fn get(service: &Service, id: Self::Id) -> impl Future<Output = Result<Self>> + Send;
    fn list(
        service: &Service,
        page: PageRequest,
    ) -> impl Future<Output = Result<Page<Self>>> + Send;

    /// Whether it has an object at all.
    fn is_shown(&self) -> bool {
        true
    }
}

impl Mirrored for Contact {
    type Id = ContactId;
    type Object = ContactObject;

    fn id(&self) -> ContactId {
        self.id
    }

    fn path(id: ContactId) -> OwnedObjectPath {
        names::contact(id)
    }

    fn object(service: Service, id: ContactId) -> ContactObject {
        ContactObject { service, id }
    }

    fn changes(was: &Self, is: &Self) -> Changes {
        let connected = |contact: &Self| contact.presence == Presence::Connected;
        let state = |contact: &Self| words::contact_state(contact.state);
        let verification = |contact: &Self| words::verification(contact.verification);
        Changes::default()
            .tell("State", state(was), state(is))
            .tell("Verification", verification(was), verification(is))
            .tell("Connected", connected(was), connected(is))
            .hint("Name", &was.name, &is.name)
            .hint("Alias", &was.alias, &is.alias)
            .hint("Fingerprint", &was.fingerprint, &is.fingerprint)
    }

    async fn get(service: &Service, id: ContactId) -> Result<Self> {
        service.get_contact(Selector(id.to_string())).await
    }

    async fn list(service: &Service, page: PageRequest) -> Result<Page<Self>> {
        service.list_contacts(page).await
    }
}

impl Mirrored for Conversation {
    type Id = ConversationId;
    type Object = ConversationObject;

    fn id(&self) -> ConversationId {
        self.id
    }

    fn path(id: ConversationId) -> OwnedObjectPath {
        names::conversation(id)
    }

    fn object(service: Service, id: ConversationId) -> ConversationObject {
        ConversationObject { service, id }
    }

    fn changes(was: &Self, is: &Self) -> Changes {
        let last_at = |conversation: &Self| conversation.last_at.unwrap_or_default().0;
        Changes::default()
            .tell("Unread", was.unread, is.unread)
            .tell("MessageCount", was.message_count, is.message_count)
            .tell("LastAt", last_at(was), last_at(is))
            .hint("Title", &was.title, &is.title)
    }

    async fn get(service: &Service, id: ConversationId) -> Result<Self> {
        service.get_conversation(Selector(id.to_string())).await
    }

    async fn list(service: &Service, page: PageRequest) -> Result<Page<Self>> {
        service.list_conversations(false, page).await
    }
}

impl Mirrored for Identity {
    type Id = IdentityId;
    type Object = IdentityObject;

    fn id(&self) -> IdentityId {
        self.id
    }

    fn path(id: IdentityId) -> OwnedObjectPath {
        names::identity(id)
    }

    fn object(service: Service, id: IdentityId) -> IdentityObject {
        IdentityObject { service, id }
    }

    fn changes(was: &Self, is: &Self) -> Changes {
        Changes::default().hint("Name", &was.name, &is.name).hint(
            "DeviceFingerprint",
            &was.device_fingerprint,
            &is.device_fingerprint,
        )
    }

    async fn get(service: &Service, id: IdentityId) -> Result<Self> {
        service.get_identity(Selector(id.to_string())).await
    }

    async fn list(service: &Service, page: PageRequest) -> Result<Page<Self>> {
        service.list_identities(page).await
    }
}

impl Mirrored for Request {
    type Id = RequestId;
    type Object = RequestObject;

    fn id(&self) -> RequestId {
        self.id
    }

    fn path(id: RequestId) -> OwnedObjectPath {
        names::request(id)
    }

    fn object(service: Service, id: RequestId) -> RequestObject {
        RequestObject { service, id }
    }

    /// A decided request is history: `ListRequests` tells it, an object would only pile up.
    fn is_shown(&self) -> bool {
        matches!(
            self.state,
            RequestState::Pending | RequestState::Sent | RequestState::Frozen
        )
    }

    fn changes(was: &Self, is: &Self) -> Changes {
        let state = |request: &Self| words::request_state(request.state);
        Changes::default()
            .tell("State", state(was), state(is))
            .hint("Name", &was.name, &is.name)
            .hint("Fingerprint", &was.fingerprint, &is.fingerprint)
    }

    async fn get(service: &Service, id: RequestId) -> Result<Self> {
        service.get_request(Selector(id.to_string())).await
    }

    async fn list(service: &Service, page: PageRequest) -> Result<Page<Self>> {
        service.list_requests(page).await
    }
}

/// What changed of the daemon's own properties.
pub(super) fn status_changes(was: &Status, is: &Status) -> Changes {
    Changes::default()
        .tell("Links", was.links, is.links)
        .tell("Outbox", was.outbox, is.outbox)
        .tell("Unread", was.unread, is.unread)
        .tell("PendingRequests", was.pending_requests, is.pending_requests)
        .tell("LastEvent", was.last_event, is.last_event)
        .tell(
            "VaultState",
            words::vault_state(was.vault),
            words::vault_state(is.vault),
        )
}

/// What changed of the vault's own properties.
pub(super) fn vault_changes(was: &Status, is: &Status) -> Changes {
    Changes::default().tell(
        "State",
        words::vault_state(was.vault),
        words::vault_state(is.vault),
    )
}
