//! The only reader of time.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Wall-clock and steady time; cheap to clone.
///
/// Wall time is for what people see and what expires; steady time is for waiting and for
/// measuring, and never jumps.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    wall_ms: AtomicI64,
    steady_ms: AtomicU64,
    sleepers: Mutex<Vec<(u64, tokio::sync::oneshot::Sender<()>)>>,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// Milliseconds since 1970-01-01 UTC.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the home of wall time")]
    pub fn wall_ms(&self) -> i64 {
        match &self.0 {
            Some(shared) => shared.wall_ms.load(Ordering::SeqCst),
            None => match SystemTime::now().duration_since(UNIX_EPOCH) {
                Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
                Err(before) => {
                    i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms)
                }
            },
        }
    }

    /// Milliseconds of steady time since an arbitrary start.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the home of steady time")]
    pub fn steady_ms(&self) -> u64 {
        match &self.0 {
            Some(shared) => shared.steady_ms.load(Ordering::SeqCst),
            None => {
                static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
                let since = START.get_or_init(Instant::now).elapsed();
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            }
        }
    }

    /// Returns once `span` of steady time has passed.
    pub async fn sleep(&self, span: Duration) {
        let Some(shared) = &self.0 else {
            return tokio::time::sleep(span).await;
        };
        let due = self
            .steady_ms()
            .saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
        let (wake, woken) = tokio::sync::oneshot::channel();
        shared
            .sleepers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((due, wake));
        if self.steady_ms() < due {
            // A dropped test clock means the test is over: sleep for good.
            if woken.await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// The hand that moves a test's [`Clock`].
#[derive(Clone, Debug)]
pub struct TestClock(Arc<Shared>);

impl TestClock {
    /// A clock that stands at `wall_ms` until told otherwise.
    #[must_use]
    pub fn at(wall_ms: i64) -> Self {
        let shared = Shared::default();
        shared.wall_ms.store(wall_ms, Ordering::SeqCst);
        Self(Arc::new(shared))
    }

    /// The clock to hand to the code under test.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock(Some(Arc::clone(&self.0)))
    }

    /// Moves wall and steady time forward and wakes those whose time has come.
    pub fn advance(&self, span: Duration) {
        let ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        self.jump_wall(i64::try_from(ms).unwrap_or(i64::MAX));
        let now = self.0.steady_ms.fetch_add(ms, Ordering::SeqCst) + ms;
        let mut sleepers = self
            .0
            .sleepers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (due, wake) in std::mem::take(&mut *sleepers) {
            if due <= now {
                // The sleeper may have been dropped meanwhile; nobody waits then.
                let _ = wake.send(());
            } else {
                sleepers.push((due, wake));
            }
        }
    }

    /// Moves wall time alone, as an administrator or a dead battery does.
    pub fn jump_wall(&self, ms: i64) {
        self.0.wall_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleepers_wake_when_their_time_has_come() {
        let hand = TestClock::at(1_000);
        let clock = hand.clock();
        let mut sleep = Box::pin(clock.sleep(Duration::from_secs(5)));
        assert!(futures::poll!(&mut sleep).is_pending());
        hand.advance(Duration::from_secs(4));
        assert!(futures::poll!(&mut sleep).is_pending());
        hand.advance(Duration::from_secs(1));
        sleep.await;
        assert_eq!(clock.wall_ms(), 6_000);
    }

    #[test]
    fn a_wall_jump_leaves_steady_time_alone() {
        let hand = TestClock::at(0);
        hand.jump_wall(-172_800_000);
        assert_eq!(hand.clock().steady_ms(), 0);
        assert_eq!(hand.clock().wall_ms(), -172_800_000);
    }
}
