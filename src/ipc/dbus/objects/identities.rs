//! `org.msgd.Msgd1.Identities` at the root, and one object an identity.

use crate::{
    ipc::dbus::{
        error::Result,
        options::{Extras, OptionDict, Options},
        rows,
        served::{Private, once},
    },
    model::{Identity, IdentityId},
    service::{IdempotencyKey, Selector, Service},
};
use zbus::OwnedObjectPath;

/// Makes and finds identities.
pub(in crate::ipc::dbus) struct Identities(pub(in crate::ipc::dbus) Service);

impl Private for Identities {
    const PRIVATE: &'static [&'static str] = &[];
    const ABOUT: &'static str = "Makes and finds the user's own identities.";
}

#[zbus::interface(name = "org.msgd.Msgd1.Identities")]
impl Identities {
    /// Makes an identity: an identity certificate and this device's certificate.
    /// Option: idempotency_key (s).
    #[zbus(out_args("identity", "extras"))]
    async fn create_identity(
        &self,
        name: String,
        options: OptionDict,
    ) -> Result<(OwnedObjectPath, Extras)> {
        let key = Options::only_key(options)?;
        Ok(rows::identity(self.0.create_identity(name, key).await?))
    }

    /// One identity, by name, id or unique beginning of an id; empty means the only one.
    #[zbus(out_args("identity", "extras"))]
    async fn get_identity(
        &self,
        which: String,
        options: OptionDict,
    ) -> Result<(OwnedObjectPath, Extras)> {
        Options::none(options)?;
        Ok(rows::identity(self.0.get_identity(Selector(which)).await?))
    }

    /// Every identity with id (s), name (s), fingerprint (s), device_fingerprint (s) and
    /// created_at (x). Options: page_size (u), page_token (s). The next token is empty at the end.
    #[zbus(out_args("identities", "next", "extras"))]
    async fn list_identities(
        &self,
        options: OptionDict,
    ) -> Result<(Vec<rows::Row>, String, Extras)> {
        let page = Options::only_page(options)?;
        let page = self.0.list_identities(page).await?;
        let rows = page.rows.into_iter().map(rows::identity).collect();
        Ok((rows, page.next, Extras::new()))
    }
}

/// One identity.
pub(in crate::ipc::dbus) struct IdentityObject {
    pub(in crate::ipc::dbus) service: Service,
    pub(in crate::ipc::dbus) id: IdentityId,
}

impl Private for IdentityObject {
    const PRIVATE: &'static [&'static str] = &["Name", "Fingerprint", "DeviceFingerprint"];
    const ABOUT: &'static str = "One of the user's own identities.";
}

impl IdentityObject {
    fn which(&self) -> Selector {
        Selector(self.id.to_string())
    }

    async fn read(&self) -> Result<Identity> {
        once(self.service.get_identity(self.which())).await
    }

    async fn renamed(&self, name: String, key: IdempotencyKey) -> Result<()> {
        self.service
            .rename_identity(self.which(), name, key)
            .await?;
        Ok(())
    }
}

#[zbus::interface(name = "org.msgd.Msgd1.Identity")]
impl IdentityObject {
    /// Changes the name that future requests tell. Option: idempotency_key (s).
    #[zbus(out_args("extras"))]
    async fn rename(&self, name: String, options: OptionDict) -> Result<Extras> {
        let key = Options::only_key(options)?;
        self.renamed(name, key).await?;
        Ok(Extras::new())
    }

    /// What the user calls it; told to contacts in requests. Writing it is Rename.
    #[zbus(property(emits_changed_signal = "false"))]
    async fn name(&self) -> Result<String> {
        Ok(self.read().await?.name)
    }

    #[zbus(property)]
    async fn set_name(&self, name: String) -> Result<()> {
        self.renamed(name, IdempotencyKey::default()).await
    }

    /// Fingerprint of the identity certificate.
    #[zbus(property(emits_changed_signal = "const"))]
    async fn fingerprint(&self) -> Result<String> {
        Ok(self.read().await?.fingerprint.to_string())
    }

    /// Fingerprint of this device's certificate.
    #[zbus(property(emits_changed_signal = "invalidates"))]
    async fn device_fingerprint(&self) -> Result<String> {
        Ok(self.read().await?.device_fingerprint.to_string())
    }

    /// When it was made here, in milliseconds since 1970-01-01 UTC.
    #[zbus(property(emits_changed_signal = "const"))]
    async fn created_at(&self) -> Result<i64> {
        Ok(self.read().await?.created_at.0)
    }
}
