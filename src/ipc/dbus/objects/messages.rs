//! `org.msgd.Msgd1.Messages`: sending by selector, and what became of a message.

use crate::{
    ipc::dbus::{
        error::Result,
        options::{Extras, OptionDict, Options, PAGE},
        rows,
        served::Private,
        words,
    },
    service::{Selector, SendMessage, Service},
};
use std::time::Duration;
use zbus::Variant;

/// Sends and finds messages.
pub(in crate::ipc::dbus) struct Messages(pub(in crate::ipc::dbus) Service);

impl Private for Messages {
    const PRIVATE: &'static [&'static str] = &[];
    const ABOUT: &'static str = "Sends and finds messages. A message is named by its id or a \
        unique beginning of it.";
}

#[zbus::interface(name = "org.msgd.Msgd1.Messages")]
impl Messages {
    /// Seals a message of 1 to 65536 bytes to a contact or conversation and puts it on disk.
    /// Returned means: it will be tried until it is delivered, cancelled or 30 days old.
    /// Option: idempotency_key (s).
    #[zbus(out_args("message_id", "extras"))]
    async fn send_message(
        &self,
        to: String,
        text: String,
        options: OptionDict,
    ) -> Result<(String, Extras)> {
        let key = Options::only_key(options)?;
        let to = Selector(to);
        let sent = self.0.send_message(SendMessage { to, text }, key).await?;
        Ok((sent.id.to_string(), Extras::new()))
    }

    /// One message: its id, and conversation (o), index (t), direction (s; incoming or outgoing),
    /// author_device (s), author_seq (t), written_at (x), stored_at (x), text (s), state (s;
    /// queued, sending, stored, delivered, read, failed, expired, cancelled), and once it was
    /// confirmed delivered_at (x).
    #[zbus(out_args("message_id", "extras"))]
    async fn get_message(&self, which: String, options: OptionDict) -> Result<(String, Extras)> {
        Options::none(options)?;
        Ok(rows::message(self.0.get_message(Selector(which)).await?))
    }

    /// A conversation's messages, the newest first; the conversation by id or contact.
    /// Options: page_size (u), page_token (s). The next token is empty at the end.
    #[zbus(out_args("messages", "next", "extras"))]
    async fn list_messages(
        &self,
        conversation: String,
        options: OptionDict,
    ) -> Result<(Vec<rows::TextRow>, String, Extras)> {
        let page = Options::read(options, &PAGE)?.page()?;
        let page = self.0.list_messages(Selector(conversation), page).await?;
        let rows = page.rows.into_iter().map(rows::message).collect();
        Ok((rows, page.next, Extras::new()))
    }

    /// Where a message is and why it is not further: its state, the latest tries with at (x),
    /// path (s) and failure (s), and while it is on its way its row in the outbox as extras.
    #[zbus(out_args("state", "attempts", "extras"))]
    async fn explain_message(
        &self,
        which: String,
        options: OptionDict,
    ) -> Result<(&'static str, Vec<Extras>, Extras)> {
        Options::none(options)?;
        let why = self.0.explain_message(Selector(which)).await?;
        let tries = why.attempts.iter().map(rows::attempt).collect();
        let mut extras = why
            .entry
            .map_or_else(Extras::new, |entry| rows::outbox_entry(entry).1);
        extras.insert("message", Variant::from(why.message.id.to_string()));
        Ok((why.message.state.word(), tries, extras))
    }

    /// Waits until a message has got as far as a state (sending, stored, delivered or read) or
    /// can get no further. Error.Timeout when the time is up; the message goes on. Option:
    /// timeout_ms (t; 20000 if not given: most clients give a call up after 25 seconds).
    #[zbus(out_args("state", "extras"))]
    async fn wait_message(
        &self,
        which: String,
        until: &str,
        options: OptionDict,
    ) -> Result<(&'static str, Extras)> {
        let options = Options::read(options, &["timeout_ms"])?;
        let limit = Duration::from_millis(options.number("timeout_ms")?.unwrap_or(20_000));
        let until = words::parse_awaited(until)?;
        let message = self.0.wait_message(Selector(which), until, limit).await?;
        Ok((message.state.word(), Extras::new()))
    }
}
