//! Events: everything that happened, numbered, from wherever the client left off.

use super::{IdempotencyKey, Result, Service};
use crate::model::{Event, EventType, Page, PageRequest, Timestamp};
use tokio::sync::mpsc;

/// From where to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// Only what happens from now on.
    Now,
    /// Everything after this number; 0 means from the oldest stored.
    Seq(u64),
    /// Everything from this moment on.
    Time(Timestamp),
    /// Everything after what this named consumer acknowledged. A new name starts now.
    Consumer(String),
}

/// What to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// From where.
    pub since: Since,
    /// Which types; empty means all.
    pub types: Vec<EventType>,
    /// Go on as things happen; otherwise end with what is stored.
    pub follow: bool,
}

/// What a subscriber gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventItem {
    /// An event.
    Event(Event),
    /// The subscriber was too slow for `missed` events and is caught up from the log.
    Lagged {
        /// How many live events were dropped; they follow from the log.
        missed: u64,
    },
}

/// Ends when the receiver is dropped or the daemon stops.
pub type EventStream = mpsc::Receiver<Result<EventItem>>;

/// A named reader and how far it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// Its name: 1 to 64 letters, digits, `-`, `_` or `.`.
    pub name: String,
    /// The highest number it acknowledged.
    pub acknowledged: u64,
    /// When it did.
    pub at: Timestamp,
}

impl Service {
    /// Tells what happened and what happens.
    pub async fn subscribe(&self, request: Subscribe) -> Result<EventStream> {
        todo!()
    }

    /// Records that `name` has dealt with everything up to `seq`. Never goes back.
    pub async fn acknowledge_events(
        &self,
        name: String,
        seq: u64,
        key: IdempotencyKey,
    ) -> Result<Consumer> {
        todo!()
    }

    /// Every named consumer.
    pub async fn list_consumers(&self, page: PageRequest) -> Result<Page<Consumer>> {
        todo!()
    }

    /// Forgets a named consumer.
    pub async fn remove_consumer(&self, name: String, key: IdempotencyKey) -> Result<()> {
        todo!()
    }
}
