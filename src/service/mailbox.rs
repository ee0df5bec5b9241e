//! Mailboxes that this daemon hosts for others.

use super::{IdempotencyKey, Result, Selector, Service, ServiceError, error, guard};
use crate::{
    engine::mailbox::host::{DEFAULT_QUOTA, NewMailbox},
    model::{ErrorCode, HostedMailbox, MailboxHostStatus, Page, PageRequest, VaultState},
};
use std::net::SocketAddr;

/// What a mailbox shall be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfferMailbox {
    /// What the user calls it; at most 120 bytes.
    pub name: String,
    /// Most bytes that may wait in it, from 1 MiB to 1 GiB; `None` means 64 MiB.
    pub max_bytes: Option<u64>,
    /// Addresses to put into the code instead of those the daemon listens on; `ip:port`.
    pub addresses: Vec<SocketAddr>,
}

/// A fresh mailbox with the code for its owner. The code is told once and to be kept secret.
#[derive(Clone, PartialEq, Eq)]
pub struct OfferedMailbox {
    /// The mailbox.
    pub mailbox: HostedMailbox,
    /// `msgd:m1…`
    pub code: String,
}

impl Service {
    /// Offers somebody a mailbox.
    pub async fn offer_mailbox(
        &self,
        request: OfferMailbox,
        key: IdempotencyKey,
    ) -> Result<OfferedMailbox> {
        let rooms = self.open_rooms()?;
        let max_bytes = request.max_bytes.unwrap_or(DEFAULT_QUOTA);
        let named: Vec<String> = request.addresses.iter().map(ToString::to_string).collect();
        let told = [
            request.name.as_bytes(),
            &max_bytes.to_be_bytes(),
            named.join(" ").as_bytes(),
        ]
        .map(<[u8]>::to_vec);
        let told: Vec<&[u8]> = told.iter().map(Vec::as_slice).collect();
        let once = guard::once(rooms, "offer_mailbox", &key, &told)?;
        let addresses = match request.addresses.is_empty() {
            true => rooms.contacts.my_addresses(),
            false => request.addresses,
        };
        let new = NewMailbox {
            name: request.name,
            max_bytes,
            addresses,
        };
        let offered = rooms.mailbox_host.offer(new, once).await;
        let (mailbox, code) = offered.map_err(error::mailbox_host)?;
        Ok(OfferedMailbox {
            mailbox,
            code: code.to_text(),
        })
    }

    /// Every mailbox that is hosted here, the oldest first. Works while locked, then without
    /// names, but after a restart of the machine only once it was unlocked.
    pub async fn list_hosted_mailboxes(&self, page: PageRequest) -> Result<Page<HostedMailbox>> {
        guard::page(self.hosted_mailboxes().await?, &page)
    }

    /// Ends a mailbox that is hosted here, with all that waits in it; returns its id. Works
    /// while locked, by id only; after a restart of the machine once it was unlocked.
    pub async fn revoke_mailbox(&self, which: Selector, key: IdempotencyKey) -> Result<String> {
        let rooms = self.rooms()?;
        let act = async {
            let all = self.hosted_mailboxes().await?;
            let one = guard::select(
                "mailbox",
                all,
                &which,
                |one| one.id.to_string(),
                |one| vec![one.name.clone()],
            );
            let locked = rooms.vault.state() != VaultState::Unlocked;
            let one = one.map_err(|error| match error.code {
                ErrorCode::NotFound if locked => nameless(error),
                _ => error,
            })?;
            let revoked = rooms.mailbox_host.revoke(one.id).await;
            revoked.map_err(error::mailbox_host)?;
            Ok(one.id.to_string())
        };
        let request = [which.0.as_bytes()];
        guard::done_once(rooms, "revoke_mailbox", &key, &request, act).await
    }

    /// What is hosted here, all together. Works while locked, but after a restart of the
    /// machine only once it was unlocked.
    pub async fn get_mailbox_host_status(&self) -> Result<MailboxHostStatus> {
        let status = self.rooms()?.mailbox_host.status().await;
        status.map_err(error::mailbox_host)
    }

    async fn hosted_mailboxes(&self) -> Result<Vec<HostedMailbox>> {
        let all = self.rooms()?.mailbox_host.list().await;
        all.map_err(error::mailbox_host)
    }
}

/// Nothing fits while names cannot be read: one of them may be meant.
fn nameless(error: ServiceError) -> ServiceError {
    ServiceError {
        code: ErrorCode::Locked,
        message: format!(
            "{} while the vault is locked, which hides names: use the id, or unlock it with \
             `msgctl vault unlock`",
            error.message
        ),
        ..error
    }
}
