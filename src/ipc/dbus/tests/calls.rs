//! Calls whose client, or whose connection to the bus, goes in the middle.

use super::{TestBus, client, idle_service};
use crate::ipc::dbus::{
    served::{Private, Served},
    session,
};
use std::sync::Arc;
use tokio::sync::Notify;
use zbus::{Connection, fdo, names::BusName};

const PATH: &str = "/slow";

/// Stands in for an object of ours.
#[derive(Clone, Default)]
struct Slow {
    started: Arc<Notify>,
    finish: Arc<Notify>,
    followed_up: Arc<Notify>,
}

impl Private for Slow {
    const PRIVATE: &'static [&'static str] = &[];
    const ABOUT: &'static str = "Takes its time.";
}

#[zbus::interface(name = "org.msgd.Test1.Slow")]
impl Slow {
    async fn work(&self) {
        self.started.notify_one();
        self.finish.notified().await;
        self.followed_up.notify_one();
    }
}

/// A door in the middle of a call, and the client that waits for its answer.
async fn in_the_middle(bus: &TestBus) -> (Connection, Connection, Slow) {
    let door = session::open(&idle_service(), Some(bus.address()))
        .await
        .unwrap();
    let slow = Slow::default();
    let server = door.object_server();
    server.at(PATH, Served::new(slow.clone())).await.unwrap();
    let client = client(bus).await;
    let name = door.unique_name().unwrap().to_owned();
    tokio::select! {
        answer = client.call_method(Some(name), PATH, Some("org.msgd.Test1.Slow"), "Work", &()) => {
            panic!("{answer:?}");
        }
        () = slow.started.notified() => {}
    }
    (door, client, slow)
}

#[tokio::test]
async fn a_call_is_finished_though_its_client_went() {
    let bus = TestBus::start();
    let (_door, client, slow) = in_the_middle(&bus).await;
    let name = BusName::from(client.unique_name().unwrap().to_owned());
    client.close().await.unwrap();
    let other = super::client(&bus).await;
    let names = fdo::DBusProxy::new(&other).await.unwrap();
    while names.name_has_owner(name.as_ref()).await.unwrap() {
        tokio::task::yield_now().await;
    }
    slow.finish.notify_one();
    slow.followed_up.notified().await;
}

#[tokio::test]
async fn a_call_is_finished_though_the_connection_to_the_bus_went() {
    let bus = TestBus::start();
    let (door, _client, slow) = in_the_middle(&bus).await;
    door.close().await.unwrap();
    slow.finish.notify_one();
    slow.followed_up.notified().await;
}
