//! Tests of what systemd is told.

use super::*;
use crate::base::TestClock;
use std::os::unix::net::UnixStream;

#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn notifier(&self) -> Notifier {
        let told = Arc::clone(&self.0);
        Notifier(Arc::new(move |state| {
            told.lock()
                .unwrap()
                .extend(state.iter().map(ToString::to_string));
            Ok(())
        }))
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Lets every task run until it waits.
async fn settle() {
    for _ in 0..32 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn ready_is_said_once_and_after_the_last_latch() {
    let told = Told::default();
    let (readiness, [store, net, doors]) =
        Readiness::latches(told.notifier(), ["store", "net", "doors"]);
    assert_eq!(told.take(), ["STATUS=starting: store, net, doors"]);
    net.lift();
    assert_eq!(told.take(), ["STATUS=starting: store, doors"]);
    store.lift();
    assert!(!readiness.is_ready());
    told.take();
    doors.lift();
    assert_eq!(told.take(), ["READY=1", "STATUS=ready"]);
    readiness.ready().await;
}

#[test]
fn a_latch_that_is_dropped_by_a_failed_start_never_says_ready() {
    let told = Told::default();
    let (readiness, [store, net]) = Readiness::latches(told.notifier(), ["store", "net"]);
    drop(store);
    net.lift();
    assert!(!readiness.is_ready());
    assert!(!told.take().contains(&"READY=1".to_owned()));
}

#[tokio::test]
async fn the_watchdog_is_fed_at_half_its_period_and_once_more_at_the_stop() {
    let (told, hand, tasks) = (Told::default(), TestClock::at(0), Tasks::new());
    let period = Duration::from_secs(60);
    spawn_watchdog(&tasks, hand.clock(), told.notifier(), period, || async {});
    settle().await;
    assert_eq!(told.take(), ["WATCHDOG=1"]);
    hand.advance(Duration::from_secs(29));
    settle().await;
    assert!(told.take().is_empty());
    hand.advance(Duration::from_secs(1));
    settle().await;
    assert_eq!(told.take(), ["WATCHDOG=1"]);
    assert!(tasks.shut_down(Duration::from_secs(5)).await.is_empty());
    assert_eq!(told.take(), ["WATCHDOG=1"]);
}

#[tokio::test]
async fn a_runtime_that_does_not_answer_goes_unfed() {
    let (told, hand, tasks) = (Told::default(), TestClock::at(0), Tasks::new());
    let period = Duration::from_secs(60);
    spawn_watchdog(&tasks, hand.clock(), told.notifier(), period, || {
        std::future::pending()
    });
    for _ in 0..4 {
        settle().await;
        hand.advance(period / 2);
    }
    settle().await;
    assert!(told.take().is_empty());
}

#[tokio::test]
async fn a_long_drain_asks_for_more_time() {
    let (told, hand) = (Told::default(), TestClock::at(0));
    let (end, ended) = oneshot::channel::<u8>();
    let (notifier, clock) = (told.notifier(), hand.clock());
    let mut work = Box::pin(notifier.extend_while(&clock, Duration::from_secs(5), ended));
    assert!(futures::poll!(&mut work).is_pending());
    assert_eq!(told.take(), ["EXTEND_TIMEOUT_USEC=10000000"]);
    hand.advance(Duration::from_secs(5));
    assert!(futures::poll!(&mut work).is_pending());
    assert_eq!(told.take(), ["EXTEND_TIMEOUT_USEC=10000000"]);
    end.send(7).unwrap();
    assert_eq!(work.await, Ok(7));
    assert!(told.take().is_empty());
}

#[test]
fn the_stop_is_announced() {
    let told = Told::default();
    told.notifier().stopping("asked by SIGTERM");
    assert_eq!(told.take(), ["STOPPING=1", "STATUS=asked by SIGTERM"]);
}

#[test]
fn the_socket_is_found_by_name_or_by_being_the_only_one() {
    assert_eq!(choose(0, None).unwrap(), None);
    assert_eq!(choose(0, Some("msgd.sock")).unwrap(), None);
    assert_eq!(choose(1, None).unwrap(), Some(0));
    assert_eq!(choose(1, Some("other")).unwrap(), Some(0));
    assert_eq!(choose(2, Some("other:msgd.sock")).unwrap(), Some(1));
    assert!(matches!(
        choose(2, Some("a:b")),
        Err(ActivationError::Ambiguous(2))
    ));
    assert!(matches!(
        choose(2, Some("a:b:msgd.sock")),
        Err(ActivationError::Ambiguous(2))
    ));
}

#[test]
fn a_connected_socket_is_no_listener() {
    let (one, _other) = UnixStream::pair().unwrap();
    let disguised = UnixListener::from(std::os::fd::OwnedFd::from(one));
    assert!(matches!(
        checked(disguised),
        Err(ActivationError::NotListening)
    ));
    let dir = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(dir.path().join("s")).unwrap();
    let listener = checked(listener).unwrap();
    let error = listener.accept().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
}
