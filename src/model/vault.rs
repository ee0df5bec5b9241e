//! Whether this profile's data can be read.

/// The vault's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VaultState {
    /// No keyring yet.
    Missing,
    /// Never unlocked since the machine started: nothing can be read, nobody recognised.
    Sealed,
    /// Locked: parcels are sent and kept, nothing is opened or written.
    Locked,
    /// Everything works.
    Unlocked,
}

/// What opens a key slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlotKind {
    /// A passphrase through argon2id.
    Passphrase,
    /// A file of mode 0600 beside the keyring: no protection against disk theft.
    File,
}
