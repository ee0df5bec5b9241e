//! The vault's files: `keyring.v1`, `transport.key`, `unattended.key`, and the runtime copy.

use super::{SlotChoice, VaultError};
use crate::{
    base::write_atomic,
    crypto::{Keyring, Secret, SlotSecret, SystemRandom, open_file, seal_file},
};
use std::{
    fs,
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

const KEYRING: &str = "keyring.v1";
const TRANSPORT: &str = "transport.key";
const UNATTENDED: &str = "unattended.key";
const IDENTITIES: &str = "identities";
/// Shorter ones are refused: argon2id cannot save them.
const LEAST_PASSPHRASE_BYTES: usize = 8;
/// More than any of these files ever holds: a swapped-in huge file must not fill the memory.
const MAX_FILE_BYTES: u64 = 64 * 1024;

pub(super) struct Files {
    pub(super) data: PathBuf,
    pub(super) runtime: Option<PathBuf>,
}

/// An owned slot secret, for the thread that derives.
pub(super) enum OwnedSecret {
    Passphrase(Zeroizing<Vec<u8>>),
    File(Secret<32>),
}

impl OwnedSecret {
    pub(super) fn borrow(&self) -> SlotSecret<'_> {
        match self {
            Self::Passphrase(bytes) => SlotSecret::Passphrase(bytes),
            Self::File(key) => SlotSecret::File(key),
        }
    }
}

impl Files {
    pub(super) fn has_keyring(&self) -> bool {
        self.data.join(KEYRING).exists()
    }

    /// Whether a keyring that is not there would be missed: a new one opens none of these.
    pub(super) fn has_identities(&self) -> bool {
        fs::read_dir(self.data.join(IDENTITIES)).is_ok_and(|mut files| files.next().is_some())
    }

    pub(super) fn read_keyring(&self) -> Result<Keyring, VaultError> {
        let bytes = self.read(KEYRING)?;
        Keyring::parse(&bytes).map_err(VaultError::OpenKeyring)
    }

    pub(super) fn write_keyring(&self, keyring: &Keyring) -> Result<(), VaultError> {
        self.write(KEYRING, &keyring.to_bytes())
    }

    pub(super) fn read_transport(&self, dek: &Secret<32>) -> Result<Secret<32>, VaultError> {
        let sealed = self.read(TRANSPORT)?;
        let bytes =
            open_file(dek, "transport-key", &sealed).map_err(VaultError::OpenTransportKey)?;
        Secret::from_slice(&bytes).ok_or(VaultError::BadKeyFile { file: TRANSPORT })
    }

    pub(super) fn write_transport(
        &self,
        dek: &Secret<32>,
        key: &Secret<32>,
    ) -> Result<(), VaultError> {
        let sealed = seal_file(dek, "transport-key", key.as_bytes(), &mut SystemRandom);
        self.write(TRANSPORT, &sealed)
    }

    /// The key of the unattended slot, if the user chose one.
    pub(super) fn read_slot_key(&self) -> Result<Option<Secret<32>>, VaultError> {
        let path = self.data.join(UNATTENDED);
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(VaultError::Read {
                    file: UNATTENDED,
                    source,
                });
            }
            // A key that others may read is no key.
            Ok(found) if found.permissions().mode() & 0o077 != 0 => {
                return Err(VaultError::BadKeyFile { file: UNATTENDED });
            }
            Ok(_) => {}
        }
        let bytes = self.read(UNATTENDED)?;
        Secret::from_slice(&bytes)
            .map(Some)
            .ok_or(VaultError::BadKeyFile { file: UNATTENDED })
    }

    pub(super) fn new_slot_secret(&self, choice: SlotChoice) -> Result<OwnedSecret, VaultError> {
        match choice {
            SlotChoice::Passphrase(bytes) if bytes.len() < LEAST_PASSPHRASE_BYTES => {
                Err(VaultError::WeakPassphrase {
                    least: LEAST_PASSPHRASE_BYTES,
                })
            }
            SlotChoice::Passphrase(bytes) => Ok(OwnedSecret::Passphrase(bytes)),
            SlotChoice::File => {
                let key = Secret::random(&mut SystemRandom);
                self.write(UNATTENDED, key.as_bytes())?;
                Ok(OwnedSecret::File(key))
            }
        }
    }

    pub(super) fn remove_slot_key(&self) -> Result<(), VaultError> {
        match fs::remove_file(self.data.join(UNATTENDED)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(VaultError::Write {
                file: UNATTENDED,
                source,
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn read_runtime_key(&self) -> Option<Secret<32>> {
        let bytes = read_capped(&self.runtime.as_ref()?.join(TRANSPORT)).ok()?;
        Secret::from_slice(&bytes)
    }

    /// Best effort: without the copy the daemon merely waits for the next unlock.
    pub(super) fn write_runtime_key(&self, key: &Secret<32>) {
        if let Some(dir) = &self.runtime
            && let Err(error) = write_atomic(&dir.join(TRANSPORT), key.as_bytes())
        {
            tracing::warn!(error = %error.kind(), "cannot keep the transport key for a restart while locked");
        }
    }

    fn read(&self, file: &'static str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        read_capped(&self.data.join(file)).map_err(|source| VaultError::Read { file, source })
    }

    fn write(&self, file: &'static str, bytes: &[u8]) -> Result<(), VaultError> {
        write_atomic(&self.data.join(file), bytes)
            .map_err(|source| VaultError::Write { file, source })
    }
}

fn read_capped(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    fs::File::open(path)?
        .take(MAX_FILE_BYTES)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
