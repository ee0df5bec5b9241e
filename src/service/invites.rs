//! Invites.

use super::{IdempotencyKey, Result, Selector, Service};
use crate::model::{Invite, Page, PageRequest};
use std::time::Duration;

/// What an invite shall be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateInvite {
    /// For whom it speaks; empty means the only identity.
    pub identity: Selector,
    /// How long it can be used, from a minute to 90 days; `None` means 7 days.
    pub ttl: Option<Duration>,
    /// A note that only its owner sees.
    pub note: String,
    /// Accept the request it brings without asking: for links handed over in person.
    pub auto_accept: bool,
    /// Addresses to put into the link instead of those the daemon listens on; `ip:port`.
    pub addresses: Vec<std::net::SocketAddr>,
}

/// A fresh invite with the link to hand over. The link is told once and to be kept secret.
#[derive(Clone, PartialEq, Eq)]
pub struct CreatedInvite {
    /// The invite.
    pub invite: Invite,
    /// `msgd:i1…`
    pub link: String,
    /// The same for a QR code: upper case, so that a smaller code will do.
    pub qr_text: String,
}

impl Service {
    /// Makes a one-time invite.
    pub async fn create_invite(
        &self,
        request: CreateInvite,
        key: IdempotencyKey,
    ) -> Result<CreatedInvite> {
        todo!()
    }

    /// Every invite, the newest first.
    pub async fn list_invites(&self, page: PageRequest) -> Result<Page<Invite>> {
        todo!()
    }

    /// Withdraws an open invite.
    pub async fn revoke_invite(&self, which: Selector, key: IdempotencyKey) -> Result<Invite> {
        todo!()
    }
}
