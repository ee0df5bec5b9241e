//! Finds each parcel's place and opens it, before any transaction begins.

use super::{
    Neighbours,
    batch::{Content, Fresh, MAX_REFUSED, Outcome, Windows, window},
    open::Reader,
};
use crate::{
    base::chain,
    crypto::{Secret, open_parcel},
    model::RouteId,
    protocol::TagSlot,
    store::{StoreError, routes, spool},
};
use std::collections::{HashMap, hash_map::Entry};

/// What may be kept for one contact until it can be opened. More is not acknowledged and comes
/// again; all contacts together must not fill the disk of somebody who locks and goes away.
const MAX_KEPT: u64 = 4_096;
pub(super) const MAX_KEPT_BYTES: u64 = 64 * 1024 * 1024;

/// One contact, for the length of a batch.
struct Sender {
    reader: Option<Reader>,
    /// What is kept and refused already, with what this batch adds.
    kept: spool::SpoolSize,
    refused: usize,
}

impl Sender {
    fn new(rooms: &Neighbours, route: RouteId) -> Result<Self, StoreError> {
        let read = rooms.bus.store().read();
        Ok(Self {
            reader: None,
            kept: spool::size(&read, &route)?,
            refused: routes::get(&read, &route)?.map_or(0, |row| row.refused.len()),
        })
    }

    /// What becomes of a parcel at a fresh place; `None` if it can have no effect now.
    fn judge(
        &mut self,
        rooms: &Neighbours,
        route: RouteId,
        parcel: (&Secret<32>, TagSlot, &[u8]),
        unlocked: bool,
    ) -> Judged {
        let (key, slot, bytes) = parcel;
        // Whatever came before it is shown before it.
        if unlocked && self.kept.parcels == 0 {
            let reader = match self.reader.take() {
                Some(reader) => Ok(reader),
                None => Reader::new(rooms, route),
            };
            let opened = reader.and_then(|reader| {
                let reader = self.reader.insert(reader);
                reader.open(key, slot.j, bytes)
            });
            match opened {
                Ok(opened) => return Judged::Takes(Content::Opened(opened)),
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "a parcel was not opened");
                    if error.is_foreign() {
                        return Judged::Nothing;
                    }
                    if !error.is_ours() {
                        return self.refuse();
                    }
                }
            }
        }
        if open_parcel(key, 0, slot.j, bytes).is_err() {
            return Judged::Nothing;
        }
        self.keep(key, bytes)
    }

    fn refuse(&mut self) -> Judged {
        // One more could not be told, and would pass for delivered.
        if self.refused >= MAX_REFUSED {
            return Judged::Later;
        }
        self.refused += 1;
        Judged::Takes(Content::Refused)
    }

    fn keep(&mut self, key: &Secret<32>, bytes: &[u8]) -> Judged {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let total = self.kept.bytes.saturating_add(length);
        if self.kept.parcels >= MAX_KEPT || total > MAX_KEPT_BYTES {
            return Judged::Later;
        }
        self.kept.parcels += 1;
        self.kept.bytes = total;
        Judged::Takes(Content::Kept {
            parcel: bytes.to_vec(),
            key: key.clone(),
        })
    }
}

enum Judged {
    Takes(Content),
    /// It is not theirs.
    Nothing,
    /// There is no room for it at present.
    Later,
}

/// What is fresh; and, as an outcome, what is known already, nobody's, or has to come again.
pub(super) fn sort_out(
    rooms: &Neighbours,
    windows: &mut Windows,
    parcels: &[(RouteId, Vec<u8>)],
    unlocked: bool,
) -> Result<(Vec<Fresh>, Outcome), StoreError> {
    let (mut fresh, mut outcome) = (Vec::new(), Outcome::default());
    let mut senders: HashMap<RouteId, Sender> = HashMap::new();
    for (route, parcel) in parcels {
        let route = *route;
        let Some(tag) = parcel.first_chunk::<16>().copied() else {
            continue;
        };
        let window = match window(rooms, windows, route) {
            Ok(Some(window)) => window,
            Ok(None) => continue,
            Err(error) => {
                outcome.drop_or_fail(route, error)?;
                continue;
            }
        };
        let Some(slot) = window.find(tag) else {
            *outcome.strangers.entry(route).or_default() += 1;
            continue;
        };
        outcome.strangers.remove(&route);
        let latest = outcome.heard.entry(route).or_default();
        *latest = (*latest).max((slot.epoch, slot.j));
        if slot.burnt {
            outcome.custody.entry(route).or_default().push(tag);
            outcome.receipts.insert(route);
            continue;
        }
        let Some(key) = window.tags.key(slot.epoch) else {
            continue;
        };
        let sender = match senders.entry(route) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => match Sender::new(rooms, route) {
                Ok(sender) => entry.insert(sender),
                Err(error) => {
                    outcome.drop_or_fail(route, error)?;
                    continue;
                }
            },
        };
        match sender.judge(rooms, route, (&key, slot, parcel), unlocked) {
            // Burnt last: a place that was not used must stay open.
            Judged::Takes(content) if window.burn(&tag, slot) => fresh.push(Fresh {
                route,
                tag,
                slot,
                content,
            }),
            Judged::Takes(_) | Judged::Nothing => {}
            Judged::Later => {
                outcome.dropped.insert(route);
            }
        }
    }
    Ok((fresh, outcome))
}
