//! From the outbox onto a link: rows in order, and transients in their place among them.

use super::{actor::Actor, carrier::Carrier, lane::Lane};
use crate::{
    model::RouteId,
    net::SendError,
    store::{Store, StoreError, outbox},
    wire::Frame,
};

/// Rows read at a time.
const SCAN: usize = 32;

impl<C: Carrier> Actor<C> {
    /// Sends what is on disk, until the link is full.
    pub(super) fn pump(&mut self, route: RouteId) {
        let lane = self.lanes.entry(route).or_default();
        if !lane.link || lane.full {
            return;
        }
        let read = self.bus.store().read();
        let now = self.clock.wall_ms();
        loop {
            let rows = match outbox::scan(&read, &route, lane.cursor, lane.durable, SCAN) {
                Ok(rows) => rows,
                Err(error) => {
                    tracing::error!(error = %crate::base::chain(&error), "cannot read the outbox");
                    return;
                }
            };
            let done = rows.is_empty();
            for (number, row) in rows {
                if !send_transients(&self.carrier, route, lane, number) {
                    return;
                }
                if row.expires_at > now {
                    if !lane.announced {
                        let window = Frame::Window {
                            epoch: row.tag_epoch,
                            next: row.tag_index,
                        };
                        if !hand_over(&self.carrier, route, lane, window) {
                            return;
                        }
                        lane.announced = true;
                    }
                    let tag = row.parcel.first_chunk::<16>().copied();
                    if !hand_over(&self.carrier, route, lane, Frame::Parcel(row.parcel)) {
                        return;
                    }
                    lane.sent.extend(tag.map(|tag| (tag, number)));
                }
                lane.cursor = number + 1;
            }
            if done {
                send_transients(&self.carrier, route, lane, lane.durable);
                return;
            }
        }
    }
}

/// Below which row number everything is on disk. Waits for a group that is being written.
pub(super) fn durable_tail(store: &Store, route: RouteId) -> Result<u64, StoreError> {
    outbox::head(&store.read_settled(), &route).map(|head| head.tail)
}

/// Sends the transients whose place is before row `number`. `false`: the link is full or gone.
fn send_transients(carrier: &impl Carrier, route: RouteId, lane: &mut Lane, number: u64) -> bool {
    while lane
        .transient
        .front()
        .is_some_and(|first| first.after <= number)
    {
        let Some(transient) = lane.transient.pop_front() else {
            break;
        };
        if !hand_over(carrier, route, lane, Frame::Parcel(transient.parcel)) {
            return false;
        }
    }
    true
}

fn hand_over(carrier: &impl Carrier, route: RouteId, lane: &mut Lane, frame: Frame) -> bool {
    match carrier.try_send(route, frame) {
        Ok(()) => true,
        Err(SendError::Full) => {
            lane.full = true;
            false
        }
        // The link's end is about to be told.
        Err(_) => false,
    }
}
