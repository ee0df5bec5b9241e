//! The only place that starts tasks, and the two-stage stop.

use futures::FutureExt;
use std::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Tells a task that the house is closing.
///
/// Stage 1, `closing`: take nothing new. Stage 2, `draining`: finish and return.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    closing: CancellationToken,
    draining: CancellationToken,
}

impl Stop {
    /// Whether stage 1 has begun.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing.is_cancelled()
    }

    /// Returns when stage 1 begins.
    pub async fn closing(&self) {
        self.closing.cancelled().await;
    }

    /// Returns when stage 2 begins.
    pub async fn draining(&self) {
        self.draining.cancelled().await;
    }
}

/// A task by its name in logs.
type Started = (&'static str, JoinHandle<()>);

/// Starts tasks and ends them, the last started first. Clones share one list.
///
/// # Decisions
/// - A long-lived task that panics leaves a house that looks alive and delivers nothing. So it
///   is told through [`Tasks::failed`], and whoever runs the house ends it: what is on disk is
///   sound, and a service manager starts it anew.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    stop: Stop,
    started: Arc<Mutex<Vec<Started>>>,
    failed: CancellationToken,
}

impl Tasks {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The signal to hand to loops.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Starts a long-lived task known as `name` in logs.
    #[expect(clippy::disallowed_methods, reason = "the home of spawn")]
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let failed = self.failed.clone();
        // What the task held is dropped with it and never used again.
        let task = AssertUnwindSafe(task).catch_unwind();
        let handle = tokio::spawn(async move {
            if task.await.is_err() {
                tracing::error!(name, "a task panicked");
                failed.cancel();
            }
        });
        self.list().push((name, handle));
    }

    /// Returns when a long-lived task has panicked.
    pub async fn failed(&self) {
        self.failed.cancelled().await;
    }

    /// Starts a short task that nobody waits for; it ends by itself or with the runtime.
    #[expect(clippy::disallowed_methods, reason = "the home of spawn")]
    pub fn detach(&self, task: impl Future<Output = ()> + Send + 'static) {
        let draining = self.stop.draining.clone();
        drop(tokio::spawn(async move {
            draining.run_until_cancelled(task).await;
        }));
    }

    /// Begins stage 1.
    pub fn close(&self) {
        self.stop.closing.cancel();
    }

    /// Runs both stages: every task gets `deadline` to return, the last started first.
    /// Returns the names of those that had to be aborted.
    pub async fn shut_down(&self, deadline: Duration) -> Vec<&'static str> {
        self.close();
        self.stop.draining.cancel();
        let mut late = Vec::new();
        // A task may start another while it ends, so the list is read again each time.
        while let Some((name, mut handle)) = self.pop() {
            if tokio::time::timeout(deadline, &mut handle).await.is_err() {
                handle.abort();
                // An aborted task may still hold a resource until it is joined.
                let _ = handle.await;
                late.push(name);
            }
        }
        late
    }

    fn pop(&self) -> Option<Started> {
        self.list().pop()
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<Started>> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_of_a_long_lived_task_is_told() {
        let tasks = Tasks::new();
        tasks.spawn("good", async {});
        tasks.spawn("bad", async { std::panic::panic_any("on purpose") });
        tasks.failed().await;
        assert!(tasks.shut_down(Duration::from_secs(9)).await.is_empty());
    }

    #[tokio::test]
    async fn a_laggard_is_named_and_the_others_end_by_themselves() {
        let tasks = Tasks::new();
        let stop = tasks.stop();
        tasks.spawn("good", async move { stop.draining().await });
        tasks.spawn("deaf", std::future::pending());
        assert_eq!(tasks.shut_down(Duration::from_millis(1)).await, ["deaf"]);
    }
}
