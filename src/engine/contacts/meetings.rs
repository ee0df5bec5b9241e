//! What it takes to look for somebody, and to be found by them: the secrets of every route.

use super::{ContactError, Contacts, RouteKind, session};
use crate::{
    crypto::Secret,
    model::{ContactId, InviteId, RequestId, RouteId},
    protocol::InviteLink,
    store::{
        contacts, invites,
        records::{RivalRecord, RouteRecord},
        requests, routes, sessions,
    },
};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// One secret that both ends of a route derive from when they look for each other.
#[derive(Clone, PartialEq, Eq)]
pub struct MeetingSecret {
    /// The pairwise secret S of a contact, or an invite's `rdv`.
    pub secret: Secret<32>,
    /// Whether we are side A, the inviter; what A publishes goes from A to B.
    pub inviter: bool,
}

/// What it takes to find whoever is at the end of a route.
#[derive(Clone, PartialEq, Eq)]
pub struct Meeting {
    /// The route.
    pub route: RouteId,
    /// What it leads to.
    pub kind: RouteKind,
    /// The present session's secret, then that of its rival, if there is one. Handshakes have
    /// one. Never empty.
    pub secrets: Vec<MeetingSecret>,
}

// The secrets stay out of logs.
impl fmt::Debug for Meeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meeting")
            .field("kind", &self.kind)
            .field("secrets", &self.secrets.len())
            .finish_non_exhaustive()
    }
}

/// The meetings of all routes that are offered, and a sign for every change.
#[derive(Default)]
pub(super) struct Meetings {
    all: Mutex<HashMap<RouteId, Arc<Meeting>>>,
    changes: watch::Sender<u64>,
}

impl Meetings {
    pub(super) fn put(&self, kind: RouteKind, row: &RouteRecord) {
        let secrets = row.secrets.iter().zip(&row.inviter);
        let secrets: Vec<MeetingSecret> = secrets
            .filter_map(|(secret, inviter)| {
                Some(MeetingSecret {
                    secret: Secret::from_slice(secret)?,
                    inviter: *inviter,
                })
            })
            .collect();
        let Some(route) = RouteId::from_slice(&row.id) else {
            return;
        };
        if secrets.is_empty() {
            return self.remove(route);
        }
        let meeting = Arc::new(Meeting {
            route,
            kind,
            secrets,
        });
        let before = self.all().insert(route, Arc::clone(&meeting));
        if before != Some(meeting) {
            self.changed();
        }
    }

    pub(super) fn remove(&self, route: RouteId) {
        let gone = self.all().remove(&route).is_some();
        if gone {
            self.changed();
        }
    }

    fn changed(&self) {
        self.changes
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    fn all(&self) -> MutexGuard<'_, HashMap<RouteId, Arc<Meeting>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contacts {
    /// The meetings of every route that is offered to the network room, in no order. Works
    /// while the vault is locked.
    #[must_use]
    pub fn meetings(&self) -> Vec<Arc<Meeting>> {
        self.0.meetings.all().values().cloned().collect()
    }

    /// The meeting of `route`, if it has one.
    #[must_use]
    pub fn meeting(&self, route: RouteId) -> Option<Arc<Meeting>> {
        self.0.meetings.all().get(&route).cloned()
    }

    /// Counts up whenever [`meetings`](Self::meetings) has changed: routes that came or went,
    /// and sessions that changed.
    #[must_use]
    pub fn watch_meetings(&self) -> watch::Receiver<u64> {
        self.0.meetings.changes.subscribe()
    }

    /// Gives their secrets to routes that were written before there were any.
    ///
    /// # Errors
    /// Locked, or what the store says.
    pub(super) async fn complete_meetings(&self) -> Result<(), ContactError> {
        let rows = routes::list(&self.store().read()).map_err(ContactError::Store)?;
        let bare = rows.into_iter().filter(|row| row.secrets.is_empty());
        for id in bare.filter_map(|row| RouteId::from_slice(&row.id)) {
            let mut txn = self.begin();
            // Parcels have come meanwhile, or it is gone: only the row of now counts.
            let row = routes::get(&txn, &id).map_err(ContactError::Store)?;
            let Some(mut row) = row.filter(|row| row.secrets.is_empty()) else {
                continue;
            };
            let found = if row.kind == RouteKind::Contact.number() {
                self.contact_secrets(&txn, &row)?
            } else {
                handshake_secret(&txn, &row)?.into_iter().collect()
            };
            if found.is_empty() {
                continue;
            }
            (row.secrets, row.inviter) = found.into_iter().unzip();
            routes::put(&mut txn, &row).map_err(ContactError::Store)?;
            self.commit(txn).await?;
            self.offer_route(&row)?;
        }
        Ok(())
    }

    fn contact_secrets(
        &self,
        txn: &crate::store::Txn,
        row: &RouteRecord,
    ) -> Result<Vec<(Vec<u8>, bool)>, ContactError> {
        let id = ContactId::from_slice(&row.id).ok_or(ContactError::Damaged)?;
        let Some(contact) = contacts::get(txn, &id).map_err(ContactError::Store)? else {
            return Ok(Vec::new());
        };
        let present = session::present(txn, &contact)?;
        let rival = sessions::rival(txn, &id).map_err(ContactError::Store)?;
        let of = |session: RivalRecord| Some((session.session?.pair, session.inviter));
        let both = present.into_iter().chain(rival).filter_map(of);
        Ok(both.take(row.keys.len()).collect())
    }
}

/// The secret of the invite that the handshake on `row` goes by.
fn handshake_secret(
    txn: &crate::store::Txn,
    row: &RouteRecord,
) -> Result<Option<(Vec<u8>, bool)>, ContactError> {
    let outgoing = row.kind == RouteKind::Outgoing.number();
    let text = if outgoing {
        let id = RequestId::from_slice(&row.id).ok_or(ContactError::Damaged)?;
        let row = requests::get(txn, &id).map_err(ContactError::Store)?;
        row.map(|row| row.link)
    } else {
        let id = InviteId::from_slice(&row.id).ok_or(ContactError::Damaged)?;
        let row = invites::get(txn, &id).map_err(ContactError::Store)?;
        row.map(|row| row.link)
    };
    let link = text.and_then(|text| text.parse::<InviteLink>().ok());
    Ok(link.map(|link| (link.keys().rdv.as_bytes().to_vec(), !outgoing)))
}
