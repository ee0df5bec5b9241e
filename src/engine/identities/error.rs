//! Why an identity could not be made or read.

use crate::{crypto::CryptoError, protocol::ManifestError, store::StoreError};
use std::io;

/// Each variant is a step that failed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The vault must be unlocked first.
    #[error("the vault is locked")]
    Locked,
    /// No such identity.
    #[error("no such identity")]
    NotFound,
    /// A name that is empty, too long or has control characters.
    #[error("a name is 1 to 120 bytes without control characters")]
    BadName,
    /// The limit of identities is reached.
    #[error("there are as many identities as one daemon serves")]
    TooMany,
    /// Keys cannot be made.
    #[error("cannot make keys")]
    MakeKeys(#[source] CryptoError),
    /// The device manifest cannot be signed.
    #[error("cannot sign the device manifest")]
    SignManifest(#[source] ManifestError),
    /// The key file cannot be read.
    #[error("cannot read the identity's key file")]
    ReadKeys(#[source] io::Error),
    /// The key file cannot be written.
    #[error("cannot write the identity's key file")]
    WriteKeys(#[source] io::Error),
    /// The key file does not open.
    #[error("the identity's key file is damaged")]
    OpenKeys(#[source] CryptoError),
    /// A record or key file holds nonsense.
    #[error("the identity's record is damaged")]
    Damaged,
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] StoreError),
}
