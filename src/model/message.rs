//! Messages.

use super::{ConversationId, DeliveryState, Fingerprint, Hlc, MessageId, Timestamp};

/// Which way something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the other side to this one.
    Incoming,
    /// From this side to the other.
    Outgoing,
}

/// One stored message.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Equal on both sides.
    pub id: MessageId,
    /// Where it belongs.
    pub conversation: ConversationId,
    /// Position in this side's conversation, from 0, without gaps.
    pub index: u64,
    /// Which way it went.
    pub direction: Direction,
    /// The device that signed it.
    pub author_device: Fingerprint,
    /// The author's running number in this conversation, from 1.
    pub author_seq: u64,
    /// The author's clock.
    pub hlc: Hlc,
    /// When this side wrote or took it.
    pub stored_at: Timestamp,
    /// The text.
    pub text: String,
    /// How far an outgoing message got; incoming ones are `Delivered` or `Read` (here).
    pub state: DeliveryState,
    /// When the other side's receipt said it was stored there.
    pub delivered_at: Option<Timestamp>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("index", &self.index)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
