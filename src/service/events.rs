//! Events: everything that happened, numbered, from wherever the client left off.

use super::{IdempotencyKey, Result, Rooms, Service, ServiceError, error, guard};
use crate::{
    engine::event_bus::Cursor,
    model::{ErrorCode, Event, EventType, Page, PageRequest, Timestamp},
};
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
    /// Up to `max` stored events, and the number to go on from.
    pub(crate) async fn read_events(
        &self,
        request: Subscribe,
        max: usize,
    ) -> Result<(Vec<Event>, u64)> {
        let mut cursor = start(self.rooms()?, &request).await?;
        let mut events = Vec::new();
        loop {
            let before = cursor.position().unwrap_or(0);
            let found = cursor
                .read()
                .await
                .map_err(|error| error::told_store(error.code(), error))?;
            let room = max.saturating_sub(events.len());
            if found.len() > room {
                events.extend(found.into_iter().take(room));
                let next = events.last().map_or(before, |last| last.seq);
                return Ok((events, next));
            }
            if found.is_empty() {
                return Ok((events, cursor.position().unwrap_or(0)));
            }
            events.extend(found);
        }
    }

    /// Tells what happened and what happens.
    pub async fn subscribe(&self, request: Subscribe) -> Result<EventStream> {
        let rooms = self.rooms()?;
        let mut cursor = start(rooms, &request).await?;
        let (events, stream) = mpsc::channel(64);
        rooms.bus.detach(async move {
            loop {
                match cursor.read().await {
                    Ok(found) if found.is_empty() => {
                        if !request.follow {
                            return;
                        }
                        let gone = tokio::select! {
                            more = cursor.changed() => !more,
                            () = events.closed() => true,
                        };
                        if gone {
                            return;
                        }
                    }
                    Ok(found) => {
                        for event in found {
                            if events.send(Ok(EventItem::Event(event))).await.is_err() {
                                return;
                            }
                        }
                    }
                    Err(error) => {
                        let code = error.code();
                        // The subscriber hears why before the stream ends.
                        let _ = events.send(Err(error::told_store(code, error))).await;
                        return;
                    }
                }
            }
        });
        Ok(stream)
    }

    /// Records that `name` has dealt with everything up to `seq`. Never goes back.
    pub async fn acknowledge_events(
        &self,
        name: String,
        seq: u64,
        key: IdempotencyKey,
    ) -> Result<Consumer> {
        let rooms = self.rooms()?;
        // It only ever goes forward, so that a repetition changes nothing.
        guard::once(rooms, "acknowledge_events", &key, &[])?;
        check_name(&name)?;
        has_happened(rooms, seq)?;
        let (acknowledged, at) = rooms
            .bus
            .acknowledge(&name, seq)
            .await
            .map_err(error::store!())?;
        Ok(Consumer {
            name,
            acknowledged,
            at,
        })
    }

    /// Every named consumer.
    pub async fn list_consumers(&self, page: PageRequest) -> Result<Page<Consumer>> {
        let all = self.rooms()?.bus.consumers().map_err(error::store!())?;
        let all = all
            .into_iter()
            .map(|(name, acknowledged, at)| Consumer {
                name,
                acknowledged,
                at,
            })
            .collect();
        guard::page(all, &page)
    }

    /// Forgets a named consumer.
    pub async fn remove_consumer(&self, name: String, key: IdempotencyKey) -> Result<()> {
        let rooms = self.rooms()?;
        let act = async {
            let removed = rooms.bus.remove_consumer(&name).await;
            if removed.map_err(error::store!())? {
                Ok(String::new())
            } else {
                Err(guard::not_found("consumer", &name))
            }
        };
        guard::done_once(rooms, "remove_consumer", &key, &[name.as_bytes()], act).await?;
        Ok(())
    }
}

/// A cursor where `request` begins.
async fn start(rooms: &Rooms, request: &Subscribe) -> Result<Cursor> {
    let after = match &request.since {
        // Resolved at the first read, which may have to wait until the vault is unlocked.
        Since::Now => rooms.bus.newest(),
        Since::Seq(seq) => {
            has_happened(rooms, *seq)?;
            Some(*seq)
        }
        Since::Time(time) => Some(rooms.bus.before(*time).map_err(error::store!())?),
        Since::Consumer(name) => Some(start_of(rooms, name).await?),
    };
    Ok(rooms.bus.cursor(after, request.types.clone()))
}

/// Refuses a number that the log has not reached: whoever holds it has seen another log, such
/// as the one before a backup was restored, and would wait in silence.
fn has_happened(rooms: &Rooms, seq: u64) -> Result<()> {
    match rooms.bus.newest() {
        Some(newest) if seq > newest => {
            let what = format!("event {seq} has not happened yet: the newest is {newest}");
            Err(ServiceError::new(ErrorCode::InvalidArgument, "seq", what))
        }
        _ => Ok(()),
    }
}

/// Where a named consumer goes on; a new one starts now, and is remembered at once, so that
/// nothing is missed if it dies before its first acknowledgement.
async fn start_of(rooms: &Rooms, name: &str) -> Result<u64> {
    check_name(name)?;
    let all = rooms.bus.consumers().map_err(error::store!())?;
    if let Some((_, acknowledged, _)) = all.into_iter().find(|(known, ..)| known == name) {
        return Ok(acknowledged);
    }
    let newest = rooms.bus.newest().unwrap_or(0);
    let (start, _) = rooms
        .bus
        .acknowledge(name, newest)
        .await
        .map_err(error::store!())?;
    Ok(start)
}

fn check_name(name: &str) -> Result<()> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if (1..=64).contains(&name.len()) && name.bytes().all(fits) {
        Ok(())
    } else {
        let what = "a consumer's name is 1 to 64 letters, digits, `-`, `_` or `.`";
        Err(ServiceError::new(
            ErrorCode::InvalidArgument,
            "consumer",
            what,
        ))
    }
}
