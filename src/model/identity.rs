//! The user's own identities.

use super::{Fingerprint, IdentityId, Timestamp};

/// One persona: an identity certificate and this device's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Local handle.
    pub id: IdentityId,
    /// What the user calls it; told to contacts in requests.
    pub name: String,
    /// Of the identity certificate.
    pub fingerprint: Fingerprint,
    /// Of this device's certificate.
    pub device_fingerprint: Fingerprint,
    /// When it was made here.
    pub created_at: Timestamp,
}
