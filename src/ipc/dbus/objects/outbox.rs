//! `org.msgd.Msgd1.Outbox`: messages that are on their way.

use crate::{
    ipc::dbus::{
        error::Result,
        options::{Extras, KEY, OptionDict, Options, PAGE},
        rows,
        served::Private,
    },
    service::{Selector, Service},
};

/// Lists and retries what is on its way.
pub(in crate::ipc::dbus) struct Outbox(pub(in crate::ipc::dbus) Service);

impl Private for Outbox {
    const PRIVATE: &'static [&'static str] = &[];
    const ABOUT: &'static str = "Messages that are on their way.";
}

#[zbus::interface(name = "org.msgd.Msgd1.Outbox")]
impl Outbox {
    /// Everything on its way: the message's id, and conversation (o), contact (o), state (s),
    /// attempts (u), queued_at (x), expires_at (x), and where there is one reason (s) and
    /// next_attempt_at (x). Works while locked. Options: contact (s; all if not given),
    /// page_size (u), page_token (s). The next token is empty at the end.
    #[zbus(out_args("entries", "next", "extras"))]
    async fn list_outbox(
        &self,
        options: OptionDict,
    ) -> Result<(Vec<rows::TextRow>, String, Extras)> {
        let [size, token] = PAGE;
        let options = Options::read(options, &["contact", size, token])?;
        let contact = Selector(options.text("contact")?);
        let page = self.0.list_outbox(contact, options.page()?).await?;
        let rows = page.rows.into_iter().map(rows::outbox_entry).collect();
        Ok((rows, page.next, Extras::new()))
    }

    /// Tries now what waits, and returns how many that are. Options: contact (s; all if not
    /// given), idempotency_key (s).
    #[zbus(out_args("count", "extras"))]
    async fn retry_outbox(&self, options: OptionDict) -> Result<(u64, Extras)> {
        let options = Options::read(options, &["contact", KEY])?;
        let contact = Selector(options.text("contact")?);
        let count = self.0.retry_outbox(contact, options.key()?).await?;
        Ok((count, Extras::new()))
    }

    /// Takes a message back, as long as nobody has it, and returns its state.
    /// Option: idempotency_key (s).
    #[zbus(out_args("state", "extras"))]
    async fn cancel_message(
        &self,
        which: String,
        options: OptionDict,
    ) -> Result<(&'static str, Extras)> {
        let key = Options::only_key(options)?;
        let message = self.0.cancel_message(Selector(which), key).await?;
        Ok((message.state.word(), Extras::new()))
    }
}
