//! `msgctl vault`: what protects your data.

use crate::{
    cli::{
        context::{Context, ask, every_page, full},
        exit_code::Failure,
        prompt::{Passphrase, Source},
        view::{self, Done, List},
    },
    ipc::grpc::proto::v1::{self as proto, VaultState, new_slot},
    model::{ErrorCode, limits::MAX_PAGE},
};
use clap::{Args, Subcommand};

/// Name below `$CREDENTIALS_DIRECTORY` of the passphrase that opens the vault.
const CREDENTIAL: &str = "msgd-passphrase";
/// The same for one that shall open it from now on.
const NEW_CREDENTIAL: &str = "msgd-new-passphrase";

/// What protects your data: make, unlock, lock.
///
/// Passphrases are asked for on the terminal, or read from --passphrase-fd, or from the systemd
/// credential `msgd-passphrase`; never from the command line or the environment.
#[derive(Debug, Subcommand)]
pub(crate) enum Vault {
    /// Make the vault and unlock it
    Create(Slot),
    /// Unlock it
    Unlock {
        #[command(flatten)]
        passphrase: Fd,
    },
    /// Forget the keys of your data; messages go on being taken and sent, not opened
    Lock,
    /// Change the passphrase
    Passphrase {
        #[command(flatten)]
        old: Fd,
        /// Read the new passphrase from this file descriptor
        #[arg(long, value_name = "N")]
        new_passphrase_fd: Option<u32>,
    },
    /// List, add and remove what opens the vault; alone: list
    Slots {
        #[command(subcommand)]
        verb: Option<Slots>,
    },
}

/// What opens the vault.
#[derive(Debug, Subcommand)]
pub(crate) enum Slots {
    /// List key slots
    Ls,
    /// Add a key slot
    Add(Slot),
    /// Remove a key slot; the last one stays
    Remove {
        /// Its number
        number: u32,
    },
}

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Fd {
    /// Read the passphrase from this file descriptor
    #[arg(long, value_name = "N")]
    passphrase_fd: Option<u32>,
}

/// A new key slot.
#[derive(Args, Debug)]
pub(crate) struct Slot {
    #[command(flatten)]
    passphrase: Fd,
    /// No passphrase: a key file beside the data opens it, which protects nothing from disk theft
    #[arg(long, conflicts_with = "passphrase_fd")]
    insecure_store: bool,
}

impl Slot {
    fn read(&self, credential: &str) -> Result<proto::NewSlot, Failure> {
        let opener = if self.insecure_store {
            new_slot::Opener::File(new_slot::File {})
        } else {
            let passphrase = new_passphrase(self.passphrase.passphrase_fd, credential)?;
            new_slot::Opener::Passphrase(passphrase.to_vec())
        };
        Ok(proto::NewSlot {
            opener: Some(opener),
        })
    }
}

impl Fd {
    fn read(self, prompt: &str) -> Result<Passphrase, Failure> {
        let source = Source {
            fd: self.passphrase_fd,
            credential: CREDENTIAL,
            prompt,
            confirm: false,
        };
        source.read()
    }
}

fn new_passphrase(fd: Option<u32>, credential: &str) -> Result<Passphrase, Failure> {
    let source = Source {
        fd,
        credential,
        prompt: "New passphrase",
        confirm: true,
    };
    source.read()
}

impl Vault {
    pub(crate) async fn run(self, on: &mut Context) -> Result<(), Failure> {
        match self {
            Self::Create(slot) => create(&slot, on).await,
            Self::Unlock { passphrase } => unlock(passphrase, on).await,
            Self::Lock => {
                let answer = ask!(on, vault.lock_vault(proto::LockVaultRequest {}));
                on.output.show(&view::Vault::from(answer.state()))
            }
            Self::Passphrase {
                old,
                new_passphrase_fd,
            } => {
                let old = old.read("Present passphrase")?;
                let new = new_passphrase(new_passphrase_fd, NEW_CREDENTIAL)?;
                let request = proto::ChangePassphraseRequest {
                    old_passphrase: old.to_vec(),
                    new_passphrase: new.to_vec(),
                    idempotency_key: on.key()?,
                };
                ask!(on, vault.change_passphrase(request));
                on.output.remark("the passphrase is changed.");
                on.output.show(&Done {})
            }
            Self::Slots { verb } => verb.unwrap_or(Slots::Ls).run(on).await,
        }
    }
}

impl Slots {
    async fn run(self, on: &mut Context) -> Result<(), Failure> {
        match self {
            Self::Ls => {
                let page = |page_token| proto::ListSlotsRequest {
                    page_size: MAX_PAGE,
                    page_token,
                };
                let slots: List<view::Slot> = every_page!(on, vault.list_slots(page).slots);
                on.output.show(&slots)
            }
            Self::Add(slot) => {
                let request = proto::AddSlotRequest {
                    slot: Some(slot.read(NEW_CREDENTIAL)?),
                    idempotency_key: on.key()?,
                };
                let slot = ask!(on, vault.add_slot(request)).slot;
                on.output.show(&view::Slot::from(full(slot)?))
            }
            Self::Remove { number } => {
                let request = proto::RemoveSlotRequest {
                    number,
                    idempotency_key: on.key()?,
                };
                ask!(on, vault.remove_slot(request));
                on.output.show(&Done {})
            }
        }
    }
}

async fn create(slot: &Slot, on: &mut Context) -> Result<(), Failure> {
    // Asked first, so that nobody thinks up a passphrase in vain.
    if state(on).await? != VaultState::Missing {
        return Err(Failure::new(
            ErrorCode::Conflict,
            "there is a vault already. open it: msgctl vault unlock",
        ));
    }
    let request = proto::CreateVaultRequest {
        slot: Some(slot.read(CREDENTIAL)?),
        idempotency_key: on.key()?,
    };
    let answer = ask!(on, vault.create_vault(request));
    on.output.show(&view::Vault::from(answer.state()))?;
    on.output.remark(if slot.insecure_store {
        "whoever gets this disk can read everything. add a passphrase: msgctl vault slots add"
    } else {
        "nobody can recover the passphrase for you: keep it safe."
    });
    Ok(())
}

async fn unlock(passphrase: Fd, on: &mut Context) -> Result<(), Failure> {
    match state(on).await? {
        VaultState::Unlocked => return on.output.show(&view::Vault::from(VaultState::Unlocked)),
        VaultState::Missing => {
            return Err(Failure::new(
                ErrorCode::NotFound,
                "there is no vault yet. make one: msgctl vault create",
            ));
        }
        VaultState::Unspecified | VaultState::Sealed | VaultState::Locked => {}
    }
    let slots = proto::ListSlotsRequest::default();
    let slots = ask!(on, vault.list_slots(slots)).slots;
    // Where only a file opens the vault there is nothing to ask for.
    let by_file = slots
        .iter()
        .all(|slot| slot.kind() == proto::SlotKind::File);
    let passphrase = if by_file {
        Vec::new()
    } else {
        passphrase.read("Passphrase")?.to_vec()
    };
    let request = proto::UnlockVaultRequest { passphrase };
    let answer = ask!(on, vault.unlock_vault(request));
    on.output.show(&view::Vault::from(answer.state()))
}

async fn state(on: &mut Context) -> Result<VaultState, Failure> {
    Ok(ask!(on, vault.vault_state(proto::VaultStateRequest {})).state())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;
    use clap::Parser;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn a_slot_is_opened_by_a_passphrase_or_by_a_file() {
        let slot = Slot {
            passphrase: Fd {
                passphrase_fd: None,
            },
            insecure_store: true,
        };
        let opener = slot.read(CREDENTIAL).unwrap().opener;
        assert!(matches!(opener, Some(new_slot::Opener::File(_))));
        let both = "msgctl vault create --insecure-store --passphrase-fd 3";
        assert_eq!(parse(both).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn verbs_and_flags_are_taken() {
        for line in [
            "msgctl vault create --insecure-store",
            "msgctl vault unlock --passphrase-fd 3",
            "msgctl vault passphrase --passphrase-fd 3 --new-passphrase-fd 4",
            "msgctl vault slots",
            "msgctl vault slots add --passphrase-fd 0",
            "msgctl vault slots remove 1",
        ] {
            assert!(parse(line).is_ok(), "{line}");
        }
        assert!(parse("msgctl vault unlock secret").is_err());
    }
}
