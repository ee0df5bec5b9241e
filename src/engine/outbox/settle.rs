//! What a contact's signed receipt ends.

use super::{Outbox, passage::Place};
use crate::{
    model::{ConversationId, DeliveryState, EventKind, MessageId, RouteId},
    protocol::Receipt,
    store::{
        StoreError, Txn, messages, outbox,
        records::{AttemptRecord, OutboxRow},
    },
};

/// Rows read at a time.
const SCAN: usize = 64;
/// What was left at a mailbox is not missed before this has passed.
const MISSED_MS: i64 = 600_000;

impl Outbox {
    /// Ends every row that the contact's device signed for. Returns the places that need
    /// another parcel: those it cannot open, and those it counts as used up although nothing
    /// was ever sent there.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) fn settle(
        &self,
        txn: &mut Txn,
        route: RouteId,
        receipt: &Receipt,
    ) -> Result<Vec<Place>, StoreError> {
        let head = outbox::head(txn, &route)?;
        let handed = self.board.handed(route, head.offered);
        let last = receipt
            .epochs
            .iter()
            .map(|e| (e.epoch, e.ranges.last().map_or(e.below, |r| r.1)))
            .chain(
                receipt
                    .cannot_open
                    .iter()
                    .map(|(epoch, j)| (*epoch, j.saturating_add(1))),
            )
            .max();
        let (mut from, mut again, now) = (head.head, Vec::new(), self.bus.now().0);
        loop {
            let rows = outbox::scan(txn, &route, from, u64::MAX, SCAN)?;
            let done = rows.len() < SCAN;
            for (number, row) in rows {
                from = number + 1;
                let place = (row.tag_epoch, row.tag_index);
                // Rows are in the order of their places: nothing further on is covered.
                if last.is_none_or(|last| place >= last) {
                    return Ok(again);
                }
                let covered = receipt.covers(place.0, place.1);
                if covered && number < handed {
                    outbox::remove_read(txn, &route, number, &row)?;
                    self.delivered(txn, &row, &head.log)?;
                } else if covered || receipt.refuses(place.0, place.1) {
                    again.push(place);
                } else if is_lost(&row, now) {
                    outbox::update(txn, &route, number, |row| {
                        row.deposits.iter_mut().for_each(|mark| mark.at = 0);
                    })?;
                }
            }
            if done {
                return Ok(again);
            }
        }
    }

    fn delivered(
        &self,
        txn: &mut Txn,
        row: &OutboxRow,
        log: &[AttemptRecord],
    ) -> Result<(), StoreError> {
        let (Some(conversation), Some(id)) = (
            ConversationId::from_slice(&row.conversation),
            MessageId::from_slice(&row.message),
        ) else {
            return Ok(());
        };
        let Some(place) = messages::find(txn, &id)? else {
            return Ok(());
        };
        let (now, state) = (self.bus.now(), DeliveryState::Delivered);
        messages::update(txn, &conversation, place.index, |stored| {
            stored.state = state.number();
            stored.delivered_at = now.0;
            stored.origin = None;
            stored.attempts = log
                .iter()
                .filter(|attempt| attempt.at >= row.queued_at)
                .copied()
                .collect();
        })?;
        let kind = EventKind::MessageState {
            conversation,
            message: id,
            state,
        };
        self.bus.append(txn, kind)
    }
}

/// Whether what came after this row, by a mailbox, arrived long enough after it.
fn is_lost(row: &OutboxRow, now: i64) -> bool {
    let missed = |at: i64| at != 0 && !(at..at.saturating_add(MISSED_MS)).contains(&now);
    row.deposits.iter().any(|mark| missed(mark.at))
}
