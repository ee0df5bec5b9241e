//! Secrets go with what they were for.

use super::{ContactError, Contacts, RouteKind, convert};
use crate::{
    model::{EventKind, InviteId, RequestId, RouteId, Timestamp},
    store::{
        Txn, invites,
        records::{InviteRecord, RequestRecord},
        requests, routes,
    },
};
use std::time::Duration;

/// Whoever comes later than this after an invite's end is not even told that it has ended.
const TELL_FOR: Duration = Duration::from_secs(86_400);

fn told_until(expires_at: i64) -> i64 {
    Timestamp(expires_at).after(TELL_FOR).0
}

/// Takes the keys out of an invite that nobody can use any more. What is shown of it stays.
/// Returns whether there was anything to take.
pub(super) fn shred_invite(row: &mut InviteRecord) -> bool {
    let held = !(row.offer.is_empty() && row.secret.is_empty() && row.link.is_empty());
    row.offer.clear();
    row.secret.clear();
    row.link.clear();
    held
}

/// The same for a request that is decided or out of time.
pub(super) fn shred_request(row: &mut RequestRecord) -> bool {
    let held = !(row.handshake.is_empty() && row.parcel.is_empty() && row.link.is_empty());
    row.handshake.clear();
    row.parcel.clear();
    row.link.clear();
    held
}

impl Contacts {
    /// Ends what is out of time, and takes the secrets out of all that is over.
    ///
    /// # Errors
    /// Locked, or what the store says.
    pub async fn sweep(&self) -> Result<(), ContactError> {
        let now = self.0.bus.now().0;
        let mut txn = self.begin();
        let mut gone = Vec::new();
        for row in routes::list(&txn).map_err(ContactError::Store)? {
            let handshake = row.kind != RouteKind::Contact.number();
            let until = if row.kind == RouteKind::Invite.number() {
                told_until(row.expires_at)
            } else {
                row.expires_at
            };
            if handshake && until <= now {
                gone.extend(RouteId::from_slice(&row.id));
            }
        }
        let mut over = Vec::new();
        for row in requests::list(&txn).map_err(ContactError::Store)? {
            if self.sweep_request(&mut txn, row.clone(), now)? && row.direction == convert::INCOMING
            {
                over.push(row.id);
            }
        }
        for row in invites::list(&txn).map_err(ContactError::Store)? {
            let over = over.contains(&row.request);
            if let Some(route) = self.sweep_invite(&mut txn, row, over, now)? {
                gone.push(route);
            }
        }
        for route in &gone {
            routes::remove(&mut txn, route).map_err(ContactError::Store)?;
        }
        self.commit(txn).await?;
        for route in gone {
            self.withdraw_route(route).await;
        }
        Ok(())
    }

    /// Returns whether the request is over.
    fn sweep_request(
        &self,
        txn: &mut Txn,
        mut row: RequestRecord,
        now: i64,
    ) -> Result<bool, ContactError> {
        let id = RequestId::from_slice(&row.id).ok_or(ContactError::Damaged)?;
        let undecided = matches!(row.state, convert::PENDING | convert::SENT);
        if undecided && row.expires_at > now {
            return Ok(false);
        }
        let held = shred_request(&mut row);
        if undecided {
            row.state = convert::REQUEST_EXPIRED;
            self.request_changed(txn, id)?;
        }
        if held || undecided {
            requests::put(txn, &row).map_err(ContactError::Store)?;
        }
        Ok(true)
    }

    /// `over`: its request is. Returns the route of one whose time is over.
    fn sweep_invite(
        &self,
        txn: &mut Txn,
        mut row: InviteRecord,
        over: bool,
        now: i64,
    ) -> Result<Option<RouteId>, ContactError> {
        let id = InviteId::from_slice(&row.id).ok_or(ContactError::Damaged)?;
        let expired = row.state == convert::OPEN && row.expires_at <= now;
        let usable = row.state == convert::OPEN || row.state == convert::USED && !over;
        if usable && !expired {
            return Ok(None);
        }
        if expired {
            row.state = convert::INVITE_EXPIRED;
            let kind = EventKind::InviteChanged { invite: id };
            self.0.bus.append(txn, kind).map_err(ContactError::Store)?;
        }
        let late = row.state == convert::INVITE_EXPIRED && told_until(row.expires_at) > now;
        let shredded = !late && shred_invite(&mut row);
        if shredded || expired {
            invites::put(txn, &row).map_err(ContactError::Store)?;
        }
        let ended = shredded && row.state == convert::INVITE_EXPIRED;
        Ok(ended.then_some(RouteId(id.0)))
    }
}
