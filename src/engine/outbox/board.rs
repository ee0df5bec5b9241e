//! What the actor and the rest of the house tell each other about lanes, without waiting.

use crate::model::{RouteId, Timestamp};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// What the rest of the house may know of a lane.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LaneView {
    pub(super) link: bool,
    pub(super) sent_below: u64,
    pub(super) next_try_at: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Entry {
    view: LaneView,
    receipt: Receipt,
}

/// Where the one receipt is that may be on its way to a contact. Each one sealed uses up a
/// place, so there is never a second before the first is on the link.
#[derive(Debug, Default)]
struct Receipt {
    /// Sealed, or being sealed, and not on the link yet.
    waits: bool,
    /// More has come since, or there was no link: another one must follow.
    owed: bool,
}

#[derive(Debug, Default)]
struct Entries {
    lanes: HashMap<RouteId, Entry>,
    due: BTreeSet<RouteId>,
}

/// Shared by the actor and every handle.
#[derive(Debug, Default)]
pub(super) struct Board {
    entries: Mutex<Entries>,
    receipts: Notify,
}

impl Board {
    pub(super) fn view(&self, route: RouteId) -> LaneView {
        let entries = self.entries();
        entries
            .lanes
            .get(&route)
            .map(|lane| lane.view)
            .unwrap_or_default()
    }

    pub(super) fn show(&self, route: RouteId, view: LaneView) {
        self.entries().lanes.entry(route).or_default().view = view;
    }

    pub(super) fn forget(&self, route: RouteId) {
        let mut entries = self.entries();
        entries.lanes.remove(&route);
        entries.due.remove(&route);
    }

    /// Whether a receipt may be sealed now. If not, one is asked for when it may be.
    pub(super) fn begin_receipt(&self, route: RouteId) -> bool {
        let mut entries = self.entries();
        let lane = entries.lanes.entry(route).or_default();
        let now = lane.view.link && !lane.receipt.waits;
        lane.receipt.waits |= now;
        lane.receipt.owed = !now;
        now
    }

    /// The receipt was not sealed after all. The next link asks again, not this one: what
    /// failed now would fail at once again.
    pub(super) fn give_up_receipt(&self, route: RouteId) {
        if let Some(lane) = self.entries().lanes.get_mut(&route) {
            lane.receipt = Receipt {
                waits: false,
                owed: true,
            };
        }
    }

    /// The receipt is on the link.
    pub(super) fn receipt_sent(&self, route: RouteId) {
        self.end_receipt(route, false);
    }

    /// The receipt came too late to be sent: another one is wanted.
    pub(super) fn receipt_lost(&self, route: RouteId) {
        self.end_receipt(route, true);
    }

    /// A link came up or went down; what waited for the one before is gone.
    pub(super) fn link_changed(&self, route: RouteId, up: bool) {
        {
            let mut entries = self.entries();
            let lane = entries.lanes.entry(route).or_default();
            lane.view.link = up;
            lane.receipt.waits = false;
        }
        if up {
            self.end_receipt(route, false);
        }
    }

    fn end_receipt(&self, route: RouteId, again: bool) {
        let mut entries = self.entries();
        let Some(lane) = entries.lanes.get_mut(&route) else {
            return;
        };
        lane.receipt.waits = false;
        if std::mem::take(&mut lane.receipt.owed) || again {
            entries.due.insert(route);
            self.receipts.notify_one();
        }
    }

    /// Returns once there are routes for which another receipt is to be sealed.
    pub(super) async fn receipts_due(&self) -> BTreeSet<RouteId> {
        loop {
            let due = std::mem::take(&mut self.entries().due);
            if !due.is_empty() {
                return due;
            }
            self.receipts.notified().await;
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
