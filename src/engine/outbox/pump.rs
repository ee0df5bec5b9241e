//! From the outbox onto a link: rows in order, and transients in their place among them.

use super::{
    actor::Actor,
    board::Board,
    carrier::Carrier,
    lane::Lane,
    passage::{Approach, Parcel, Place},
};
use crate::{
    base::chain,
    model::RouteId,
    net::SendError,
    store::{Store, StoreError, outbox, records::OutboxRow},
    wire::Frame,
};

/// Rows read at a time.
const SCAN: usize = 32;

impl<C: Carrier> Actor<C> {
    /// Sends what is on disk, until the link is full.
    pub(super) fn pump(&mut self, route: RouteId) {
        let lane = self.lanes.entry(route).or_default();
        if !lane.may_send() {
            return;
        }
        let read = self.bus.store().read();
        let mut way = Way {
            carrier: &self.carrier,
            board: &self.board,
            route,
            lane,
            now_ms: self.clock.steady_ms(),
        };
        loop {
            let from = way.lane.passage.cursor;
            let below = way.lane.sendable.below(self.board.withheld(route, from));
            let rows = match outbox::scan(&read, &route, from, below, SCAN) {
                Ok(rows) => rows,
                Err(error) => {
                    tracing::error!(error = %chain(&error), "cannot read the outbox");
                    return;
                }
            };
            let done = rows.len() < SCAN;
            for (number, row) in rows {
                if way.lane.passage.is_kept(number) {
                    way.lane.passage.cursor = number + 1;
                    continue;
                }
                if !way.send_transient(number) || !way.send_row(number, row) {
                    return;
                }
                way.lane.passage.cursor = number + 1;
            }
            if done {
                way.send_transient(below);
                return;
            }
        }
    }
}

impl<C: Carrier> Actor<C> {
    /// Sends again what the peer must have dropped although its link lives: its disk was full
    /// for a moment, or a group of its writes failed.
    pub(super) fn rewind(&mut self, route: RouteId, now_ms: u64) {
        let due = |lane: &Lane| lane.passage.rewind_at().is_some_and(|at| at <= now_ms);
        let Some(lane) = self.lanes.get_mut(&route).filter(|lane| due(lane)) else {
            return;
        };
        let read = self.bus.store().read();
        // Where the store cannot be read nothing is sent either.
        lane.passage
            .forget_gone(|row| outbox::exists(&read, &route, row).unwrap_or(true));
        if due(lane) {
            tracing::info!("a contact dropped what it was sent; sending it again");
            lane.passage.rewind();
            self.pump(route);
        }
    }
}

/// What the store says of a route's rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prepared {
    /// Rows below may have been handed over before this was asked.
    pub(super) handed: u64,
    /// Rows below may be handed over now.
    pub(super) offered: u64,
}

/// Allows all rows that are on disk to be handed over, on disk itself. Blocks.
pub(super) fn prepare(store: &Store, route: RouteId) -> Result<Prepared, StoreError> {
    let settled = outbox::head(&store.read_settled(), &route)?;
    let handed = settled.offered;
    if settled.offered >= settled.tail {
        let offered = settled.tail;
        return Ok(Prepared { handed, offered });
    }
    let mut txn = store.begin();
    outbox::offer(&mut txn, &route)?;
    let offered = outbox::head(&txn, &route)?.offered;
    store.queue(txn)?.wait()?;
    Ok(Prepared { handed, offered })
}

/// One lane with what it sends through.
struct Way<'a, C> {
    carrier: &'a C,
    board: &'a Board,
    route: RouteId,
    lane: &'a mut Lane,
    now_ms: u64,
}

/// Each function returns whether more may be sent now.
impl<C: Carrier> Way<'_, C> {
    fn send_row(&mut self, number: u64, row: OutboxRow) -> bool {
        let place = (row.tag_epoch, row.tag_index);
        let parcel = Parcel::of(&row.parcel);
        if !self.approach(place) {
            return false;
        }
        // Claimed before the link has it: whoever takes it back meanwhile must be refused.
        let Some(before) = self.board.claim(self.route, number) else {
            return false;
        };
        if !self.hand_over(Frame::Parcel(row.parcel)) {
            self.board.unclaim(self.route, before);
            return false;
        }
        self.lane.passage.passed(place);
        if let Some(parcel) = parcel {
            self.lane.passage.sent(number, place, &parcel, self.now_ms);
        }
        true
    }

    /// Sends the receipt if its place is before row `number`.
    fn send_transient(&mut self, number: u64) -> bool {
        let Some(transient) = self.lane.transient.take_if(|waits| waits.after <= number) else {
            return true;
        };
        let place = transient.place;
        if self.lane.passage.is_given_up(place) {
            self.board.receipt_lost(self.route);
            return true;
        }
        // One that comes late, after rows that follow it, is recognised without a word.
        let late = self.lane.passage.is_past(place);
        let frame = Frame::Parcel(transient.parcel.clone());
        if !(late || self.approach(place)) || !self.hand_over(frame) {
            self.lane.transient = Some(transient);
            return false;
        }
        if !late {
            self.lane.passage.passed(place);
        }
        self.board.receipt_sent(self.route);
        true
    }

    /// Says what must be said before the parcel at `place`.
    fn approach(&mut self, place: Place) -> bool {
        match self.lane.passage.approach(place) {
            Approach::Go => true,
            Approach::Announce((epoch, next)) => {
                let said = self.hand_over(Frame::Window { epoch, next });
                if said {
                    self.lane.passage.announced((epoch, next));
                }
                said
            }
            Approach::Wait => false,
        }
    }

    fn hand_over(&mut self, frame: Frame) -> bool {
        match self.carrier.try_send(self.route, frame) {
            Ok(()) => true,
            Err(SendError::Full) => {
                self.lane.full = true;
                false
            }
            // The link's end is about to be told.
            Err(_) => false,
        }
    }
}
