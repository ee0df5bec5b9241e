//! Why the vault could not do what was asked.

use crate::{
    crypto::{CryptoError, KeyringError},
    store::StoreError,
};
use std::io;

/// Each variant is a step that failed.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is a keyring already.
    #[error("this profile has a vault already")]
    Exists,
    /// There is no keyring.
    #[error("this profile has no vault yet")]
    Missing,
    /// There is no keyring, but there are keys that it sealed.
    #[error(
        "keyring.v1 is missing, and identities are sealed with it: put it back from a backup, or move the folder away to begin anew"
    )]
    KeyringGone,
    /// The vault must be unlocked first.
    #[error("the vault is locked")]
    Locked,
    /// No slot opens with that passphrase.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// Too many wrong passphrases.
    #[error("too many wrong passphrases: try again in {seconds} s")]
    Wait {
        /// Until the next try.
        seconds: u64,
    },
    /// A passphrase that protects nothing.
    #[error("the passphrase is too short: use at least {least} bytes")]
    WeakPassphrase {
        /// The least that is taken.
        least: usize,
    },
    /// The keyring cannot be opened.
    #[error("the keyring cannot be opened")]
    OpenKeyring(#[source] KeyringError),
    /// The keyring refused the change.
    #[error("the keyring cannot be changed")]
    MakeSlot(#[source] KeyringError),
    /// The transport key's file does not open.
    #[error("transport.key is damaged")]
    OpenTransportKey(#[source] CryptoError),
    /// A file cannot be read.
    #[error("cannot read {file}")]
    Read {
        /// Its name in the data folder.
        file: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {file}")]
    Write {
        /// Its name in the data folder.
        file: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A key file is not one.
    #[error("{file} is not a key file of 32 bytes with mode 0600")]
    BadKeyFile {
        /// Its name in the data folder.
        file: &'static str,
    },
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// The daemon is stopping.
    #[error("the daemon is stopping")]
    Stopped,
}
