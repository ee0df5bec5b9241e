//! What systemd is told: ready, state, alive, stopping; and the socket it hands over.
//!
//! Without systemd every notification is a no-op.

use std::{
    fmt,
    future::Future,
    io,
    os::unix::net::UnixListener,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::base::{Clock, Tasks};

/// The name that `msgd.socket` gives to the socket.
pub const SOCKET_NAME: &str = "msgd.sock";

type Tell = dyn Fn(&[NotifyState<'_>]) -> io::Result<()> + Send + Sync;

/// The way to the service manager. Cheap to clone.
#[derive(Clone)]
pub struct Notifier(Arc<Tell>);

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notifier")
    }
}

impl Notifier {
    /// The manager that `$NOTIFY_SOCKET` names, or nobody.
    #[must_use]
    pub fn systemd() -> Self {
        Self(Arc::new(sd_notify::notify))
    }

    /// Says in a few words what is going on.
    pub fn status(&self, text: &str) {
        self.tell(&[NotifyState::Status(text)]);
    }

    /// Says that the stop has begun, and why.
    pub fn stopping(&self, text: &str) {
        self.tell(&[NotifyState::Stopping, NotifyState::Status(text)]);
    }

    /// Awaits `work`, and asks for more time as long as it takes.
    ///
    /// Each `step` two more steps are asked for, so that a single late reply is no end.
    pub async fn extend_while<F: Future>(
        &self,
        clock: &Clock,
        step: Duration,
        work: F,
    ) -> F::Output {
        let mut work = std::pin::pin!(work);
        let usec = u32::try_from(step.as_micros().saturating_mul(2)).unwrap_or(u32::MAX);
        loop {
            self.tell(&[NotifyState::ExtendTimeoutUsec(usec)]);
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = clock.sleep(step) => {}
            }
        }
    }

    fn tell(&self, state: &[NotifyState<'_>]) {
        // A manager that does not listen is no reason to stop serving.
        if let Err(error) = (self.0)(state) {
            tracing::debug!(%error, "the service manager cannot be told");
        }
    }
}

/// Holds back `READY=1` until every latch is lifted. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<Gate>);

#[derive(Debug)]
struct Gate {
    notifier: Notifier,
    shut: Mutex<Vec<&'static str>>,
    ready: CancellationToken,
}

/// One thing that must be so before the daemon is ready.
///
/// Lifted by [`Latch::lift`] only. Dropping it without that, as a failed start does, leaves
/// the daemon unready: systemd must never be told that a half-open house is open.
#[derive(Debug)]
#[must_use = "the daemon is not ready before every latch is lifted"]
pub struct Latch {
    gate: Arc<Gate>,
    name: &'static str,
}

impl Readiness {
    /// Latches of these names, all at once: no early one can be the last one.
    pub fn latches<const N: usize>(
        notifier: Notifier,
        names: [&'static str; N],
    ) -> (Self, [Latch; N]) {
        let gate = Arc::new(Gate {
            notifier,
            shut: Mutex::new(names.to_vec()),
            ready: CancellationToken::new(),
        });
        gate.say();
        let latches = names.map(|name| Latch {
            gate: Arc::clone(&gate),
            name,
        });
        (Self(gate), latches)
    }

    /// Returns once every latch is lifted.
    pub async fn ready(&self) {
        self.0.ready.cancelled().await;
    }

    /// Whether every latch is lifted.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.ready.is_cancelled()
    }
}

impl Latch {
    /// This much is done.
    pub fn lift(self) {
        {
            let mut shut = self
                .gate
                .shut
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = shut.iter().position(|name| *name == self.name) {
                shut.remove(at);
            }
        }
        self.gate.say();
    }
}

impl Gate {
    fn say(&self) {
        // Held while telling: two latches that are lifted at once must not be told in
        // the wrong order.
        let shut = self.shut.lock().unwrap_or_else(PoisonError::into_inner);
        if shut.is_empty() {
            if !self.ready.is_cancelled() {
                self.notifier
                    .tell(&[NotifyState::Ready, NotifyState::Status("ready")]);
                self.ready.cancel();
            }
        } else {
            self.notifier
                .status(&format!("starting: {}", shut.join(", ")));
        }
    }
}

/// How often systemd wants to hear from this process, if at all.
#[must_use]
pub fn watchdog_period() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|period| !period.is_zero())
}

/// Says `WATCHDOG=1` twice in each `period`, as long as the runtime runs tasks and `probe`
/// returns in time.
///
/// The loop ends with stage 2 of the stop, with a last sign of life: the drain must fit
/// into one period.
pub fn spawn_watchdog<P, F>(
    tasks: &Tasks,
    clock: Clock,
    notifier: Notifier,
    period: Duration,
    probe: P,
) where
    P: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let half = period / 2;
    let (spawner, stop) = (tasks.clone(), tasks.stop());
    tasks.spawn("watchdog", async move {
        loop {
            let (answer, answered) = oneshot::channel();
            let asked = probe();
            // In a task of its own: a runtime that polls this loop but starts nothing new
            // is as dead as one that does neither.
            spawner.detach(async move {
                asked.await;
                // The loop may have gone with the stop.
                let _ = answer.send(());
            });
            let mut tick = std::pin::pin!(clock.sleep(half));
            tokio::select! {
                biased;
                () = stop.draining() => break,
                Ok(()) = answered => notifier.tell(&[NotifyState::Watchdog]),
                () = &mut tick => {
                    tracing::error!("the runtime did not answer in time; systemd will be left waiting");
                    continue;
                }
            }
            tokio::select! {
                biased;
                () = stop.draining() => break,
                () = tick => {}
            }
        }
        notifier.tell(&[NotifyState::Watchdog]);
    });
}

/// Why the socket that systemd handed over is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ActivationError {
    /// Several sockets, none of the right name.
    #[error("systemd handed over {0} sockets, none of them named msgd.sock")]
    Ambiguous(usize),
    /// Not a Unix stream socket, or it cannot be used.
    #[error("systemd handed over something that is not a Unix stream socket")]
    WrongType(#[source] io::Error),
    /// A Unix stream socket that does not listen.
    #[error(
        "systemd handed over a Unix socket that does not listen (ListenStream= with Accept=no is needed)"
    )]
    NotListening,
}

/// The listener that systemd opened for the gRPC door, if it did; not blocking, so that a
/// runtime can take it. `names` is `$LISTEN_FDNAMES`.
///
/// Call it once and before threads start: it clears `$LISTEN_FDS`.
///
/// # Errors
/// What was handed over instead.
pub fn take_activated_listener(
    names: Option<&str>,
) -> Result<Option<UnixListener>, ActivationError> {
    let mut handed = ListenFd::from_env();
    let Some(index) = choose(handed.len(), names)? else {
        return Ok(None);
    };
    handed
        .take_unix_listener(index)
        .map_err(ActivationError::WrongType)?
        .map(checked)
        .transpose()
}

/// Which of `count` sockets is meant.
fn choose(count: usize, names: Option<&str>) -> Result<Option<usize>, ActivationError> {
    let named = names.and_then(|names| names.split(':').position(|name| name == SOCKET_NAME));
    match (count, named) {
        (0, _) => Ok(None),
        (_, Some(index)) if index < count => Ok(Some(index)),
        (1, _) => Ok(Some(0)),
        _ => Err(ActivationError::Ambiguous(count)),
    }
}

fn checked(listener: UnixListener) -> Result<UnixListener, ActivationError> {
    let listens = rustix::net::sockopt::socket_acceptconn(&listener)
        .map_err(|error| ActivationError::WrongType(error.into()))?;
    if !listens {
        return Err(ActivationError::NotListening);
    }
    listener
        .set_nonblocking(true)
        .map_err(ActivationError::WrongType)?;
    Ok(listener)
}

#[cfg(test)]
mod tests;
