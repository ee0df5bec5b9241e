//! The keys of a pair of devices (Level 0), and the sender's side of its tags.

use std::time::Duration;

use crate::{
    crypto::{Secret, derive},
    model::{ConversationId, Timestamp},
};

/// A tag key is used this long.
pub const TAG_EPOCH: Duration = Duration::from_secs(7 * 86_400);

/// What follows from the root key that a handshake ends with.
pub struct PairKeys {
    /// S, the pair's secret: for meeting again.
    pub pair: Secret<32>,
    /// For the link proof.
    pub link: Secret<32>,
    /// The conversation, the same on both sides.
    pub conversation: ConversationId,
    /// Tag key of epoch 0 for what this side sends.
    pub send_tag: Secret<32>,
    /// Tag key of epoch 0 for what the other side sends.
    pub recv_tag: Secret<32>,
}

impl PairKeys {
    /// The keys under `root`. `initiator` is the side that was invited: it spoke first.
    #[must_use]
    pub fn derive(root: &Secret<32>, initiator: bool) -> Self {
        let pair: Secret<32> = derive(root.as_bytes(), "pair", &[]);
        let link = derive(pair.as_bytes(), "link", &[]);
        let conversation: Secret<16> = derive(root.as_bytes(), "conversation", &[]);
        let invitee = derive(root.as_bytes(), "tag-key", &[b"B"]);
        let inviter = derive(root.as_bytes(), "tag-key", &[b"A"]);
        let (send_tag, recv_tag) = if initiator {
            (invitee, inviter)
        } else {
            (inviter, invitee)
        };
        Self {
            pair,
            link,
            conversation: ConversationId(*conversation.as_bytes()),
            send_tag,
            recv_tag,
        }
    }
}

/// The tag key of `epoch`, from that of the epoch before. There is no way back.
#[must_use]
pub fn next_tag_key(before: &Secret<32>, epoch: u32) -> Secret<32> {
    derive(before.as_bytes(), "tag-roll", &[&epoch.to_be_bytes()])
}

/// Hands out the places under which this side's parcels are sealed.
///
/// A place is taken in the same durable step that stores the sealed parcel, and never again.
pub struct SendTags {
    /// Tag epoch.
    pub epoch: u32,
    /// Its key.
    pub key: Secret<32>,
    /// The next number to hand out.
    pub next: u64,
    /// When the epoch began.
    pub since: Timestamp,
}

impl SendTags {
    /// The state right after a handshake; `key` is [`PairKeys::send_tag`].
    #[must_use]
    pub fn new(key: Secret<32>, now: Timestamp) -> Self {
        Self {
            epoch: 0,
            key,
            next: 0,
            since: now,
        }
    }

    /// The next place, as epoch and number. Afterwards `key` is the key of that epoch.
    pub fn take(&mut self, now: Timestamp) -> (u32, u64) {
        // An epoch begins with its first parcel: one that stays empty is not left, since the
        // other side could not follow.
        if self.next == 0 {
            self.since = now;
        }
        let spent = now >= self.since.after(TAG_EPOCH);
        if let Some(epoch) = self.epoch.checked_add(1).filter(|_| spent) {
            self.key = next_tag_key(&self.key, epoch);
            self.epoch = epoch;
            self.next = 0;
            self.since = now;
        }
        let number = self.next;
        self.next += 1;
        (self.epoch, number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_sides_agree() {
        let root = Secret::new([3; 32]);
        let (a, b) = (
            PairKeys::derive(&root, false),
            PairKeys::derive(&root, true),
        );
        assert!(a.conversation == b.conversation);
        assert_eq!(a.pair, b.pair);
        assert_eq!(a.link, b.link);
        assert_eq!(a.send_tag, b.recv_tag);
        assert_eq!(b.send_tag, a.recv_tag);
        assert_ne!(a.send_tag, a.recv_tag);
    }

    proptest! {
        #[test]
        fn no_place_is_handed_out_twice(steps in prop::collection::vec(-100_000_000_i64..1_000_000_000, 1..200)) {
            let mut tags = SendTags::new(Secret::new([1; 32]), Timestamp(0));
            let mut now = 0;
            let mut last = None;
            for step in steps {
                now += step;
                let place = tags.take(Timestamp(now));
                prop_assert!(last < Some(place));
                last = Some(place);
            }
        }
    }

    #[test]
    fn an_epoch_ends_after_seven_days() {
        let mut tags = SendTags::new(Secret::new([1; 32]), Timestamp(0));
        let week = 7 * 86_400_000;
        let start = Timestamp(30 * 86_400_000);
        assert_eq!(tags.take(start), (0, 0));
        assert_eq!(tags.take(Timestamp(start.0 + week - 1)), (0, 1));
        assert_eq!(tags.take(Timestamp(start.0 + week)), (1, 0));
        assert_eq!(tags.key, next_tag_key(&Secret::new([1; 32]), 1));
        assert_eq!(tags.take(Timestamp(0)), (1, 1));
    }
}
