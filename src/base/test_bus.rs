//! A message bus for tests of whatever speaks D-Bus.

use std::{path::Path, thread};
use tokio::sync::oneshot;

/// A message bus of the test's own, in a thread of its own.
pub(crate) struct TestBus {
    address: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl TestBus {
    /// Returns once it can be connected to.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (stop, stopped) = oneshot::channel();
        let (ready, address) = std::sync::mpsc::sync_channel(1);
        let socket = folder.path().join("bus");
        let thread = thread::spawn(move || zruntime::block_on(serve(&socket, ready, stopped)));
        Self {
            address: address.recv().unwrap(),
            stop: Some(stop),
            thread: Some(thread),
            _folder: folder,
        }
    }

    /// Where it is.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

async fn serve(
    socket: &Path,
    ready: std::sync::mpsc::SyncSender<String>,
    stopped: oneshot::Receiver<()>,
) {
    let address = format!("unix:path={}", socket.display());
    let mut bus = busd::bus::Bus::for_address(Some(&address)).await.unwrap();
    ready.send(address).unwrap();
    let running = std::pin::pin!(bus.run());
    // Either the test is over, or the bus failed and the test will say so.
    let _ = futures::future::select(running, stopped).await;
}

impl Drop for TestBus {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A bus that panicked has failed the test already.
            let _ = thread.join();
        }
    }
}
