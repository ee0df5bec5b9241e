//! Finished parcels on their way: sends, sends again, and says why not yet. Needs no keys.
//!
//! # Decisions
//! - A row is a sealed parcel. Nothing here can encrypt, so a retry is the same bytes, and
//!   everything works while the vault is locked.
//! - A row is sent only once its number is below the *durable tail*: the store shows what is
//!   queued before it is on disk, and a row that a crash takes back has used up a place that
//!   the next message would get again. Each [`Command::Wake`] carries the tail that its batch
//!   made durable; a new link asks the disk.
//! - What was never handed to a link was never received. The mark below which rows may have
//!   been is exact while the daemon runs (raised before the link gets the row) and an upper
//!   bound on disk: `offered`, written with a row that is added while a link is up, and for
//!   all waiting rows when one comes up, before any of them goes. After a restart the bound
//!   counts. Below the mark nothing can be taken back; from it on nothing becomes `Delivered`,
//!   whatever a receipt says.
//! - A row past its time is sent like any other until `messages` has ended it: one clock's
//!   word is not enough to withhold it, and a `Window` must not pass it.
//! - On every new link all rows go out again, in order, whoever has them already says so:
//!   custody is advice, only the signed receipt removes a row.
//! - A `Window` goes out before the first parcel of a link and wherever places were left out,
//!   but never past a parcel without custody: the peer would count what it dropped as given
//!   up, and its receipt would cover it.
//! - One receipt at a time: each uses up a place, and the next says all that this one did.
//! - A link is wanted to every contact at all times, messages or not; losing one costs a
//!   redial with backoff, capped at 30 minutes.
//! - Tries are logged per contact, not per row: ten thousand waiting rows cost one write for
//!   a failed dial. A row's tries are those since it was queued.
//! - What goes to a mailbox counts as handed over from the batch that seals it on: a parcel at
//!   a mailbox cannot be taken back. Its rows stay, and go over the next link like all others,
//!   so no `Window` passes what only a mailbox has.
//! - A receipt that covers a row's successors but not the row shows that the mailbox lost it:
//!   the row is free to be sealed for the mailbox again, at most every ten minutes.
//! - `Sending` is not stored: after a crash nobody knows what was handed over, and asking the
//!   running lane is exact.

mod actor;
mod board;
mod carrier;
mod lane;
mod passage;
mod pump;
mod settle;
#[cfg(test)]
mod tests;

use crate::{
    base::{Clock, Tasks},
    engine::event_bus::EventBus,
    model::{
        Attempt, ContactId, ConversationId, DeliveryState, FailureReason, MessageId, OutboxEntry,
        PathKind, RouteId, Timestamp,
    },
    net::Net,
    store::{
        Read, StoreError, Txn, outbox,
        records::{AttemptRecord, OutboxRow},
    },
};
use actor::Actor;
use board::{Board, LaneView};
use carrier::Carrier;
use std::{collections::BTreeSet, sync::Arc};
use tokio::sync::{mpsc, watch};

/// Most tries that are remembered of one contact.
pub(crate) const MAX_LOG: usize = 32;

/// What the actor is asked.
#[derive(Debug)]
pub(crate) enum Command {
    /// Something changed; rows below `tail` are on disk, and those below `offered` are noted
    /// there as possibly handed over.
    Wake {
        route: RouteId,
        tail: u64,
        offered: u64,
    },
    /// A receipt, to be sent after every row below `after` on the present link only.
    Transient {
        route: RouteId,
        after: u64,
        place: (u32, u64),
        parcel: Vec<u8>,
    },
    /// A link came up.
    LinkUp(RouteId),
    /// A link went down.
    LinkDown(RouteId, FailureReason),
    /// The link takes more again.
    Writable(RouteId),
    /// Nobody was reached.
    DialFailed(RouteId, FailureReason),
    /// The other side keeps these parcels.
    Custody(RouteId, Vec<[u8; 16]>),
    /// Somebody worth a try now: new address, user's wish, start. The path says what the try
    /// counts as.
    Dial(RouteId, PathKind),
    /// The route is gone, or has new keys.
    Forget(RouteId),
}

impl Command {
    pub(crate) fn route(&self) -> RouteId {
        match self {
            Self::Wake { route, .. }
            | Self::Transient { route, .. }
            | Self::LinkUp(route)
            | Self::LinkDown(route, _)
            | Self::Writable(route)
            | Self::DialFailed(route, _)
            | Self::Custody(route, _)
            | Self::Dial(route, _)
            | Self::Forget(route) => *route,
        }
    }
}

/// The handle.
#[derive(Clone)]
pub struct Outbox {
    bus: EventBus,
    commands: mpsc::Sender<Command>,
    board: Arc<Board>,
}

impl Outbox {
    /// Starts the actor over `bus`'s store and `net`.
    #[must_use]
    pub fn spawn(bus: EventBus, net: Net, clock: Clock, tasks: &Tasks) -> Self {
        Self::spawn_over(bus, net, clock, tasks)
    }

    fn spawn_over(bus: EventBus, carrier: impl Carrier, clock: Clock, tasks: &Tasks) -> Self {
        let (commands, inbox) = mpsc::channel(1024);
        let board = Arc::<Board>::default();
        let actor = Actor::new(bus.clone(), carrier, clock, Arc::clone(&board), inbox);
        tasks.spawn("outbox", actor.run(tasks.stop()));
        Self {
            bus,
            commands,
            board,
        }
    }

    pub(crate) async fn tell(&self, command: Command) {
        // The actor is gone only when the daemon stops.
        let _ = self.commands.send(command).await;
    }

    /// Tries to reach `route` now, whatever the backoff says.
    pub async fn dial(&self, route: RouteId) {
        self.tell(Command::Dial(route, PathKind::Direct)).await;
    }

    /// As [`dial`](Self::dial), at addresses that were found by `path` a moment ago and handed
    /// to [`Net::suggest`]. They do not count against the limit of dials a second: whoever is
    /// found is there.
    pub async fn dial_found(&self, route: RouteId, path: PathKind) {
        self.tell(Command::Dial(route, path)).await;
    }

    /// Counts up whenever [`waiting`](Self::waiting) has changed.
    #[must_use]
    pub fn watch_waiting(&self) -> watch::Receiver<u64> {
        self.board.watch_waiting()
    }

    /// Counts up whenever the machine is found to have been asleep: within a minute while
    /// something waits, else at the next thing to do.
    #[must_use]
    pub fn watch_sleep(&self) -> watch::Receiver<u64> {
        self.board.watch_sleep()
    }

    /// Routes without a link for which messages wait, as of the latest try to reach each.
    #[must_use]
    pub fn waiting(&self) -> Vec<RouteId> {
        self.board.waiting()
    }

    /// Whether a link to `route` is up.
    #[must_use]
    pub fn is_linked(&self, route: RouteId) -> bool {
        self.board.view(route).link
    }

    /// Keeps row `number` from being sent until it is [released](Self::release). False if the
    /// contact may have it already.
    ///
    /// # Errors
    /// What the store says.
    pub fn withhold(
        &self,
        from: &impl Read,
        route: RouteId,
        number: u64,
    ) -> Result<bool, StoreError> {
        let offered = outbox::head(from, &route)?.offered;
        Ok(self.board.withhold(route, number, offered))
    }

    /// The first row of `route` that must not go anywhere for now.
    pub(crate) fn first_withheld(&self, route: RouteId) -> u64 {
        self.board.withheld(route, 0).unwrap_or(u64::MAX)
    }

    /// Notes, in `txn` and at once in memory, that rows below `below` may get into the contact's
    /// hands by a mailbox. False if one of them must not.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) fn claim_below(
        &self,
        txn: &mut Txn,
        route: RouteId,
        below: u64,
    ) -> Result<bool, StoreError> {
        let offered = outbox::head(txn, &route)?.offered;
        if !self.board.claim_below(route, below, offered) {
            return Ok(false);
        }
        outbox::offer_below(txn, &route, below)?;
        Ok(true)
    }

    /// What became of a withheld row is on disk, or it stays.
    pub async fn release(&self, route: RouteId, number: u64) {
        self.board.release(route, number);
        self.tell(Command::Wake {
            route,
            tail: 0,
            offered: 0,
        })
        .await;
    }

    /// Whether a receipt may be sealed for `route` now. If not, it is asked for once it may be.
    pub(crate) fn begin_receipt(&self, route: RouteId) -> bool {
        self.board.begin_receipt(route)
    }

    /// A receipt that was begun will not come.
    pub(crate) fn give_up_receipt(&self, route: RouteId) {
        self.board.give_up_receipt(route);
    }

    /// Returns once there are routes for which a receipt may be sealed that could not before.
    pub(crate) async fn receipts_due(&self) -> BTreeSet<RouteId> {
        self.board.receipts_due().await
    }

    /// Messages that wait or are under way to `route`, the oldest first. Passes over `skip` of
    /// them, and takes what it passed over off it.
    ///
    /// # Errors
    /// What the store says.
    pub fn list(
        &self,
        route: RouteId,
        skip: &mut usize,
        max: usize,
    ) -> Result<Vec<OutboxEntry>, StoreError> {
        let read = self.bus.store().read();
        let head = outbox::head(&read, &route)?;
        let view = self.board.view(route);
        let (mut entries, mut from) = (Vec::new(), head.head);
        while entries.len() < max {
            let rows = outbox::scan(&read, &route, from, u64::MAX, 64)?;
            let Some((last, _)) = rows.last() else { break };
            from = last + 1;
            for (number, row) in rows {
                let Some(message) = MessageId::from_slice(&row.message) else {
                    continue;
                };
                if *skip > 0 {
                    *skip -= 1;
                } else if entries.len() < max {
                    entries.extend(entry(route, view, &head.log, number, message, &row));
                }
            }
        }
        Ok(entries)
    }

    /// How many messages wait or are under way to `route`.
    ///
    /// # Errors
    /// What the store says.
    pub fn count(&self, route: RouteId) -> Result<u64, StoreError> {
        let head = outbox::head(&self.bus.store().read(), &route)?;
        Ok(head.live.saturating_sub(head.silent))
    }

    /// One message's row with the tries made for it.
    ///
    /// # Errors
    /// What the store says.
    pub fn explain(
        &self,
        route: RouteId,
        number: u64,
    ) -> Result<Option<(OutboxEntry, Vec<Attempt>)>, StoreError> {
        let read = self.bus.store().read();
        let Some(row) = outbox::get(&read, &route, number)? else {
            return Ok(None);
        };
        let head = outbox::head(&read, &route)?;
        let view = self.board.view(route);
        let Some(message) = MessageId::from_slice(&row.message) else {
            return Ok(None);
        };
        let tries = attempts_since(&head.log, row.queued_at);
        Ok(entry(route, view, &head.log, number, message, &row).map(|entry| (entry, tries)))
    }
}

/// The tries in `log` at or after `since`.
#[must_use]
pub fn attempts_since(log: &[AttemptRecord], since: i64) -> Vec<Attempt> {
    log.iter()
        .filter(|record| record.at >= since)
        .map(|record| Attempt {
            at: Timestamp(record.at),
            path: PathKind::from_number(record.path).unwrap_or_default(),
            failure: FailureReason::from_number(record.failure),
        })
        .collect()
}

fn entry(
    route: RouteId,
    view: LaneView,
    log: &[AttemptRecord],
    number: u64,
    message: MessageId,
    row: &OutboxRow,
) -> Option<OutboxEntry> {
    let tries = attempts_since(log, row.queued_at);
    let stored = DeliveryState::from_number(row.state).unwrap_or(DeliveryState::Queued);
    let sending = view.link && number < view.sent_below && stored == DeliveryState::Queued;
    Some(OutboxEntry {
        message,
        conversation: ConversationId::from_slice(&row.conversation)?,
        contact: ContactId(route.0),
        state: if sending {
            DeliveryState::Sending
        } else {
            stored
        },
        attempts: u32::try_from(tries.len()).unwrap_or(u32::MAX) + u32::from(sending),
        reason: tries.last().and_then(|attempt| attempt.failure),
        queued_at: Timestamp(row.queued_at),
        next_attempt_at: view.next_try_at.filter(|_| !view.link),
        expires_at: Timestamp(row.expires_at),
    })
}
