//! `org.msgd.Msgd1.Conversations` at the root, and one object a conversation.

use crate::{
    ipc::dbus::{
        error::Result,
        names,
        options::{Extras, KEY, OptionDict, Options, PAGE},
        rows,
        served::{Private, once},
    },
    model::{Conversation, ConversationId},
    service::{Selector, SendMessage, Service},
};
use zbus::OwnedObjectPath;

/// Finds conversations.
pub(in crate::ipc::dbus) struct Conversations(pub(in crate::ipc::dbus) Service);

impl Private for Conversations {
    const PRIVATE: &'static [&'static str] = &[];
    const ABOUT: &'static str = "Finds conversations.";
}

#[zbus::interface(name = "org.msgd.Msgd1.Conversations")]
impl Conversations {
    /// One conversation, by its id or by its contact.
    #[zbus(out_args("conversation", "extras"))]
    async fn get_conversation(
        &self,
        which: String,
        options: OptionDict,
    ) -> Result<(OwnedObjectPath, Extras)> {
        Options::none(options)?;
        let found = self.0.get_conversation(Selector(which)).await?;
        Ok(rows::conversation(found))
    }

    /// Conversations, the latest first, with id (s), identity (o), contact (o), title (s),
    /// unread (t), message_count (t), and once there is a message last_message (s) and
    /// last_at (x). Options: unread_only (b), page_size (u), page_token (s). The next token is
    /// empty at the end.
    #[zbus(out_args("conversations", "next", "extras"))]
    async fn list_conversations(
        &self,
        options: OptionDict,
    ) -> Result<(Vec<rows::Row>, String, Extras)> {
        let [size, token] = PAGE;
        let options = Options::read(options, &["unread_only", size, token])?;
        let unread_only = options.flag("unread_only")?;
        let page = self
            .0
            .list_conversations(unread_only, options.page()?)
            .await?;
        let rows = page.rows.into_iter().map(rows::conversation).collect();
        Ok((rows, page.next, Extras::new()))
    }
}

/// One conversation.
pub(in crate::ipc::dbus) struct ConversationObject {
    pub(in crate::ipc::dbus) service: Service,
    pub(in crate::ipc::dbus) id: ConversationId,
}

impl Private for ConversationObject {
    const PRIVATE: &'static [&'static str] = &["Title"];
    const ABOUT: &'static str = "The messages exchanged with one contact.";
}

impl ConversationObject {
    fn which(&self) -> Selector {
        Selector(self.id.to_string())
    }

    async fn read(&self) -> Result<Conversation> {
        once(self.service.get_conversation(self.which())).await
    }
}

#[zbus::interface(name = "org.msgd.Msgd1.Conversation")]
impl ConversationObject {
    /// Seals a message of 1 to 65536 bytes and puts it on disk. Returned means: it will be tried
    /// until it is delivered, cancelled or 30 days old. Option: idempotency_key (s).
    #[zbus(out_args("message_id", "extras"))]
    async fn send(&self, text: String, options: OptionDict) -> Result<(String, Extras)> {
        let key = Options::only_key(options)?;
        let to = self.which();
        let sent = self.service.send_message(SendMessage { to, text }, key);
        Ok((sent.await?.id.to_string(), Extras::new()))
    }

    /// The messages, the newest first: each its id, and what Messages.GetMessage tells.
    /// Options: page_size (u), page_token (s). The next token is empty at the end.
    #[zbus(out_args("messages", "next", "extras"))]
    async fn list_messages(
        &self,
        options: OptionDict,
    ) -> Result<(Vec<rows::TextRow>, String, Extras)> {
        let page = Options::only_page(options)?;
        let page = self.service.list_messages(self.which(), page).await?;
        let rows = page.rows.into_iter().map(rows::message).collect();
        Ok((rows, page.next, Extras::new()))
    }

    /// Marks everything read, or everything up to the message in the option up_to (s).
    /// Option: idempotency_key (s). Returns how many are still unread.
    #[zbus(out_args("unread", "extras"))]
    async fn mark_read(&self, options: OptionDict) -> Result<(u64, Extras)> {
        let options = Options::read(options, &["up_to", KEY])?;
        let up_to = Some(options.text("up_to")?).filter(|id| !id.is_empty());
        let marked = self
            .service
            .mark_read(self.which(), up_to.map(Selector), options.key()?)
            .await?;
        Ok((marked.unread, Extras::new()))
    }

    /// The contact's shown name.
    #[zbus(property(emits_changed_signal = "invalidates"))]
    async fn title(&self) -> Result<String> {
        Ok(self.read().await?.title)
    }

    /// How many messages from the other side were not read here.
    #[zbus(property)]
    async fn unread(&self) -> Result<u64> {
        Ok(self.read().await?.unread)
    }

    /// How many messages are stored.
    #[zbus(property)]
    async fn message_count(&self) -> Result<u64> {
        Ok(self.read().await?.message_count)
    }

    /// When the newest message came or was written here, in milliseconds since 1970-01-01 UTC;
    /// 0 before the first.
    #[zbus(property)]
    async fn last_at(&self) -> Result<i64> {
        Ok(self.read().await?.last_at.unwrap_or_default().0)
    }

    /// With whom.
    #[zbus(property(emits_changed_signal = "const"))]
    async fn contact(&self) -> Result<OwnedObjectPath> {
        Ok(names::contact(self.read().await?.contact))
    }

    /// Whose it is.
    #[zbus(property(emits_changed_signal = "const"))]
    async fn identity(&self) -> Result<OwnedObjectPath> {
        Ok(names::identity(self.read().await?.identity))
    }
}
