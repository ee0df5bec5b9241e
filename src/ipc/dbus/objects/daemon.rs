//! `org.msgd.Msgd1.Daemon`: the daemon at a glance.

use crate::{
    ipc::dbus::{
        error::Result,
        options::{Extras, OptionDict, Options},
        rows,
        served::{Private, once},
        words,
    },
    service::{Service, Status},
};

/// The daemon itself.
pub(in crate::ipc::dbus) struct Daemon(pub(in crate::ipc::dbus) Service);

impl Private for Daemon {
    const PRIVATE: &'static [&'static str] = &[];
    const ABOUT: &'static str = "The daemon at a glance. Works while the vault is locked; \
        counters of what only the vault knows are then 0.";
}

impl Daemon {
    async fn status(&self) -> Result<Status> {
        once(self.0.get_status()).await
    }
}

#[zbus::interface(name = "org.msgd.Msgd1.Daemon")]
impl Daemon {
    /// Everything that is known about the daemon, at one moment: version (s), profile (s),
    /// pid (u), started_at (x), vault (s), identities (u), contacts (u), links (u), listen (as),
    /// outbox (t), unread (t), pending_requests (u), last_event (t), crypto_backend (s).
    #[zbus(out_args("status"))]
    async fn get_status(&self, options: OptionDict) -> Result<Extras> {
        Options::none(options)?;
        Ok(rows::status(self.0.get_status().await?))
    }

    /// Looks at everything that commonly goes wrong. Each finding has the thing looked at, its
    /// level (ok, warning, error), and a sentence for a person. Says less while locked.
    #[zbus(out_args("findings", "extras"))]
    async fn run_doctor(
        &self,
        options: OptionDict,
    ) -> Result<(Vec<(&'static str, &'static str, String)>, Extras)> {
        Options::none(options)?;
        let findings = self.0.run_doctor().await?;
        Ok((
            findings.into_iter().map(rows::finding).collect(),
            Extras::new(),
        ))
    }

    /// Begins the ordered stop.
    #[zbus(out_args("extras"))]
    fn stop_daemon(&self, options: OptionDict) -> Result<Extras> {
        Options::none(options)?;
        self.0.stop_daemon()?;
        Ok(Extras::new())
    }

    /// Version of the daemon.
    #[zbus(property(emits_changed_signal = "const"))]
    async fn version(&self) -> Result<String> {
        Ok(self.status().await?.version.to_owned())
    }

    /// The profile that this daemon serves.
    #[zbus(property(emits_changed_signal = "const"))]
    async fn profile(&self) -> Result<String> {
        Ok(self.status().await?.profile)
    }

    /// How many links to contacts are up.
    #[zbus(property)]
    async fn links(&self) -> Result<u32> {
        Ok(self.status().await?.links)
    }

    /// How many messages are on their way.
    #[zbus(property)]
    async fn outbox(&self) -> Result<u64> {
        Ok(self.status().await?.outbox)
    }

    /// How many messages nobody has read here; 0 while locked.
    #[zbus(property)]
    async fn unread(&self) -> Result<u64> {
        Ok(self.status().await?.unread)
    }

    /// How many contact requests wait for the user; 0 while locked.
    #[zbus(property)]
    async fn pending_requests(&self) -> Result<u32> {
        Ok(self.status().await?.pending_requests)
    }

    /// Number of the newest event; 0 before the first.
    #[zbus(property)]
    async fn last_event(&self) -> Result<u64> {
        Ok(self.status().await?.last_event)
    }

    /// Whether the data can be read: missing, sealed, locked or unlocked.
    #[zbus(property)]
    fn vault_state(&self) -> &'static str {
        words::vault_state(self.0.vault_state())
    }
}
