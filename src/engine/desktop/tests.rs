//! Against a bus of the test's own, with services that say what they are told to.

use super::{
    hold,
    listener::{self, Event, Reprieve},
};
use crate::base::{Tasks, TestBus, TestClock};
use std::{
    cell::Cell,
    io::Read,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::mpsc, time::timeout};
use zbus::{OwnedFd, object_server::SignalEmitter};

const PATIENCE: Duration = Duration::from_secs(30);

/// Gives delay locks, and keeps the other ends.
#[derive(Clone, Default)]
struct Logind {
    locks: Arc<Mutex<Vec<std::io::PipeReader>>>,
    asked: Arc<tokio::sync::Notify>,
}

#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Logind {
    fn inhibit(&self, what: &str, who: &str, _why: &str, mode: &str) -> OwnedFd {
        assert_eq!((what, who, mode), ("sleep", "msgd", "delay"));
        let (mine, theirs) = std::io::pipe().unwrap();
        self.locks.lock().unwrap().push(mine);
        self.asked.notify_one();
        OwnedFd::from(std::os::fd::OwnedFd::from(theirs))
    }

    #[zbus(signal)]
    async fn prepare_for_sleep(emitter: &SignalEmitter<'_>, start: bool) -> zbus::Result<()>;
}

struct Networks(u32);

#[zbus::interface(name = "org.freedesktop.NetworkManager")]
impl Networks {
    #[zbus(property)]
    fn metered(&self) -> u32 {
        self.0
    }
}

/// A system bus with both services, and one who listens to it.
struct World {
    bus: TestBus,
    services: zbus::Connection,
    logind: Logind,
    heard: mpsc::Receiver<Event>,
    tasks: Tasks,
}

impl World {
    async fn new(metered: u32) -> Self {
        let (bus, logind) = (TestBus::start(), Logind::default());
        let services = zbus::connection::Builder::address(bus.address())
            .serve_at("/org/freedesktop/login1", logind.clone())
            .serve_at("/org/freedesktop/NetworkManager", Networks(metered))
            .name("org.freedesktop.login1")
            .name("org.freedesktop.NetworkManager");
        let services = services.build().await.unwrap();
        let (tasks, (events, heard)) = (Tasks::new(), mpsc::channel(16));
        let clock = TestClock::at(0).clock();
        let address = Some(bus.address().to_owned());
        tasks.spawn(
            "desktop-bus",
            listener::run(address, events, clock, tasks.stop()),
        );
        Self {
            bus,
            services,
            logind,
            heard,
            tasks,
        }
    }

    async fn next(&mut self) -> Event {
        let next = timeout(PATIENCE, self.heard.recv());
        next.await.expect("an event").expect("a listener")
    }

    async fn says_sleep(&self, start: bool) {
        let path = "/org/freedesktop/login1";
        let emitter = SignalEmitter::new(&self.services, path).unwrap();
        Logind::prepare_for_sleep(&emitter, start).await.unwrap();
    }

    async fn is_asked_for_a_lock(&self) {
        timeout(PATIENCE, self.logind.asked.notified())
            .await
            .expect("a lock is asked for");
    }

    async fn says_metered(&self, value: u32) {
        let server = self.services.object_server();
        let networks = server.interface::<_, Networks>("/org/freedesktop/NetworkManager");
        let networks = networks.await.unwrap();
        let mut inner = networks.get_mut().await;
        inner.0 = value;
        inner
            .metered_changed(networks.signal_emitter())
            .await
            .unwrap();
    }

    async fn end(self) {
        assert_eq!(self.tasks.shut_down(PATIENCE).await, Vec::<&str>::new());
        drop(self.bus);
    }
}

/// Returns once nobody holds the lock any more.
fn is_released(lock: std::io::PipeReader) {
    let mut lock = lock;
    assert_eq!(lock.read(&mut [0]).unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sleep_waits_until_it_is_let_go_and_is_followed_by_waking() {
    let mut world = World::new(0).await;
    world.is_asked_for_a_lock().await;
    world.says_sleep(true).await;
    let Event::Sleep(reprieve) = world.next().await else {
        panic!("not the sleep");
    };
    let lock = world.logind.locks.lock().unwrap().pop().unwrap();
    drop(reprieve);
    tokio::task::spawn_blocking(|| is_released(lock))
        .await
        .unwrap();
    world.says_sleep(false).await;
    assert!(matches!(world.next().await, Event::Woke));
    // There is a lock again, for the next time.
    world.is_asked_for_a_lock().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn networks_that_are_paid_by_the_byte_are_heard_of() {
    // NM_METERED_GUESS_YES, NO, YES; then its end.
    let mut world = World::new(3).await;
    assert!(matches!(world.next().await, Event::Metered(true)));
    world.says_metered(2).await;
    assert!(matches!(world.next().await, Event::Metered(false)));
    world.says_metered(1).await;
    assert!(matches!(world.next().await, Event::Metered(true)));
    world
        .services
        .release_name("org.freedesktop.NetworkManager")
        .await
        .unwrap();
    assert!(matches!(world.next().await, Event::Metered(false)));
    world.end().await;
}

#[tokio::test]
async fn sleep_is_put_off_while_something_is_under_way_and_for_two_seconds_at_most() {
    for (busy_for, looks) in [(0, 1), (3, 4), (usize::MAX, 40)] {
        let (hand, asked) = (TestClock::at(0), Cell::new(0));
        let clock = hand.clock();
        let is_busy = || {
            asked.set(asked.get() + 1);
            asked.get() <= busy_for
        };
        let ticking = async {
            loop {
                hand.advance(Duration::from_millis(50));
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = hold(Reprieve(None), &clock, is_busy) => {}
            () = ticking => {}
        }
        assert_eq!(asked.get(), looks);
    }
}

#[tokio::test]
async fn without_a_bus_there_is_no_news() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus");
    let bus = tokio::net::UnixListener::bind(&path).unwrap();
    let (events, mut heard) = mpsc::channel(16);
    let (hand, tasks) = (TestClock::at(0), Tasks::new());
    let address = Some(format!("unix:path={}", path.display()));
    tasks.spawn(
        "desktop-bus",
        listener::run(address, events, hand.clock(), tasks.stop()),
    );
    for _ in 0..4 {
        // Once it is asked anew, what there was to say of the last time was said.
        let asked = async {
            loop {
                tokio::select! {
                    taken = bus.accept() => return drop(taken.unwrap()),
                    () = tokio::task::yield_now() => hand.advance(Duration::from_secs(1)),
                }
            }
        };
        timeout(PATIENCE, asked).await.expect("another try");
    }
    assert!(heard.try_recv().is_err());
    assert_eq!(tasks.shut_down(PATIENCE).await, Vec::<&str>::new());
}
