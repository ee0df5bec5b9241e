//! Tests of the door: against a bus of their own, and against its own description.

mod bus;
mod calls;
mod contract;
mod parity;
mod retry;
mod show;

use crate::{base::TestBus, service::Service};

/// A service that nothing is asked of: these tests are about the bus.
fn idle_service() -> Service {
    Service::closed()
}

async fn client(bus: &TestBus) -> zbus::Connection {
    let builder = zbus::connection::Builder::address(bus.address());
    builder.build().await.unwrap()
}
