//! The words of the house: ids, times, states. No behaviour beyond parsing and printing.

mod contact;
mod conversation;
mod delivery;
mod error_code;
mod event;
mod id;
mod identity;
mod invite;
pub mod limits;
mod mailbox;
mod message;
mod network;
mod page;
mod time;
mod vault;

pub use contact::{Contact, ContactState, ContactVerification, Presence, Request, RequestState};
pub use conversation::Conversation;
pub use delivery::{Attempt, DeliveryState, FailureReason, OutboxEntry, PathKind};
pub use error_code::ErrorCode;
pub use event::{Event, EventKind, EventType};
pub use id::{
    ContactId, ConversationId, Fingerprint, IdentityId, InviteId, MailboxId, MessageId,
    ParseIdError, RequestId, RouteId,
};
pub use identity::Identity;
pub use invite::{Invite, InviteState};
pub use mailbox::{HostedMailbox, MailboxHostStatus, OwnMailbox};
pub use message::{Direction, Message};
pub use network::{
    AddressScope, DhtState, LanState, Network, NetworkAddress, NetworkLink, Traffic, Transport,
};
pub use page::{Page, PageRequest};
pub use time::{Hlc, Timestamp};
pub use vault::{SlotKind, VaultState};
