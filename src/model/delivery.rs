//! How far a message got, and why it got no further.

use super::{ContactId, ConversationId, MessageId, Timestamp};

/// One tick is one fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryState {
    /// On disk, sealed, not yet under way.
    Queued,
    /// Handed to a link; nobody has confirmed it.
    Sending,
    /// Kept, unopened, by their locked device or by a mailbox.
    Stored,
    /// Their device signed that it has it.
    Delivered,
    /// They said that they read it (outgoing), or the user read it here (incoming).
    Read,
    /// It will not arrive; [`FailureReason`] says why.
    Failed,
    /// Its time ran out.
    Expired,
    /// The user took it back before anybody had it.
    Cancelled,
}

impl DeliveryState {
    /// Every state, by [`number`](Self::number).
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Sending,
        Self::Stored,
        Self::Delivered,
        Self::Read,
        Self::Failed,
        Self::Expired,
        Self::Cancelled,
    ];

    /// What it is called where clients read words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Stored => "stored",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// The number under which it is stored, from 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32 + 1
    }

    /// The state with that [`number`](Self::number).
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }

    /// Whether nothing more will happen by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Delivered | Self::Read | Self::Failed | Self::Expired | Self::Cancelled
        )
    }
}

/// Why an attempt, or the whole delivery, did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureReason {
    /// No address of theirs is known.
    NoAddress,
    /// Nobody answered at any known address.
    Unreachable,
    /// Somebody answered who is not the contact.
    NotThem,
    /// The link ended before they confirmed.
    LinkLost,
    /// No confirmation within the limit.
    NoAnswer,
    /// They cannot open it.
    CannotOpen,
    /// The contact was blocked here.
    Blocked,
    /// The user took it back.
    Cancelled,
    /// 30 days passed.
    Expired,
    /// Their mailbox does not take it: it is full, or its tags are used up.
    MailboxRefused,
}

impl FailureReason {
    /// Every reason, by [`number`](Self::number).
    const ALL: [Self; 10] = [
        Self::NoAddress,
        Self::Unreachable,
        Self::NotThem,
        Self::LinkLost,
        Self::NoAnswer,
        Self::CannotOpen,
        Self::Blocked,
        Self::Cancelled,
        Self::Expired,
        Self::MailboxRefused,
    ];

    /// The number under which it is stored, from 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32 + 1
    }

    /// The reason with that [`number`](Self::number).
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.number() == number)
    }
}

/// By what way an attempt went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PathKind {
    /// A direct link, at an address known before.
    #[default]
    Direct,
    /// A direct link, at an address found on the local network.
    Lan,
    /// A link through somebody's relay.
    Relay,
    /// Somebody's mailbox.
    Mailbox,
    /// A direct link, at an address found in the distributed hash table.
    Dht,
}

impl PathKind {
    /// Every kind, by [`number`](Self::number).
    pub const ALL: [Self; 5] = [
        Self::Direct,
        Self::Lan,
        Self::Relay,
        Self::Mailbox,
        Self::Dht,
    ];

    /// What it is called where clients read words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Lan => "lan",
            Self::Relay => "relay",
            Self::Mailbox => "mailbox",
            Self::Dht => "dht",
        }
    }

    /// The number under which it is stored, from 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32 + 1
    }

    /// The kind with that [`number`](Self::number).
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// One try at delivering a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// Which way.
    pub path: PathKind,
    /// How it ended; `None` while under way or after success.
    pub failure: Option<FailureReason>,
}

/// An unfinished delivery as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEntry {
    /// The message.
    pub message: MessageId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// To whom.
    pub contact: ContactId,
    /// How far it got.
    pub state: DeliveryState,
    /// Tries so far.
    pub attempts: u32,
    /// The latest obstacle.
    pub reason: Option<FailureReason>,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// When the next try is due; `None` while one is under way.
    pub next_attempt_at: Option<Timestamp>,
    /// When it will be given up.
    pub expires_at: Timestamp,
}
