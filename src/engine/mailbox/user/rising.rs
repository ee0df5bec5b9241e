//! What waits for the switchboard, which must never be waited for: it may be telling us
//! something just now. Each thing waits once, so no more can wait than there are contacts and
//! mailboxes.

use super::{Announced, Expected};
use crate::{
    model::{MailboxId, RouteId},
    wire::TagHash,
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::mpsc;

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

type Queue = Arc<Mutex<VecDeque<Event>>>;

/// The end that speaks.
pub(super) struct Speaker {
    queue: Queue,
    wake: mpsc::Sender<()>,
}

/// The switchboard's end.
pub struct Rising {
    queue: Queue,
    woken: mpsc::Receiver<()>,
}

pub(super) fn rising() -> (Speaker, Rising) {
    let queue = Queue::default();
    let (wake, woken) = mpsc::channel(1);
    let speaker = Speaker {
        queue: Arc::clone(&queue),
        wake,
    };
    (speaker, Rising { queue, woken })
}

impl Speaker {
    pub(super) fn say(&self, event: Event) {
        {
            let mut queue = lock(&self.queue);
            if !queue.contains(&event) {
                queue.push_back(event);
            }
        }
        // Full: the switchboard is about to look. Closed: the daemon is about to stop.
        let _ = self.wake.try_send(());
    }
}

impl Rising {
    /// The next event, or `None` when no more can come.
    pub(crate) async fn recv(&mut self) -> Option<Event> {
        loop {
            let next = lock(&self.queue).pop_front();
            if next.is_some() {
                return next;
            }
            self.woken.recv().await?;
        }
    }
}

fn lock(queue: &Queue) -> MutexGuard<'_, VecDeque<Event>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}
