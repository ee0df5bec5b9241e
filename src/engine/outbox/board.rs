//! What the actor and the rest of the house tell each other about lanes, without waiting.

use crate::model::{RouteId, Timestamp};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Notify, watch};

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
    /// Rows below may be in the peer's hands, whatever became of the link; unknown until the
    /// store was asked what an earlier run may have handed over.
    handed: Option<u64>,
    /// Rows that are being taken back: nothing from the first of them on may go.
    withheld: BTreeSet<u64>,
}

impl Entry {
    fn handed(&self, offered: u64) -> u64 {
        self.handed.unwrap_or(offered)
    }
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
    /// Routes without a link for which messages wait.
    waiting: BTreeSet<RouteId>,
}

/// Shared by the actor and every handle.
#[derive(Debug, Default)]
pub(super) struct Board {
    entries: Mutex<Entries>,
    receipts: Notify,
    waiting: watch::Sender<u64>,
    slept: watch::Sender<u64>,
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

    /// Notes whether messages wait for `route`, which has no link.
    pub(super) fn note_waiting(&self, route: RouteId, messages: bool) {
        let changed = {
            let mut entries = self.entries();
            if messages {
                entries.waiting.insert(route)
            } else {
                entries.waiting.remove(&route)
            }
        };
        if changed {
            self.waiting
                .send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    pub(super) fn waiting(&self) -> Vec<RouteId> {
        self.entries().waiting.iter().copied().collect()
    }

    pub(super) fn watch_waiting(&self) -> watch::Receiver<u64> {
        self.waiting.subscribe()
    }

    /// The machine was asleep.
    pub(super) fn note_sleep(&self) {
        self.slept
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(super) fn watch_sleep(&self) -> watch::Receiver<u64> {
        self.slept.subscribe()
    }

    /// Starts over; what is being taken back stays so.
    pub(super) fn forget(&self, route: RouteId) {
        self.note_waiting(route, false);
        let mut entries = self.entries();
        entries.due.remove(&route);
        if let Some(lane) = entries.lanes.remove(&route)
            && !lane.withheld.is_empty()
        {
            let withheld = lane.withheld;
            let rest = Entry {
                withheld,
                ..Entry::default()
            };
            entries.lanes.insert(route, rest);
        }
    }

    /// Learns what an earlier run may have handed over, unless this one knows better.
    pub(super) fn learn_handed(&self, route: RouteId, offered: u64) {
        let mut entries = self.entries();
        let lane = entries.lanes.entry(route).or_default();
        lane.handed.get_or_insert(offered);
    }

    /// Below which row the peer may have something; `offered` is the store's mark.
    pub(super) fn handed(&self, route: RouteId, offered: u64) -> u64 {
        let entries = self.entries();
        entries
            .lanes
            .get(&route)
            .map_or(offered, |lane| lane.handed(offered))
    }

    /// To be called before row `number` is handed over: returns the mark as it was, `None` if
    /// the row must not go.
    pub(super) fn claim(&self, route: RouteId, number: u64) -> Option<u64> {
        let mut entries = self.entries();
        let lane = entries.lanes.entry(route).or_default();
        if lane.withheld.first().is_some_and(|first| *first <= number) {
            return None;
        }
        let before = lane.handed(0);
        lane.handed = Some(before.max(number.saturating_add(1)));
        Some(before)
    }

    /// The same for every row below `below` at once, which a mailbox is to have. False if one
    /// of them must not go.
    pub(super) fn claim_below(&self, route: RouteId, below: u64, offered: u64) -> bool {
        let mut entries = self.entries();
        let lane = entries.lanes.entry(route).or_default();
        if lane.withheld.first().is_some_and(|first| *first < below) {
            return false;
        }
        let before = lane.handed(offered);
        lane.handed = Some(before.max(below));
        true
    }

    /// The link did not take the row after all.
    pub(super) fn unclaim(&self, route: RouteId, before: u64) {
        if let Some(lane) = self.entries().lanes.get_mut(&route) {
            lane.handed = Some(before);
        }
    }

    /// Keeps row `number` back, if it was never handed over. Until it is released nothing from
    /// it on goes out: if it stays after all, its place must not have been given up.
    pub(super) fn withhold(&self, route: RouteId, number: u64, offered: u64) -> bool {
        let mut entries = self.entries();
        let lane = entries.lanes.entry(route).or_default();
        let free = number >= lane.handed(offered);
        if free {
            lane.withheld.insert(number);
        }
        free
    }

    /// What became of the row is on disk.
    pub(super) fn release(&self, route: RouteId, number: u64) {
        if let Some(lane) = self.entries().lanes.get_mut(&route) {
            lane.withheld.remove(&number);
        }
    }

    /// The first row from `from` on that is kept back.
    pub(super) fn withheld(&self, route: RouteId, from: u64) -> Option<u64> {
        let entries = self.entries();
        entries
            .lanes
            .get(&route)?
            .withheld
            .range(from..)
            .next()
            .copied()
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
            self.note_waiting(route, false);
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
