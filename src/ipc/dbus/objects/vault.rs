//! `org.msgd.Msgd1.Vault`: what protects the data at rest.

use crate::{
    ipc::dbus::{
        error::{Error, Result},
        options::{Extras, OptionDict, Options},
        rows,
        served::Private,
        words,
    },
    model::SlotKind,
    service::{NewSlot, Passphrase, Service},
};

/// The vault.
pub(in crate::ipc::dbus) struct Vault(pub(in crate::ipc::dbus) Service);

impl Private for Vault {
    const PRIVATE: &'static [&'static str] = &[];
    const ABOUT: &'static str = "What protects the data at rest. States are missing (no keyring \
        yet), sealed (not unlocked since the machine started), locked and unlocked. A passphrase \
        sent here passes through the message bus, where the same user's bus monitor can read it; \
        msgctl does not use the bus.";
}

/// Words for the kinds of slot; an unused passphrase is refused, not ignored.
fn new_slot(kind: &str, passphrase: Vec<u8>) -> Result<NewSlot> {
    let passphrase = Passphrase::new(passphrase);
    let empty = passphrase.0.is_empty();
    if kind == words::slot_kind(SlotKind::Passphrase) && !empty {
        Ok(NewSlot::Passphrase(passphrase))
    } else if kind == words::slot_kind(SlotKind::File) && empty {
        Ok(NewSlot::File)
    } else {
        Err(Error::invalid(
            "A slot is \"passphrase\" with a passphrase, or \"file\" with an empty one.",
        ))
    }
}

#[zbus::interface(name = "org.msgd.Msgd1.Vault")]
impl Vault {
    /// Makes the keyring with its first slot and unlocks it. The kind is "passphrase", or "file"
    /// with an empty passphrase: a file of mode 0600 in the data folder, which unlocks unattended
    /// and is no protection against the theft of the disk. Option: idempotency_key (s).
    #[zbus(out_args("state", "extras"))]
    async fn create(
        &self,
        kind: &str,
        passphrase: Vec<u8>,
        options: OptionDict,
    ) -> Result<(&'static str, Extras)> {
        // The passphrase is taken over first, so that it is wiped on every way out.
        let slot = new_slot(kind, passphrase)?;
        let key = Options::only_key(options)?;
        let state = self.0.create_vault(slot, key).await?;
        Ok((words::vault_state(state), Extras::new()))
    }

    /// Unlocks with a passphrase. Error.Denied if it is wrong; after five wrong ones each
    /// further try waits.
    #[zbus(out_args("state", "extras"))]
    async fn unlock(
        &self,
        passphrase: Vec<u8>,
        options: OptionDict,
    ) -> Result<(&'static str, Extras)> {
        let passphrase = Passphrase::new(passphrase);
        Options::none(options)?;
        let state = self.0.unlock_vault(passphrase).await?;
        Ok((words::vault_state(state), Extras::new()))
    }

    /// Forgets the data's keys. Links stay up; what comes in is kept unopened, what is on its
    /// way is still sent. The objects below the root vanish.
    #[zbus(out_args("state", "extras"))]
    async fn lock(&self, options: OptionDict) -> Result<(&'static str, Extras)> {
        Options::none(options)?;
        let state = self.0.lock_vault().await?;
        Ok((words::vault_state(state), Extras::new()))
    }

    /// Replaces the passphrase of the slot that the old one opens. Option: idempotency_key (s).
    #[zbus(out_args("extras"))]
    async fn change_passphrase(
        &self,
        old: Vec<u8>,
        new: Vec<u8>,
        options: OptionDict,
    ) -> Result<Extras> {
        let (old, new) = (Passphrase::new(old), Passphrase::new(new));
        let key = Options::only_key(options)?;
        self.0.change_passphrase(old, new, key).await?;
        Ok(Extras::new())
    }

    /// Every slot: its number, and kind (s), memory_kib (u), passes (u). Works while locked.
    #[zbus(out_args("slots", "extras"))]
    async fn list_slots(&self, options: OptionDict) -> Result<(Vec<(u32, Extras)>, Extras)> {
        Options::none(options)?;
        let slots = self.0.list_slots().await?;
        Ok((slots.into_iter().map(rows::slot).collect(), Extras::new()))
    }

    /// Adds a slot, of a kind as in Create. Option: idempotency_key (s).
    #[zbus(out_args("number", "extras"))]
    async fn add_slot(
        &self,
        kind: &str,
        passphrase: Vec<u8>,
        options: OptionDict,
    ) -> Result<(u32, Extras)> {
        let slot = new_slot(kind, passphrase)?;
        let key = Options::only_key(options)?;
        let (number, extras) = rows::slot(self.0.add_slot(slot, key).await?);
        Ok((number, extras))
    }

    /// Removes a slot, never the last one. Option: idempotency_key (s).
    #[zbus(out_args("extras"))]
    async fn remove_slot(&self, number: u32, options: OptionDict) -> Result<Extras> {
        let key = Options::only_key(options)?;
        self.0.remove_slot(number, key).await?;
        Ok(Extras::new())
    }

    /// Whether the data can be read: missing, sealed, locked or unlocked.
    #[zbus(property)]
    fn state(&self) -> &'static str {
        words::vault_state(self.0.vault_state())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_what_it_says() {
        assert!(matches!(
            new_slot("passphrase", b"open".to_vec()),
            Ok(NewSlot::Passphrase(_))
        ));
        assert!(matches!(new_slot("file", Vec::new()), Ok(NewSlot::File)));
        assert!(new_slot("passphrase", Vec::new()).is_err());
        assert!(new_slot("file", b"open".to_vec()).is_err());
        assert!(new_slot("", b"open".to_vec()).is_err());
    }
}
