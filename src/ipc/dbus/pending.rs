//! What has to be told, gathered: a burst of a thousand messages is one change of a counter.

use crate::{
    model::{ContactId, ConversationId, EventKind, IdentityId, RequestId},
    service::EventItem,
};
use std::{collections::HashSet, time::Duration};

/// Least time between two tellings: no object changes more often than ten times a second.
const GAP: Duration = Duration::from_millis(100);

/// What is out of date on the bus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pending {
    /// Everything: after unlocking, locking, or a hole in the stream.
    pub(super) everything: bool,
    pub(super) identities: HashSet<IdentityId>,
    pub(super) contacts: HashSet<ContactId>,
    pub(super) conversations: HashSet<ConversationId>,
    pub(super) requests: HashSet<RequestId>,
    /// The newest event seen. Each event changes the daemon's own properties.
    pub(super) seq: Option<u64>,
}

impl Pending {
    pub(super) fn everything() -> Self {
        Self {
            everything: true,
            ..Self::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Notes what `item` puts out of date.
    pub(super) fn note(&mut self, item: &EventItem) {
        let event = match item {
            EventItem::Event(event) => event,
            EventItem::Lagged { .. } => {
                self.everything = true;
                return;
            }
        };
        self.seq = self.seq.max(Some(event.seq));
        match event.kind {
            EventKind::MessageReceived { conversation, .. }
            | EventKind::MessageQueued { conversation, .. }
            | EventKind::UnreadChanged { conversation, .. } => {
                self.conversations.insert(conversation);
            }
            EventKind::ContactAdded { contact }
            | EventKind::ContactChanged { contact }
            | EventKind::PresenceChanged { contact, .. } => {
                self.contacts.insert(contact);
            }
            EventKind::RequestChanged { request } => {
                self.requests.insert(request);
            }
            EventKind::IdentityChanged { identity } => {
                self.identities.insert(identity);
            }
            EventKind::VaultChanged { .. } | EventKind::Gap { .. } => self.everything = true,
            // Only the daemon's counters know of these.
            EventKind::MessageState { .. } | EventKind::InviteChanged { .. } => {}
        }
    }
}

/// When the next telling is due: at once after a silence, then at most every [`GAP`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    told_at: Option<u64>,
}

impl Pace {
    /// How long to wait from `now` (steady milliseconds).
    pub(super) fn wait(self, now: u64) -> Duration {
        self.told_at.map_or(Duration::ZERO, |told| {
            GAP.saturating_sub(Duration::from_millis(now.saturating_sub(told)))
        })
    }

    pub(super) fn told(&mut self, now: u64) {
        self.told_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Event, MessageId, Timestamp, VaultState};

    fn event(seq: u64, kind: EventKind) -> EventItem {
        EventItem::Event(Event {
            seq,
            at: Timestamp(0),
            kind,
        })
    }

    fn received(seq: u64) -> EventItem {
        event(
            seq,
            EventKind::MessageReceived {
                conversation: ConversationId([1; 16]),
                message: MessageId([2; 32]),
            },
        )
    }

    #[test]
    fn a_thousand_messages_are_one_change() {
        let mut pending = Pending::default();
        assert!(pending.is_empty());
        (1..=1000).for_each(|seq| pending.note(&received(seq)));
        assert_eq!(pending.conversations.len(), 1);
        assert_eq!(pending.seq, Some(1000));
        assert!(!pending.everything && !pending.is_empty());
    }

    #[test]
    fn holes_and_locks_put_everything_out_of_date() {
        let holes = [
            EventItem::Lagged { missed: 3 },
            event(9, EventKind::Gap { from: 1, to: 8 }),
            event(
                9,
                EventKind::VaultChanged {
                    state: VaultState::Locked,
                },
            ),
        ];
        for hole in holes {
            let mut pending = Pending::default();
            pending.note(&hole);
            assert!(pending.everything, "{hole:?}");
        }
    }

    #[test]
    fn the_first_change_is_told_at_once_and_a_burst_ten_times_a_second() {
        let mut pace = Pace::default();
        let (mut now, mut told) = (5_000, 0);
        // One change every millisecond for a second.
        for _ in 0..1_000 {
            if pace.wait(now).is_zero() {
                pace.told(now);
                told += 1;
            }
            now += 1;
        }
        assert_eq!(told, 10);
        assert_eq!(pace.wait(now + 100), Duration::ZERO);
    }
}
