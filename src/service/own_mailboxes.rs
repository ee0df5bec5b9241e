//! Mailboxes of ours, which somebody else keeps.

use super::{IdempotencyKey, Result, Selector, Service, error, guard};
use crate::model::{OwnMailbox, Page, PageRequest};

/// A mailbox that somebody offered.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AcceptMailbox {
    /// The code that its host handed over: `msgd:m1…`. It is secret.
    pub code: String,
    /// Whose contacts are to leave parcels there; empty means the only identity.
    pub identity: Selector,
    /// A note for oneself, such as who keeps it; at most 120 bytes.
    pub note: String,
}

// The code stays out of logs.
impl std::fmt::Debug for AcceptMailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AcceptMailbox").finish_non_exhaustive()
    }
}

impl Service {
    /// Uses a mailbox from now on: its host is asked for parcels, and contacts are told of it.
    pub async fn accept_mailbox(
        &self,
        request: AcceptMailbox,
        key: IdempotencyKey,
    ) -> Result<OwnMailbox> {
        let identity = self.get_identity(request.identity).await?.id;
        let rooms = self.open_rooms()?;
        let told = [
            identity.0.as_slice(),
            request.code.as_bytes(),
            request.note.as_bytes(),
        ];
        let once = guard::once(rooms, "accept_mailbox", &key, &told)?;
        let accepted = rooms
            .mailboxes
            .accept(identity, &request.code, request.note, once);
        accepted.await.map_err(error::mailbox)
    }

    /// Every mailbox that is used, the oldest first.
    pub async fn list_mailboxes(&self, page: PageRequest) -> Result<Page<OwnMailbox>> {
        let all = self.open_rooms()?.mailboxes.list();
        guard::page(all.map_err(error::mailbox)?, &page)
    }

    /// Uses a mailbox no longer, and has contacts told so; returns its id.
    pub async fn remove_mailbox(&self, which: Selector, key: IdempotencyKey) -> Result<String> {
        let rooms = self.open_rooms()?;
        let act = async {
            let all = rooms.mailboxes.list().map_err(error::mailbox)?;
            let found = guard::select(
                "mailbox",
                all,
                &which,
                |one| one.id.to_string(),
                |one| vec![one.note.clone()],
            )?;
            let removed = rooms.mailboxes.remove(found.id).await;
            removed
                .map_err(error::mailbox)
                .map(|()| found.id.to_string())
        };
        let request = [which.0.as_bytes()];
        guard::done_once(rooms, "remove_mailbox", &key, &request, act).await
    }
}
