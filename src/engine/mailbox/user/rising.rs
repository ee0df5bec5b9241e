//! What the switchboard hears of. Each thing waits once, so no more can wait than there are
//! contacts and mailboxes.

use super::{Announced, Expected};
use crate::{
    base,
    model::{MailboxId, RouteId},
    wire::TagHash,
};

/// A parcel from a mailbox of ours.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Collected {
    pub(crate) mailbox: MailboxId,
    pub(crate) hash: TagHash,
    pub(crate) place: Expected,
    pub(crate) parcel: Vec<u8>,
}

impl std::fmt::Debug for Collected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Collected({} bytes)", self.parcel.len())
    }
}

/// What rises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// What waits for this contact is to be sealed for their mailboxes; a receipt that is owed
    /// is reason enough if `alone`.
    Deposit { contact: RouteId, alone: bool },
    /// Contacts are to be told of tags, or that there are none any more.
    Announce(Vec<RouteId>, Announced),
    /// To be taken in.
    Collected(Collected),
}

/// The switchboard's end.
pub(crate) type Rising = base::Rising<Event>;
/// The end that speaks.
pub(super) type Speaker = base::Speaker<Event>;

/// Says `event`, unless it waits already.
pub(super) fn say(speaker: &Speaker, event: Event) {
    speaker.say(|queue| {
        if !queue.contains(&event) {
            queue.push_back(event);
        }
    });
}
