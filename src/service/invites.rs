//! Invites.

use super::{IdempotencyKey, Result, Selector, Service, error, guard};
use crate::{
    engine::contacts::NewInvite,
    model::{Invite, Page, PageRequest, limits},
};
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
        let identity = self.get_identity(request.identity).await?.id;
        let rooms = self.open_rooms()?;
        let ttl = request.ttl.unwrap_or(limits::INVITE_TTL);
        let addresses: Vec<String> = request.addresses.iter().map(ToString::to_string).collect();
        let told = [
            identity.0.as_slice(),
            &ttl.as_millis().to_be_bytes(),
            request.note.as_bytes(),
            &[u8::from(request.auto_accept)],
            addresses.join(" ").as_bytes(),
        ]
        .map(<[u8]>::to_vec);
        let told: Vec<&[u8]> = told.iter().map(Vec::as_slice).collect();
        let once = guard::once(rooms, "create_invite", &key, &told)?;
        let new = NewInvite {
            identity,
            ttl,
            note: request.note,
            auto_accept: request.auto_accept,
            addresses: request.addresses,
        };
        let (invite, link) = rooms
            .contacts
            .create_invite(new, once)
            .await
            .map_err(error::contact)?;
        Ok(CreatedInvite {
            invite,
            link: link.to_string(),
            qr_text: link.qr_text(),
        })
    }

    /// Every invite, the newest first.
    pub async fn list_invites(&self, page: PageRequest) -> Result<Page<Invite>> {
        let mut all = self
            .open_rooms()?
            .contacts
            .list_invites()
            .map_err(error::contact)?;
        all.reverse();
        guard::page(all, &page)
    }

    /// Withdraws an open invite.
    pub async fn revoke_invite(&self, which: Selector, key: IdempotencyKey) -> Result<Invite> {
        let rooms = self.open_rooms()?;
        let act = async {
            let id = self.invite(&which)?.id;
            let revoked = rooms.contacts.revoke_invite(id).await;
            revoked.map_err(error::contact).map(|_| id.to_string())
        };
        let request = [which.0.as_bytes()];
        let id = guard::done_once(rooms, "revoke_invite", &key, &request, act).await?;
        self.invite(&Selector(id))
    }

    fn invite(&self, which: &Selector) -> Result<Invite> {
        let all = self.open_rooms()?.contacts.list_invites();
        guard::select(
            "invite",
            all.map_err(error::contact)?,
            which,
            |one| one.id.to_string(),
            |one| vec![one.note.clone()],
        )
    }
}
