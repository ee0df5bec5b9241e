//! A route's receiving tags, as the store keeps them.

use crate::{
    crypto::Secret,
    protocol::{Lane, RecvTags},
    store::records::RouteRecord,
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
    let previous = Secret::from_slice(&row.recv_previous_key).map(|key| Lane {
        key,
        next: row.recv_previous_next,
        seen: row.recv_previous_seen.clone(),
        closed: row.recv_previous_closed,
    });
    Some(RecvTags {
        epoch: row.recv_epoch,
        current,
        previous,
    })
}

/// Writes `tags` into `row`.
pub(crate) fn put_recv_tags(row: &mut RouteRecord, tags: &RecvTags) {
    row.recv_epoch = tags.epoch;
    row.recv_key = tags.current.key.as_bytes().to_vec();
    row.recv_next = tags.current.next;
    row.recv_seen.clone_from(&tags.current.seen);
    row.recv_previous_key.clear();
    if let Some(previous) = &tags.previous {
        row.recv_previous_key = previous.key.as_bytes().to_vec();
        row.recv_previous_next = previous.next;
        row.recv_previous_seen.clone_from(&previous.seen);
        row.recv_previous_closed = previous.closed;
    }
}
