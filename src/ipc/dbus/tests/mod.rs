//! Tests of the door: against a bus of their own, and against its own description.

mod bus;
mod calls;
mod contract;
mod parity;
mod retry;
mod show;

use crate::service::Service;
use std::{path::Path, thread};
use tokio::sync::oneshot;

/// A service that nothing is asked of: these tests are about the bus.
fn idle_service() -> Service {
    Service::closed()
}

/// A message bus of the test's own, in a thread of its own.
struct TestBus {
    address: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl TestBus {
    fn start() -> Self {
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

    async fn client(&self) -> zbus::Connection {
        zbus::connection::Builder::address(self.address.as_str())
            .build()
            .await
            .unwrap()
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
