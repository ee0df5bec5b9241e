//! Whether this profile's data can be read: the keyring, its slots, and two tiers of keys.
//!
//! # Decisions
//! - Two tiers. The data key (DEK) opens everything and is in memory only while unlocked. The
//!   transport key opens what moves sealed parcels: link keys, tags, addresses, the outbox.
//!   It is kept sealed under the DEK and, once unlocked, in the runtime folder as a 0600 file.
//!   That folder is memory and ends with the login session, so a daemon that is locked, or
//!   restarted while locked, goes on serving contacts, and a stolen disk is ciphertext.
//! - Without a runtime folder of that kind the transport key is not written anywhere.
//! - Wrong passphrases cost argon2id's second each, and after five of them a growing wait.

mod error;
mod files;
mod slots;

pub use error::VaultError;

use crate::{
    base::Backoff,
    crypto::{KdfParams, Keyring, Secret, SlotSecret},
    engine::event_bus::EventBus,
    model::{EventKind, SlotKind, VaultState},
    store::Tier,
};
use files::Files;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use zeroize::Zeroizing;

/// Wrong passphrases before tries have to wait.
const FREE_TRIES: u32 = 5;
const WAIT: Backoff = Backoff {
    first: Duration::from_secs(1),
    cap: Duration::from_secs(60),
};

/// What a new slot is opened by.
pub enum SlotChoice {
    /// A passphrase.
    Passphrase(Zeroizing<Vec<u8>>),
    /// A fresh key in a 0600 file.
    File,
}

/// The handle.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    files: Files,
    params: KdfParams,
    bus: EventBus,
    state: watch::Sender<VaultState>,
    open: Mutex<Open>,
    /// Held while the keyring file is being read, changed and written.
    keyring: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Open {
    dek: Option<Arc<Secret<32>>>,
    wrong: u32,
    next_try_ms: u64,
}

impl Vault {
    /// The vault over `data` (keyring) and `runtime` (boot-scoped key, if the folder is one).
    /// Takes the transport key up again if this login session has seen it. New slots are made
    /// with `params`.
    ///
    /// # Errors
    /// When the keyring cannot be read, or is gone while what it sealed is there.
    pub fn open(
        data: PathBuf,
        runtime: Option<PathBuf>,
        params: KdfParams,
        bus: EventBus,
    ) -> Result<Self, VaultError> {
        let files = Files { data, runtime };
        let mut state = VaultState::Missing;
        if files.has_keyring() {
            files.read_keyring()?;
            state = VaultState::Sealed;
            if let Some(key) = files.read_runtime_key() {
                bus.open(&key).map_err(VaultError::Store)?;
                state = VaultState::Locked;
            }
        } else if files.has_identities() {
            return Err(VaultError::KeyringGone);
        }
        Ok(Self(Arc::new(Inner {
            files,
            params,
            bus,
            state: watch::Sender::new(state),
            open: Mutex::default(),
            keyring: tokio::sync::Mutex::default(),
        })))
    }

    /// Which cryptographic library this build uses.
    #[must_use]
    pub fn backend(&self) -> &'static str {
        crate::crypto::BACKEND
    }

    /// Whether the data can be read.
    #[must_use]
    pub fn state(&self) -> VaultState {
        *self.0.state.borrow()
    }

    /// Whether there are keys of identities; locked or not.
    #[must_use]
    pub fn has_identities(&self) -> bool {
        self.0.files.has_identities()
    }

    /// Tells each change of [`state`](Self::state).
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<VaultState> {
        self.0.state.subscribe()
    }

    /// A key for files of `label`, below the data key; `None` unless unlocked.
    #[must_use]
    pub fn file_key(&self, label: &str) -> Option<Secret<32>> {
        let dek = self.lock_open().dek.clone()?;
        Some(crate::crypto::derive(dek.as_bytes(), label, &[]))
    }

    /// Makes the keyring with its first slot, and unlocks.
    ///
    /// # Errors
    /// [`VaultError::Exists`], a weak passphrase, or what the disk says.
    pub async fn create(&self, choice: SlotChoice) -> Result<(), VaultError> {
        let _turn = self.0.keyring.lock().await;
        if self.0.files.has_keyring() {
            return Err(VaultError::Exists);
        }
        if self.0.files.has_identities() {
            return Err(VaultError::KeyringGone);
        }
        let dek = Secret::random(&mut crate::crypto::SystemRandom);
        let transport = Secret::random(&mut crate::crypto::SystemRandom);
        let secret = self.0.files.new_slot_secret(choice)?;
        let (made, params) = (dek.clone(), self.0.params);
        let keyring = blocking(move || {
            Keyring::create(
                &made,
                secret.borrow(),
                params,
                &mut crate::crypto::SystemRandom,
            )
            .map_err(VaultError::MakeSlot)
        })
        .await?;
        self.0.files.write_transport(&dek, &transport)?;
        self.0.files.write_keyring(&keyring)?;
        self.attach(dek, &transport).await
    }

    /// Unlocks with a passphrase; where there are only file slots, with the file.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`], [`VaultError::Wait`], [`VaultError::Missing`], or what
    /// the disk says.
    pub async fn unlock(&self, passphrase: Zeroizing<Vec<u8>>) -> Result<(), VaultError> {
        let turn = self.0.keyring.lock().await;
        if self.0.files.has_keyring() {
            let slots = self.0.files.read_keyring()?.slots();
            if slots.iter().all(|slot| slot.kind == SlotKind::File) {
                // No passphrase opens it; the file does, and is at hand.
                drop((turn, passphrase));
                return match self.unlock_unattended().await? {
                    true => Ok(()),
                    false => Err(VaultError::BadKeyFile {
                        file: "unattended.key",
                    }),
                };
            }
        }
        let (_, dek) = self.try_passphrase(passphrase).await?;
        if self.state() == VaultState::Unlocked {
            return Ok(());
        }
        let transport = self.0.files.read_transport(&dek)?;
        self.attach(dek, &transport).await
    }

    /// Unlocks by the file slot, if there is one. Returns whether it did.
    ///
    /// # Errors
    /// When there is a key file that does not open the keyring, or what the disk says.
    pub async fn unlock_unattended(&self) -> Result<bool, VaultError> {
        let _turn = self.0.keyring.lock().await;
        let Some(key) = self.0.files.read_slot_key()? else {
            return Ok(false);
        };
        let keyring = self.0.files.read_keyring()?;
        let dek = keyring
            .unlock(SlotSecret::File(&key))
            .map_err(VaultError::OpenKeyring)?;
        let transport = self.0.files.read_transport(&dek)?;
        self.attach(dek, &transport).await?;
        Ok(true)
    }

    /// Forgets the data key. The transport tier stays.
    ///
    /// # Errors
    /// When the event of it cannot be written; it is locked all the same.
    pub async fn lock(&self) -> Result<(), VaultError> {
        let _turn = self.0.keyring.lock().await;
        if self.state() != VaultState::Unlocked {
            return Ok(());
        }
        // First the state, so that nobody starts work whose keys are about to go.
        self.0.state.send_replace(VaultState::Locked);
        self.lock_open().dek = None;
        self.0.bus.store().detach(Tier::Vault);
        self.tell(VaultState::Locked).await
    }

    async fn attach(&self, dek: Secret<32>, transport: &Secret<32>) -> Result<(), VaultError> {
        self.0.bus.open(transport).map_err(VaultError::Store)?;
        self.0.bus.store().attach(Tier::Vault, &dek);
        self.0.files.write_runtime_key(transport);
        *self.lock_open() = Open {
            dek: Some(Arc::new(dek)),
            ..Open::default()
        };
        self.0.state.send_replace(VaultState::Unlocked);
        self.0.bus.announce();
        self.tell(VaultState::Unlocked).await
    }

    async fn tell(&self, state: VaultState) -> Result<(), VaultError> {
        let mut txn = self.0.bus.store().begin();
        self.0
            .bus
            .append(&mut txn, EventKind::VaultChanged { state })
            .map_err(VaultError::Store)?;
        self.0.bus.commit(txn).await.map_err(VaultError::Store)
    }

    /// The data key that `passphrase` opens, with the brake on guessing.
    async fn try_passphrase(
        &self,
        passphrase: Zeroizing<Vec<u8>>,
    ) -> Result<(u8, Secret<32>), VaultError> {
        if !self.0.files.has_keyring() {
            return Err(VaultError::Missing);
        }
        let now = self.0.bus.clock().steady_ms();
        let wait_ms = self.lock_open().next_try_ms.saturating_sub(now);
        if wait_ms > 0 {
            return Err(VaultError::Wait {
                seconds: wait_ms.div_ceil(1000),
            });
        }
        let keyring = self.0.files.read_keyring()?;
        let opened = blocking(move || {
            keyring
                .unlock_slot(SlotSecret::Passphrase(&passphrase))
                .map_err(VaultError::OpenKeyring)
        })
        .await;
        let mut open = self.lock_open();
        match &opened {
            Ok(_) => (open.wrong, open.next_try_ms) = (0, 0),
            Err(VaultError::WrongPassphrase) => {
                open.wrong = open.wrong.saturating_add(1);
                if open.wrong >= FREE_TRIES {
                    // No jitter: the point is the wait itself.
                    let wait = WAIT.wait(open.wrong - FREE_TRIES, u64::MAX);
                    open.next_try_ms = self.0.bus.clock().steady_ms()
                        + u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                }
            }
            Err(_) => {}
        }
        opened
    }

    fn lock_open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs what takes argon2id's memory and second away from the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
) -> Result<T, VaultError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Err(VaultError::OpenKeyring(crate::crypto::KeyringError::WrongSecret))) => {
            Err(VaultError::WrongPassphrase)
        }
        Ok(result) => result,
        Err(_) => Err(VaultError::Stopped),
    }
}
