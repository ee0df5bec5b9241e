//! The only place that starts tasks, and the two-stage stop.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::oneshot, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

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
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    stop: Stop,
    started: Arc<Mutex<Vec<Started>>>,
    calls: TaskTracker,
    abandon: CancellationToken,
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
        let handle = tokio::spawn(task);
        self.list().push((name, handle));
    }

    /// Starts a short task that nobody waits for; it ends by itself or with the runtime.
    #[expect(clippy::disallowed_methods, reason = "the home of spawn")]
    pub fn detach(&self, task: impl Future<Output = ()> + Send + 'static) {
        let draining = self.stop.draining.clone();
        drop(tokio::spawn(async move {
            draining.run_until_cancelled(task).await;
        }));
    }

    /// Runs a call to its end, whether or not anybody still waits for what it gives: who drops
    /// the answer half-way must not leave half of the work undone.
    ///
    /// The answer is `None` if the call panicked, or kept the stop waiting and was abandoned.
    #[expect(clippy::disallowed_methods, reason = "the home of spawn")]
    pub fn finish<T, F>(&self, call: F) -> impl Future<Output = Option<T>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (done, answer) = oneshot::channel();
        let abandon = self.abandon.clone();
        drop(tokio::spawn(self.calls.track_future(async move {
            if let Some(given) = abandon.run_until_cancelled(call).await {
                // Nobody may be waiting any more: that is what this is for.
                let _ = done.send(given);
            }
        })));
        async { answer.await.ok() }
    }

    /// Begins stage 1.
    pub fn close(&self) {
        self.stop.closing.cancel();
    }

    /// Runs both stages. Calls that must [finish](Self::finish) get `deadline` while everything
    /// still works for them; then each task gets it to return, the last started first.
    /// Returns the names of those that had to be aborted.
    pub async fn shut_down(&self, deadline: Duration) -> Vec<&'static str> {
        self.close();
        let mut late = Vec::new();
        self.calls.close();
        if tokio::time::timeout(deadline, self.calls.wait())
            .await
            .is_err()
        {
            self.abandon.cancel();
            self.calls.wait().await;
            late.push("calls");
        }
        self.stop.draining.cancel();
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
    async fn a_laggard_is_named_and_the_others_end_by_themselves() {
        let tasks = Tasks::new();
        let stop = tasks.stop();
        tasks.spawn("good", async move { stop.draining().await });
        tasks.spawn("deaf", std::future::pending());
        assert_eq!(tasks.shut_down(Duration::from_millis(1)).await, ["deaf"]);
    }

    #[tokio::test]
    async fn a_call_is_finished_for_nobody_and_the_stop_waits_for_it() {
        let tasks = Tasks::new();
        let (go, gone) = oneshot::channel();
        let (followed, follow_up) = oneshot::channel();
        let stop = tasks.stop();
        drop(tasks.finish(async move {
            gone.await.unwrap();
            followed.send(stop.draining.is_cancelled()).unwrap();
        }));
        let (late, ()) = tokio::join!(tasks.shut_down(Duration::from_secs(60)), async {
            tasks.stop().closing().await;
            go.send(()).unwrap();
        });
        assert!(late.is_empty(), "{late:?}");
        assert!(!follow_up.await.unwrap(), "the house drained too early");
    }

    #[tokio::test]
    async fn a_call_without_end_is_abandoned_and_named() {
        let tasks = Tasks::new();
        let endless = tasks.finish(std::future::pending::<()>());
        assert_eq!(tasks.shut_down(Duration::from_millis(1)).await, ["calls"]);
        assert_eq!(endless.await, None);
    }

    #[tokio::test]
    async fn who_waits_for_a_call_gets_its_answer() {
        assert_eq!(Tasks::new().finish(async { 7 }).await, Some(7));
    }
}
