//! `org.msgd.Msgd1.Invites`: invites this daemon gave out.

use crate::{
    ipc::dbus::{
        error::Result,
        options::{Extras, KEY, OptionDict, Options, parse_address},
        rows,
        served::Private,
    },
    service::{CreateInvite, Selector, Service},
};
use std::time::Duration;
use zbus::Variant;

/// Makes, lists and withdraws invites.
pub(in crate::ipc::dbus) struct Invites(pub(in crate::ipc::dbus) Service);

impl Private for Invites {
    const PRIVATE: &'static [&'static str] = &[];
    const ABOUT: &'static str = "Makes, lists and withdraws one-time invites.";
}

#[zbus::interface(name = "org.msgd.Msgd1.Invites")]
impl Invites {
    /// Makes a one-time invite and returns its id and the link to hand over. The link is told
    /// once and to be kept secret; the extras hold it for a QR code as qr_text (s). Options:
    /// identity (s; the only one if not given), ttl_seconds (t; 7 days if not given), note (s),
    /// auto_accept (b), addresses (as; ip:port, instead of those that the daemon listens on),
    /// idempotency_key (s).
    #[zbus(out_args("invite_id", "link", "extras"))]
    async fn create_invite(&self, options: OptionDict) -> Result<(String, String, Extras)> {
        let known = [
            "identity",
            "ttl_seconds",
            "note",
            "auto_accept",
            "addresses",
            KEY,
        ];
        let options = Options::read(options, &known)?;
        let addresses = options.texts("addresses")?;
        let wanted = CreateInvite {
            identity: Selector(options.text("identity")?),
            ttl: options.number("ttl_seconds")?.map(Duration::from_secs),
            note: options.text("note")?,
            auto_accept: options.flag("auto_accept")?,
            addresses: addresses
                .into_iter()
                .map(parse_address)
                .collect::<Result<_>>()?,
        };
        let made = self.0.create_invite(wanted, options.key()?).await?;
        let (id, mut extras) = rows::invite(made.invite);
        extras.insert("qr_text", Variant::from(made.qr_text));
        Ok((id, made.link, extras))
    }

    /// Every invite, the newest first: its id, and identity (o), state (s; open, used, revoked,
    /// expired, compromised), note (s), auto_accept (b), created_at (x), expires_at (x).
    /// Options: page_size (u), page_token (s). The next token is empty at the end.
    #[zbus(out_args("invites", "next", "extras"))]
    async fn list_invites(
        &self,
        options: OptionDict,
    ) -> Result<(Vec<rows::TextRow>, String, Extras)> {
        let page = Options::only_page(options)?;
        let page = self.0.list_invites(page).await?;
        let rows = page.rows.into_iter().map(rows::invite).collect();
        Ok((rows, page.next, Extras::new()))
    }

    /// Withdraws an open invite, by id or unique beginning of one. Option: idempotency_key (s).
    #[zbus(out_args("extras"))]
    async fn revoke_invite(&self, which: String, options: OptionDict) -> Result<Extras> {
        let key = Options::only_key(options)?;
        self.0.revoke_invite(Selector(which), key).await?;
        Ok(Extras::new())
    }
}
