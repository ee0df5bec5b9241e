//! Contacts.

use super::{IdempotencyKey, Result, Rooms, Selector, Service, error, guard};
use crate::{
    engine::contacts::NewContact,
    model::{Contact, ContactId, Page, PageRequest, Request},
};

/// Whom to ask to become a contact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddContact {
    /// As whom; empty means the only identity.
    pub identity: Selector,
    /// The invite link, as it was given.
    pub link: String,
    /// A few words for them, at most 280 bytes.
    pub greeting: String,
    /// What to call them here; empty means what they call themselves.
    pub alias: String,
}

/// What tells one change of a contact from another.
struct Change<'a> {
    call: &'static str,
    with: &'a [u8],
    key: &'a IdempotencyKey,
}

impl Service {
    /// Uses an invite: asks its maker to become a contact. Returns the outgoing request, which
    /// goes on by itself until it is answered or the invite ends.
    pub async fn add_contact(&self, request: AddContact, key: IdempotencyKey) -> Result<Request> {
        let identity = self.get_identity(request.identity).await?.id;
        let rooms = self.open_rooms()?;
        let told = [
            identity.0.as_slice(),
            request.link.as_bytes(),
            request.greeting.as_bytes(),
            request.alias.as_bytes(),
        ];
        let once = guard::once(rooms, "add_contact", &key, &told)?;
        let new = NewContact {
            identity,
            link: request.link,
            greeting: request.greeting,
            alias: request.alias,
        };
        rooms.contacts.add(new, once).await.map_err(error::contact)
    }

    /// One contact.
    pub async fn get_contact(&self, which: Selector) -> Result<Contact> {
        let contacts = &self.open_rooms()?.contacts;
        // A whole id comes before any name, so nobody else needs to be looked at.
        if let Ok(id) = which.0.trim().parse()
            && let Some(contact) = contacts.find(id).map_err(error::contact)?
        {
            return Ok(contact);
        }
        let all = contacts.list().map_err(error::contact)?;
        guard::select(
            "contact",
            all,
            &which,
            |one| one.id.to_string(),
            |one| {
                if one.alias.is_empty() {
                    vec![one.name.clone()]
                } else {
                    vec![one.alias.clone(), one.name.clone()]
                }
            },
        )
    }

    /// Every contact, by shown name.
    pub async fn list_contacts(&self, page: PageRequest) -> Result<Page<Contact>> {
        let mut all = self.open_rooms()?.contacts.list().map_err(error::contact)?;
        all.sort_by(|a, b| (a.shown_name(), a.id).cmp(&(b.shown_name(), b.id)));
        guard::page(all, &page)
    }

    /// Sets what the user calls them; empty takes it back.
    pub async fn rename_contact(
        &self,
        which: Selector,
        alias: String,
        key: IdempotencyKey,
    ) -> Result<Contact> {
        let told = alias.clone();
        let call = Change {
            call: "rename_contact",
            with: told.as_bytes(),
            key: &key,
        };
        self.change_contact(call, which, async |rooms, id| {
            rooms
                .contacts
                .rename(id, alias)
                .await
                .map_err(error::contact)
        })
        .await
    }

    /// Deletes the keys shared with them and refuses them from now on. Tells them nothing.
    pub async fn block_contact(&self, which: Selector, key: IdempotencyKey) -> Result<Contact> {
        let call = Change {
            call: "block_contact",
            with: &[],
            key: &key,
        };
        self.change_contact(call, which, async |rooms, id| {
            rooms.messages.give_up(id).await.map_err(error::message)?;
            rooms.contacts.block(id).await.map_err(error::contact)
        })
        .await
    }

    /// Lets them use a new invite; the old keys stay gone.
    pub async fn unblock_contact(&self, which: Selector, key: IdempotencyKey) -> Result<Contact> {
        let call = Change {
            call: "unblock_contact",
            with: &[],
            key: &key,
        };
        self.change_contact(call, which, async |rooms, id| {
            rooms.contacts.unblock(id).await.map_err(error::contact)
        })
        .await
    }

    /// Records that the safety numbers were compared (`verified`), or takes that back.
    pub async fn verify_contact(
        &self,
        which: Selector,
        verified: bool,
        key: IdempotencyKey,
    ) -> Result<Contact> {
        let with = [u8::from(verified)];
        let call = Change {
            call: "verify_contact",
            with: &with,
            key: &key,
        };
        self.change_contact(call, which, async |rooms, id| {
            rooms
                .contacts
                .verify(id, verified)
                .await
                .map_err(error::contact)
        })
        .await
    }

    /// Changes a contact once under a key, and returns it as it is now.
    async fn change_contact(
        &self,
        call: Change<'_>,
        which: Selector,
        change: impl AsyncFnOnce(&Rooms, ContactId) -> Result<Contact>,
    ) -> Result<Contact> {
        let rooms = self.open_rooms()?;
        let name = which.0.clone();
        let act = async {
            let id = self.get_contact(which).await?.id;
            change(rooms, id).await.map(|_| id.to_string())
        };
        let request = [name.as_bytes(), call.with];
        let id = guard::done_once(rooms, call.call, call.key, &request, act).await?;
        self.get_contact(Selector(id)).await
    }

    /// The 60 digits to compare with what they see (`protocol.md` B.2).
    pub async fn get_safety_number(&self, which: Selector) -> Result<String> {
        let id = self.get_contact(which).await?.id;
        self.open_rooms()?
            .contacts
            .safety_number(id)
            .map_err(error::contact)
    }
}
