//! `org.msgd.Msgd1.Requests` at the root, and one object an open request.

use crate::{
    ipc::dbus::{
        error::Result,
        names,
        options::{Extras, KEY, OptionDict, Options},
        rows,
        served::{Private, once},
        words,
    },
    model::{Request, RequestId},
    service::{Selector, Service},
};
use zbus::OwnedObjectPath;

/// Finds contact requests.
pub(in crate::ipc::dbus) struct Requests(pub(in crate::ipc::dbus) Service);

impl Private for Requests {
    const PRIVATE: &'static [&'static str] = &[];
    const ABOUT: &'static str =
        "Finds contact requests. Only those that are not yet decided are objects.";
}

#[zbus::interface(name = "org.msgd.Msgd1.Requests")]
impl Requests {
    /// One request, by id, name or unique beginning of an id.
    #[zbus(out_args("request", "extras"))]
    async fn get_request(
        &self,
        which: String,
        options: OptionDict,
    ) -> Result<(OwnedObjectPath, Extras)> {
        Options::none(options)?;
        Ok(rows::request(self.0.get_request(Selector(which)).await?))
    }

    /// Every request, decided or not, the newest first, with id (s), identity (o),
    /// direction (s; incoming or outgoing), name (s), greeting (s), fingerprint (s), state (s;
    /// pending, sent, accepted, declined, expired, frozen), created_at (x), expires_at (x), and
    /// where there is one invite (s), contact (o) and failure (s; outgoing and pending: how the
    /// latest try to reach them since the start ended). Options: page_size (u), page_token (s).
    /// The next token is empty at the end.
    #[zbus(out_args("requests", "next", "extras"))]
    async fn list_requests(&self, options: OptionDict) -> Result<(Vec<rows::Row>, String, Extras)> {
        let page = Options::only_page(options)?;
        let page = self.0.list_requests(page).await?;
        let rows = page.rows.into_iter().map(rows::request).collect();
        Ok((rows, page.next, Extras::new()))
    }
}

/// One request.
pub(in crate::ipc::dbus) struct RequestObject {
    pub(in crate::ipc::dbus) service: Service,
    pub(in crate::ipc::dbus) id: RequestId,
}

impl Private for RequestObject {
    const PRIVATE: &'static [&'static str] = &["Name", "Greeting", "Fingerprint"];
    const ABOUT: &'static str = "A contact request that is not yet decided.";
}

impl RequestObject {
    fn which(&self) -> Selector {
        Selector(self.id.to_string())
    }

    async fn read(&self) -> Result<Request> {
        once(self.service.get_request(self.which())).await
    }
}

#[zbus::interface(name = "org.msgd.Msgd1.Request")]
impl RequestObject {
    /// Accepts an incoming request: they become a contact. Options: alias (s; what to call them),
    /// idempotency_key (s). The extras hold contact (o) if it exists already.
    #[zbus(out_args("extras"))]
    async fn accept(&self, options: OptionDict) -> Result<Extras> {
        let options = Options::read(options, &["alias", KEY])?;
        let (alias, key) = (options.text("alias")?, options.key()?);
        let accepted = self
            .service
            .accept_request(self.which(), alias, key)
            .await?;
        let (_, mut extras) = rows::request(accepted);
        extras.retain(|name, _| matches!(*name, "contact" | "state"));
        Ok(extras)
    }

    /// Declines an incoming request, or withdraws an outgoing one. Tells them nothing.
    /// Option: idempotency_key (s).
    #[zbus(out_args("extras"))]
    async fn decline(&self, options: OptionDict) -> Result<Extras> {
        let key = Options::only_key(options)?;
        self.service.decline_request(self.which(), key).await?;
        Ok(Extras::new())
    }

    /// What they call themselves; empty while unknown.
    #[zbus(property(emits_changed_signal = "invalidates"))]
    async fn name(&self) -> Result<String> {
        Ok(self.read().await?.name)
    }

    /// A few words, theirs or ours.
    #[zbus(property(emits_changed_signal = "const"))]
    async fn greeting(&self) -> Result<String> {
        Ok(self.read().await?.greeting)
    }

    /// Fingerprint of their identity certificate; zeros while unknown.
    #[zbus(property(emits_changed_signal = "invalidates"))]
    async fn fingerprint(&self) -> Result<String> {
        Ok(self.read().await?.fingerprint.to_string())
    }

    /// Who asks whom: incoming or outgoing.
    #[zbus(property(emits_changed_signal = "const"))]
    async fn direction(&self) -> Result<&'static str> {
        Ok(words::direction(self.read().await?.direction))
    }

    /// Where it stands: pending, sent or frozen (its invite was presented twice).
    #[zbus(property)]
    async fn state(&self) -> Result<&'static str> {
        Ok(words::request_state(self.read().await?.state))
    }

    /// For which of the user's identities.
    #[zbus(property(emits_changed_signal = "const"))]
    async fn identity(&self) -> Result<OwnedObjectPath> {
        Ok(names::identity(self.read().await?.identity))
    }

    /// When it came or was made, in milliseconds since 1970-01-01 UTC.
    #[zbus(property(emits_changed_signal = "const"))]
    async fn created_at(&self) -> Result<i64> {
        Ok(self.read().await?.created_at.0)
    }

    /// When it ends without an answer, in milliseconds since 1970-01-01 UTC.
    #[zbus(property(emits_changed_signal = "const"))]
    async fn expires_at(&self) -> Result<i64> {
        Ok(self.read().await?.expires_at.0)
    }
}
