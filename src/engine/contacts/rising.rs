//! What waits for the switchboard.
//!
//! The switchboard itself calls this room, so saying something to it must never wait for it:
//! at most one thing per route waits here, the one that says all.

use super::Event;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::mpsc;

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
            let before = queue
                .iter()
                .position(|other| other.route() == event.route());
            let before = before.and_then(|at| queue.remove(at));
            // To start over is to dial as well.
            let stronger = before.filter(|before| {
                matches!(before, Event::RouteAdded(_)) && matches!(event, Event::KeyAdded(_))
            });
            queue.push_back(stronger.unwrap_or(event));
        }
        // Full: the switchboard is about to look. Closed: the daemon is about to stop.
        let _ = self.wake.try_send(());
    }
}

impl Rising {
    /// The next event, or `None` when no more can come.
    pub async fn recv(&mut self) -> Option<Event> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RouteId;

    #[tokio::test]
    async fn speaking_never_waits_and_each_route_is_heard_of_once() {
        let (speaker, mut rising) = rising();
        for n in 0..200 {
            let route = RouteId([n; 16]);
            speaker.say(Event::RouteAdded(route));
            speaker.say(Event::KeyAdded(route));
        }
        speaker.say(Event::RouteGone(RouteId([3; 16])));
        drop(speaker);
        let mut heard = Vec::new();
        while let Some(event) = rising.recv().await {
            heard.push(event);
        }
        assert_eq!(heard.len(), 200);
        assert!(heard.contains(&Event::RouteAdded(RouteId([7; 16]))));
        assert_eq!(heard.last(), Some(&Event::RouteGone(RouteId([3; 16]))));
    }
}
