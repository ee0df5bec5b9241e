//! Without a bus the door waits, tries again, and stops when it is told to.

use super::idle_service;
use crate::{
    base::{Tasks, TestClock},
    ipc::dbus::{Settings, run},
};
use std::time::Duration;
use tokio::net::UnixListener;

fn settings(socket: &std::path::Path) -> Settings {
    Settings {
        profile: "default".to_owned(),
        address: Some(format!("unix:path={}", socket.display())),
    }
}

#[tokio::test]
async fn no_bus_is_not_an_end_and_stop_is() {
    let folder = tempfile::tempdir().unwrap();
    let hand = TestClock::at(0);
    let tasks = Tasks::new();
    let door = run(
        idle_service(),
        hand.clock(),
        tasks.stop(),
        settings(&folder.path().join("nobody")),
    );
    tasks.spawn("dbus", door);
    let late = tasks.shut_down(Duration::from_secs(10)).await;
    assert!(late.is_empty(), "{late:?}");
}

#[tokio::test]
async fn a_bus_that_hangs_up_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("bus");
    let listener = UnixListener::bind(&socket).unwrap();
    let hand = TestClock::at(0);
    let tasks = Tasks::new();
    tasks.spawn(
        "dbus",
        run(
            idle_service(),
            hand.clock(),
            tasks.stop(),
            settings(&socket),
        ),
    );
    let (first, _) = listener.accept().await.unwrap();
    // The clock stands: however long it takes to notice the end, nobody calls again yet.
    drop(first);
    let again = async {
        loop {
            tokio::select! {
                biased;
                accepted = listener.accept() => break accepted,
                () = tokio::task::yield_now() => hand.advance(Duration::from_secs(1)),
            }
        }
    };
    let again = tokio::time::timeout(Duration::from_secs(30), again).await;
    drop(again.expect("another try").unwrap());
    let late = tasks.shut_down(Duration::from_secs(10)).await;
    assert!(late.is_empty(), "{late:?}");
}
