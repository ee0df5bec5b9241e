//! What a test starts in the place of a process.

use std::future::Future;
use tokio::runtime::{Builder, Runtime};

/// A runtime of its own. What runs here ends with it, whatever waits for what, and gives back
/// its sockets: the QUIC library may keep one open for as long as its runtime stands.
pub(super) struct Process(Option<Runtime>);

impl Process {
    pub(super) fn start() -> Self {
        let mut builder = Builder::new_multi_thread();
        Self(Some(
            builder.worker_threads(1).enable_all().build().unwrap(),
        ))
    }

    /// Runs `work` in here.
    pub(super) async fn run<T>(&self, work: impl Future<Output = T> + Send + 'static) -> T
    where
        T: Send + 'static,
    {
        self.0.as_ref().unwrap().spawn(work).await.unwrap()
    }

    /// Returns once nothing of it is left.
    pub(super) async fn end(mut self) {
        let runtime = self.0.take();
        tokio::task::spawn_blocking(move || drop(runtime))
            .await
            .unwrap();
    }
}

impl Drop for Process {
    /// For a test that fails.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
