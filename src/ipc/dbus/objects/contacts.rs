//! `org.msgd.Msgd1.Contacts` at the root, and one object a contact.

use crate::{
    ipc::dbus::{
        error::Result,
        names,
        options::{Extras, KEY, OptionDict, Options},
        rows,
        served::{Private, once},
        words,
    },
    model::{Contact, ContactId, Presence},
    service::{AddContact, IdempotencyKey, Selector, SendMessage, Service},
};
use zbus::OwnedObjectPath;

/// Adds and finds contacts.
pub(in crate::ipc::dbus) struct Contacts(pub(in crate::ipc::dbus) Service);

impl Private for Contacts {
    const PRIVATE: &'static [&'static str] = &[];
    const ABOUT: &'static str = "Adds and finds contacts.";
}

#[zbus::interface(name = "org.msgd.Msgd1.Contacts")]
impl Contacts {
    /// Uses an invite: asks its maker to become a contact. Returns the outgoing request, which
    /// goes on by itself until it is answered or the invite ends. Options: identity (s; the only
    /// one if not given), greeting (s; at most 280 bytes), alias (s), idempotency_key (s).
    #[zbus(out_args("request", "extras"))]
    async fn add_contact(
        &self,
        link: String,
        options: OptionDict,
    ) -> Result<(OwnedObjectPath, Extras)> {
        let options = Options::read(options, &["identity", "greeting", "alias", KEY])?;
        let wanted = AddContact {
            identity: Selector(options.text("identity")?),
            link,
            greeting: options.text("greeting")?,
            alias: options.text("alias")?,
        };
        let request = self.0.add_contact(wanted, options.key()?).await?;
        Ok(rows::request(request))
    }

    /// One contact, by alias, name, id or unique beginning of an id.
    #[zbus(out_args("contact", "extras"))]
    async fn get_contact(
        &self,
        which: String,
        options: OptionDict,
    ) -> Result<(OwnedObjectPath, Extras)> {
        Options::none(options)?;
        Ok(rows::contact(self.0.get_contact(Selector(which)).await?))
    }

    /// Every contact by shown name, with id (s), identity (o), conversation (o), name (s),
    /// alias (s), fingerprint (s), state (s), verification (s), connected (b), created_at (x).
    /// Options: page_size (u), page_token (s). The next token is empty at the end.
    #[zbus(out_args("contacts", "next", "extras"))]
    async fn list_contacts(&self, options: OptionDict) -> Result<(Vec<rows::Row>, String, Extras)> {
        let page = Options::only_page(options)?;
        let page = self.0.list_contacts(page).await?;
        let rows = page.rows.into_iter().map(rows::contact).collect();
        Ok((rows, page.next, Extras::new()))
    }
}

/// One contact.
pub(in crate::ipc::dbus) struct ContactObject {
    pub(in crate::ipc::dbus) service: Service,
    pub(in crate::ipc::dbus) id: ContactId,
}

impl Private for ContactObject {
    const PRIVATE: &'static [&'static str] = &["Name", "Alias", "Fingerprint"];
    const ABOUT: &'static str = "A person whom messages can be sent to.";
}

impl ContactObject {
    fn which(&self) -> Selector {
        Selector(self.id.to_string())
    }

    async fn read(&self) -> Result<Contact> {
        once(self.service.get_contact(self.which())).await
    }

    async fn renamed(&self, alias: String, key: IdempotencyKey) -> Result<()> {
        self.service
            .rename_contact(self.which(), alias, key)
            .await?;
        Ok(())
    }
}

#[zbus::interface(name = "org.msgd.Msgd1.Contact")]
impl ContactObject {
    /// Seals a message of 1 to 65536 bytes and puts it on disk. Returned means: it will be tried
    /// until it is delivered, cancelled or 30 days old. Option: idempotency_key (s).
    #[zbus(out_args("message_id", "extras"))]
    async fn send(&self, text: String, options: OptionDict) -> Result<(String, Extras)> {
        let key = Options::only_key(options)?;
        let to = self.which();
        let sent = self.service.send_message(SendMessage { to, text }, key);
        Ok((sent.await?.id.to_string(), Extras::new()))
    }

    /// Sets what the user calls them; empty takes it back. Option: idempotency_key (s).
    #[zbus(out_args("extras"))]
    async fn rename(&self, alias: String, options: OptionDict) -> Result<Extras> {
        let key = Options::only_key(options)?;
        self.renamed(alias, key).await?;
        Ok(Extras::new())
    }

    /// Deletes the keys shared with them and refuses them from now on. Tells them nothing.
    /// Option: idempotency_key (s).
    #[zbus(out_args("extras"))]
    async fn block(&self, options: OptionDict) -> Result<Extras> {
        let key = Options::only_key(options)?;
        self.service.block_contact(self.which(), key).await?;
        Ok(Extras::new())
    }

    /// Lets them use a new invite; the old keys stay gone. Option: idempotency_key (s).
    #[zbus(out_args("extras"))]
    async fn unblock(&self, options: OptionDict) -> Result<Extras> {
        let key = Options::only_key(options)?;
        self.service.unblock_contact(self.which(), key).await?;
        Ok(Extras::new())
    }

    /// Records that the safety numbers were compared, or takes that back.
    /// Option: idempotency_key (s).
    #[zbus(out_args("extras"))]
    async fn verify(&self, verified: bool, options: OptionDict) -> Result<Extras> {
        let key = Options::only_key(options)?;
        self.service
            .verify_contact(self.which(), verified, key)
            .await?;
        Ok(Extras::new())
    }

    /// The 60 digits to compare with what they see.
    #[zbus(out_args("digits", "extras"))]
    async fn get_safety_number(&self, options: OptionDict) -> Result<(String, Extras)> {
        Options::none(options)?;
        let digits = self.service.get_safety_number(self.which()).await?;
        Ok((digits, Extras::new()))
    }

    /// What they call themselves.
    #[zbus(property(emits_changed_signal = "invalidates"))]
    async fn name(&self) -> Result<String> {
        Ok(self.read().await?.name)
    }

    /// What the user calls them, shown instead of Name when not empty. Writing it is Rename.
    #[zbus(property(emits_changed_signal = "false"))]
    async fn alias(&self) -> Result<String> {
        Ok(self.read().await?.alias)
    }

    #[zbus(property)]
    async fn set_alias(&self, alias: String) -> Result<()> {
        self.renamed(alias, IdempotencyKey::default()).await
    }

    /// Fingerprint of their identity certificate.
    #[zbus(property(emits_changed_signal = "invalidates"))]
    async fn fingerprint(&self) -> Result<String> {
        Ok(self.read().await?.fingerprint.to_string())
    }

    /// Where they stand: active or blocked.
    #[zbus(property)]
    async fn state(&self) -> Result<&'static str> {
        Ok(words::contact_state(self.read().await?.state))
    }

    /// How their identity was checked: link (a one-time invite) or verified.
    #[zbus(property)]
    async fn verification(&self) -> Result<&'static str> {
        Ok(words::verification(self.read().await?.verification))
    }

    /// Whether a link to them is up; false says nothing about the person.
    #[zbus(property)]
    async fn connected(&self) -> Result<bool> {
        Ok(self.read().await?.presence == Presence::Connected)
    }

    /// The conversation with them.
    #[zbus(property(emits_changed_signal = "const"))]
    async fn conversation(&self) -> Result<OwnedObjectPath> {
        Ok(names::conversation(self.read().await?.conversation))
    }

    /// Whose contact they are.
    #[zbus(property(emits_changed_signal = "const"))]
    async fn identity(&self) -> Result<OwnedObjectPath> {
        Ok(names::identity(self.read().await?.identity))
    }

    /// When they became a contact, in milliseconds since 1970-01-01 UTC.
    #[zbus(property(emits_changed_signal = "const"))]
    async fn created_at(&self) -> Result<i64> {
        Ok(self.read().await?.created_at.0)
    }
}
