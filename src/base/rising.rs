//! What waits for somebody who must never be waited for.
//!
//! A room says things to the one above that calls it: a full channel would have each wait for
//! the other. So nothing here waits. What bounds the queue is that the same thing waits once:
//! whoever speaks takes away what the new word replaces.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::mpsc;

type Queue<E> = Arc<Mutex<VecDeque<E>>>;

/// The end that speaks.
pub struct Speaker<E> {
    queue: Queue<E>,
    wake: mpsc::Sender<()>,
}

/// The end that listens.
pub struct Rising<E> {
    queue: Queue<E>,
    woken: mpsc::Receiver<()>,
}

/// A queue with its two ends.
#[must_use]
pub fn rising<E>() -> (Speaker<E>, Rising<E>) {
    let queue = Queue::default();
    let (wake, woken) = mpsc::channel(1);
    let speaker = Speaker {
        queue: Arc::clone(&queue),
        wake,
    };
    (speaker, Rising { queue, woken })
}

impl<E> Speaker<E> {
    /// Has `put` queue something, in the place of whatever it makes needless.
    pub fn say(&self, put: impl FnOnce(&mut VecDeque<E>)) {
        put(&mut lock(&self.queue));
        // Full: the listener is about to look. Closed: the daemon is about to stop.
        let _ = self.wake.try_send(());
    }
}

impl<E> Rising<E> {
    /// The next event, or `None` when no more can come.
    pub async fn recv(&mut self) -> Option<E> {
        loop {
            let next = lock(&self.queue).pop_front();
            if next.is_some() {
                return next;
            }
            self.woken.recv().await?;
        }
    }
}

fn lock<E>(queue: &Queue<E>) -> MutexGuard<'_, VecDeque<E>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_waits_and_all_is_heard_before_the_end() {
        let (speaker, mut rising) = rising();
        for n in 0..200 {
            speaker.say(|queue| queue.push_back(n));
        }
        drop(speaker);
        for n in 0..200 {
            assert_eq!(rising.recv().await, Some(n));
        }
        assert_eq!(rising.recv().await, None);
    }
}
