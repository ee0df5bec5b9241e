//! Pure work on bytes: certificates, envelopes, parcels, key derivation, what lies on disk.
//!
//! # Decisions
//! - Everything that a network peer sends passes a symmetric check (`parcel`) before the
//!   OpenPGP parser sees it; that parser still runs with a size cap and under `catch_unwind`.
//! - The OpenPGP library is used packet by packet. Its own verdicts (valid signature, right
//!   recipient) are weaker than the rules of this protocol, so each rule is checked here.
//! - Secret keys are serialised without a password, into buffers that wipe themselves: the
//!   caller seals them with [`seal_file`] before they touch a disk.

mod aead;
mod cert;
mod envelope;
mod error;
mod fingerprint;
#[cfg(test)]
mod interop;
mod kdf;
mod key_slot;
mod packets;
mod parcel;
mod policy;
mod random;
mod reader;
mod record_cipher;
mod sealed_file;
mod secret;
mod signing;
#[cfg(test)]
mod vectors;

pub use aead::{open_bytes, seal_bytes};
pub use cert::{
    DeviceCert, DeviceKey, IdentityCert, IdentityKey, OneTimeKey, OneTimePublic, kem_open, kem_seal,
};
pub use envelope::{
    MAX_ENVELOPE_BYTES, MAX_RECIPIENTS, Opener, Recipient, open, open_unknown_author, seal,
};
pub use error::{CryptoError, OpenError};
pub use fingerprint::{ic_hash20, safety_number};
pub use kdf::{KdfParams, derive, hash, mac, same};
pub use key_slot::{Keyring, KeyringError, SlotInfo, SlotSecret};
pub use parcel::{
    EnvelopeKind, PARCEL_BYTES, SealedEnvelope, Tag, open_parcel, open_single, seal_parcel,
    seal_single, tag,
};
pub use random::{Random, SeededRandom, SystemRandom};
pub use record_cipher::RecordCipher;
pub use sealed_file::{open_file, seal_file};
pub use secret::Secret;
pub use signing::{Signer, verify};

/// Which implementation of the primitives this build has.
pub const BACKEND: &str = if cfg!(feature = "openssl") {
    "OpenSSL"
} else {
    "RustCrypto"
};

#[cfg(test)]
mod tests {
    #[test]
    fn the_backend_is_the_one_built_in() {
        let real = sequoia_openpgp::crypto::backend();
        assert!(real.starts_with(super::BACKEND), "{real}");
    }
}
