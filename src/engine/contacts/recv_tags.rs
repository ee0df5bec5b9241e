//! A route's receiving tags, as the store keeps them.

use crate::{
    crypto::Secret,
    protocol::{Lane, RecvTags},
    store::records::{PastEpoch, RouteRecord},
};

/// The receiving tags in `row`; `None` for a route that has none.
#[must_use]
pub(crate) fn recv_tags(row: &RouteRecord) -> Option<RecvTags> {
    let current = Lane {
        key: Secret::from_slice(&row.recv_key)?,
        next: row.recv_next,
        seen: row.recv_seen.clone(),
        closed: false,
    };
    let past = |record: &PastEpoch| {
        let lane = Lane {
            key: Secret::from_slice(&record.key)?,
            next: record.next,
            seen: record.seen.clone(),
            closed: record.closed,
        };
        Some((record.epoch, lane))
    };
    Some(RecvTags {
        epoch: row.recv_epoch,
        current,
        past: row.recv_past.iter().filter_map(past).collect(),
    })
}

/// Writes `tags` into `row`.
pub(crate) fn put_recv_tags(row: &mut RouteRecord, tags: &RecvTags) {
    row.recv_epoch = tags.epoch;
    row.recv_key = tags.current.key.as_bytes().to_vec();
    row.recv_next = tags.current.next;
    row.recv_seen.clone_from(&tags.current.seen);
    let past = |(epoch, lane): &(u32, Lane)| PastEpoch {
        epoch: *epoch,
        key: lane.key.as_bytes().to_vec(),
        next: lane.next,
        seen: lane.seen.clone(),
        closed: lane.closed,
    };
    row.recv_past = tags.past.iter().map(past).collect();
}
