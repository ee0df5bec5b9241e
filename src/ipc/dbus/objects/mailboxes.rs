//! `org.msgd.Msgd1.Mailboxes`: mailboxes that this daemon hosts for others, and
//! those that others keep for it.

use crate::{
    ipc::dbus::{
        error::Result,
        options::{Extras, KEY, OptionDict, Options, parse_address},
        rows,
        served::Private,
    },
    service::{AcceptMailbox, OfferMailbox, Selector, Service},
};

/// Offers, lists and ends mailboxes; accepts and leaves them.
pub(in crate::ipc::dbus) struct Mailboxes(pub(in crate::ipc::dbus) Service);

impl Private for Mailboxes {
    const PRIVATE: &'static [&'static str] = &[];
    const ABOUT: &'static str =
        "Mailboxes that are hosted for others, and those that others keep for us.";
}

#[zbus::interface(name = "org.msgd.Msgd1.Mailboxes")]
impl Mailboxes {
    /// Offers somebody a mailbox and returns its id and the code for its owner, which is told
    /// once and to be kept secret. Options: name (s; at most 120 bytes), max_bytes (t; from
    /// 1 MiB to 1 GiB, 64 MiB if not given), addresses (as; ip:port, instead of those that the
    /// daemon listens on), idempotency_key (s).
    #[zbus(out_args("mailbox_id", "code", "extras"))]
    async fn offer_mailbox(&self, options: OptionDict) -> Result<(String, String, Extras)> {
        let options = Options::read(options, &["name", "max_bytes", "addresses", KEY])?;
        let addresses = options.texts("addresses")?;
        let wanted = OfferMailbox {
            name: options.text("name")?,
            max_bytes: options.number("max_bytes")?,
            addresses: addresses
                .into_iter()
                .map(parse_address)
                .collect::<Result<_>>()?,
        };
        let made = self.0.offer_mailbox(wanted, options.key()?).await?;
        let (id, extras) = rows::hosted_mailbox(made.mailbox);
        Ok((id, made.code, extras))
    }

    /// Every mailbox that is hosted here, the oldest first; works while locked, but after a
    /// restart of the machine only once it was unlocked: its id, and name (s; empty while
    /// locked), created_at (x), seen_at (x; when its owner was last here, to the hour; left out
    /// if never), hashes (t), max_hashes (t), parcels (t), bytes (t), max_bytes (t), links (t),
    /// owner_linked (b). Options: page_size (u), page_token (s). The next token is empty at
    /// the end.
    #[zbus(out_args("mailboxes", "next", "extras"))]
    async fn list_hosted_mailboxes(
        &self,
        options: OptionDict,
    ) -> Result<(Vec<rows::TextRow>, String, Extras)> {
        let page = Options::only_page(options)?;
        let page = self.0.list_hosted_mailboxes(page).await?;
        let rows = page.rows.into_iter().map(rows::hosted_mailbox).collect();
        Ok((rows, page.next, Extras::new()))
    }

    /// Ends a mailbox that is hosted here, with all that waits in it, by name, id or unique
    /// beginning of one; returns its id. Option: idempotency_key (s).
    #[zbus(out_args("mailbox_id", "extras"))]
    async fn revoke_mailbox(&self, which: String, options: OptionDict) -> Result<(String, Extras)> {
        let key = Options::only_key(options)?;
        let id = self.0.revoke_mailbox(Selector(which), key).await?;
        Ok((id, Extras::new()))
    }

    /// What is hosted here, all together: mailboxes (t), max_mailboxes (t), parcels (t),
    /// bytes (t), max_bytes (t), and since the start: taken (t), refused (t).
    #[zbus(out_args("status", "extras"))]
    async fn get_mailbox_host_status(&self, options: OptionDict) -> Result<(Extras, Extras)> {
        Options::none(options)?;
        let status = self.0.get_mailbox_host_status().await?;
        Ok((rows::mailbox_host_status(status), Extras::new()))
    }

    /// Uses a mailbox that somebody offered, by the code that its host handed over; returns its
    /// id. Options: identity (s; may be left out with a single one), note (s; at
    /// most 120 bytes), idempotency_key (s).
    #[zbus(out_args("mailbox_id", "extras"))]
    async fn accept_mailbox(&self, code: String, options: OptionDict) -> Result<(String, Extras)> {
        let options = Options::read(options, &["identity", "note", KEY])?;
        let wanted = AcceptMailbox {
            code,
            identity: Selector(options.text("identity")?),
            note: options.text("note")?,
        };
        let accepted = self.0.accept_mailbox(wanted, options.key()?).await?;
        Ok(rows::own_mailbox(accepted))
    }

    /// Every mailbox that is used, the oldest first: its id, and identity (o), note (s),
    /// created_at (x), polled_at (x; when its host was last asked with success; left out if
    /// never), failing (b; whether the latest try failed). Options: page_size (u),
    /// page_token (s). The next token is empty at the end.
    #[zbus(out_args("mailboxes", "next", "extras"))]
    async fn list_mailboxes(
        &self,
        options: OptionDict,
    ) -> Result<(Vec<rows::TextRow>, String, Extras)> {
        let page = Options::only_page(options)?;
        let page = self.0.list_mailboxes(page).await?;
        let rows = page.rows.into_iter().map(rows::own_mailbox).collect();
        Ok((rows, page.next, Extras::new()))
    }

    /// Uses a mailbox no longer, by note, id or unique beginning of one, and has contacts told
    /// so; returns its id. Option: idempotency_key (s).
    #[zbus(out_args("mailbox_id", "extras"))]
    async fn remove_mailbox(&self, which: String, options: OptionDict) -> Result<(String, Extras)> {
        let key = Options::only_key(options)?;
        let id = self.0.remove_mailbox(Selector(which), key).await?;
        Ok((id, Extras::new()))
    }
}
