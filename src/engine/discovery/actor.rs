//! The loop that decides when to look for whom.

use super::{Command, Neighbours};
use crate::{
    base::{Clock, Stop},
    model::RouteId,
};
use std::{collections::BTreeSet, time::Duration};
use tokio::sync::{mpsc, watch};

/// See the module.
pub(super) struct Actor {
    rooms: Neighbours,
    clock: Clock,
    inbox: mpsc::Receiver<Command>,
    meetings: watch::Receiver<u64>,
    waiting: watch::Receiver<u64>,
    linked: BTreeSet<RouteId>,
}

impl Actor {
    pub(super) fn new(rooms: Neighbours, clock: Clock, inbox: mpsc::Receiver<Command>) -> Self {
        Self {
            meetings: rooms.contacts.watch_meetings(),
            waiting: rooms.outbox.watch_waiting(),
            rooms,
            clock,
            inbox,
            linked: BTreeSet::new(),
        }
    }

    pub(super) async fn run(mut self, stop: Stop) {
        loop {
            let next = self.next_ms();
            tokio::select! {
                biased;
                () = stop.draining() => return,
                command = self.inbox.recv() => match command {
                    Some(command) => self.handle(command),
                    None => return,
                },
                Ok(()) = self.meetings.changed() => self.handle_meetings(),
                Ok(()) = self.waiting.changed() => self.handle_waiting(),
                () = sleep_until(&self.clock, next) => {}
            }
        }
    }

    fn handle(&mut self, command: Command) {
        match command {
            Command::LinkUp(route) => drop(self.linked.insert(route)),
            Command::LinkDown(route) => drop(self.linked.remove(&route)),
            Command::DialFailed(_)
            | Command::NetworkChanged
            | Command::Woke
            | Command::LookAround => {}
        }
    }

    fn handle_meetings(&mut self) {
        let meetings = self.rooms.contacts.meetings();
        tracing::trace!(
            routes = meetings.len(),
            "the routes to look for have changed"
        );
    }

    fn handle_waiting(&mut self) {
        let waiting = self.rooms.outbox.waiting();
        tracing::trace!(routes = waiting.len(), "others wait for a link now");
    }

    #[expect(clippy::unused_self, reason = "ways to look for people come next")]
    fn next_ms(&self) -> Option<u64> {
        None
    }
}

async fn sleep_until(clock: &Clock, at: Option<u64>) {
    match at {
        Some(at) => {
            let left = at.saturating_sub(clock.steady_ms());
            clock.sleep(Duration::from_millis(left)).await;
        }
        None => std::future::pending().await,
    }
}
