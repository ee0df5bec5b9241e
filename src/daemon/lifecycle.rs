//! Start to stop of one daemon.

use super::{
    Config, ConfigError, HardeningError, InstanceLock, InstanceLockError, LoggingError, Notifier,
    Options, Readiness, spawn_watchdog, start_logs, take_activated_listener, watchdog_period,
    wiring::{self, House, WiringError},
};
use crate::{
    base::{Clock, Paths, Tasks, chain},
    ipc::{dbus, grpc},
    store::StoreError,
};
use std::{error::Error, ffi::OsString, io, sync::Arc, time::Duration};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
};

/// For each task of the house. The unit's `TimeoutStopSec` is above what they can add up to.
const STOP_DEADLINE: Duration = Duration::from_secs(4);
/// Between two requests for more time while stopping.
const STOP_STEP: Duration = Duration::from_secs(5);

/// Why the daemon did not start, or did not stop well.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The process could not be closed to others.
    #[error("cannot protect the process")]
    Harden(#[source] HardeningError),
    /// Settings make no sense.
    #[error("the configuration does not do")]
    Config(#[source] ConfigError),
    /// Logs cannot be written.
    #[error("cannot start logging")]
    Logs(#[source] LoggingError),
    /// A folder cannot be made.
    #[error(
        "cannot make the folder {path}: check its owner and whether its disk is mounted read-only"
    )]
    Folder {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another daemon serves this profile.
    #[error("this profile is taken")]
    Taken(#[source] InstanceLockError),
    /// The socket that was handed over does not do.
    #[error("the socket from the service manager does not do")]
    Activation(#[source] super::ActivationError),
    /// The socket cannot be bound.
    #[error("cannot listen for clients")]
    Socket(#[source] grpc::ListenError),
    /// A room did not start.
    #[error(transparent)]
    Wiring(WiringError),
    /// The runtime did not start.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    /// A part of it panicked.
    #[error("a part of the daemon failed; the log says which, and nothing on disk is lost")]
    Failed,
    /// The store did not close well.
    #[error("the store did not close well; nothing that was acknowledged is lost")]
    Close(#[source] StoreError),
}

/// Serves one profile until told to stop.
///
/// # Errors
/// What kept it from starting, or from stopping well.
pub fn run(options: &Options, env: impl Fn(&str) -> Option<OsString>) -> Result<(), RunError> {
    super::harden(&env).map_err(RunError::Harden)?;
    let names = env("LISTEN_FDNAMES").and_then(|names| names.into_string().ok());
    let given = take_activated_listener(names.as_deref()).map_err(RunError::Activation)?;
    let config = Config::load(options, &env).map_err(RunError::Config)?;
    let clock = Clock::system();
    start_logs(config.log, clock.clone()).map_err(RunError::Logs)?;
    for dir in [&config.paths.data, &config.paths.runtime] {
        Paths::create_private(dir).map_err(|source| RunError::Folder {
            path: dir.display().to_string(),
            source,
        })?;
    }
    let _lock = InstanceLock::take(&config.paths.data, &clock).map_err(RunError::Taken)?;
    // Two threads do everything: the machine's other cores are the user's.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .thread_keep_alive(Duration::from_secs(2))
        .enable_all()
        .build()
        .map_err(RunError::Runtime)?;
    let outcome = runtime.block_on(serve(config, given, clock));
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

async fn serve(
    config: Config,
    given: Option<std::os::unix::net::UnixListener>,
    clock: Clock,
) -> Result<(), RunError> {
    let signals = EndSignals::watch();
    let notifier = Notifier::systemd();
    notifier.status("starting");
    let (_ready, [store_open, rooms_up, doors_open]) =
        Readiness::latches(notifier.clone(), ["store", "rooms", "doors"]);
    let tasks = Tasks::new();
    let asked = Arc::new(Notify::new());
    let stop = Arc::clone(&asked);
    let store = wiring::open_store(&config).map_err(RunError::Wiring)?;
    store_open.lift();
    let stop: Arc<dyn Fn() + Send + Sync> = Arc::new(move || stop.notify_one());
    let house = wiring::assemble(&config, store, &clock, &tasks, stop)
        .await
        .map_err(RunError::Wiring)?;
    rooms_up.lift();
    let listener = match given {
        Some(given) => grpc::Listener::from_given(given),
        None => grpc::Listener::bind(&config.socket),
    };
    let listener = listener.map_err(RunError::Socket)?;
    let House { service, store, .. } = house;
    grpc::serve(service.clone(), listener, &tasks);
    if config.dbus.enabled {
        let settings = dbus::Settings {
            profile: config.profile.clone(),
            address: None,
        };
        tasks.spawn(
            "dbus",
            dbus::run(service.clone(), clock.clone(), tasks.stop(), settings),
        );
    }
    if let Some(period) = watchdog_period() {
        let probed = service.clone();
        let probe = move || {
            let probed = probed.clone();
            async move { drop(probed.get_status().await) }
        };
        spawn_watchdog(&tasks, clock.clone(), notifier.clone(), period, probe);
    }
    doors_open.lift();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "ready");
    notifier.status("serving");

    let (why, failed) = tokio::select! {
        why = signals.or(&asked) => (why, false),
        () = tasks.failed() => ("a task failed", true),
    };
    tracing::info!(why, "stopping");
    notifier.stopping(why);
    drop(service);
    let late = notifier
        .extend_while(&clock, STOP_STEP, tasks.shut_down(STOP_DEADLINE))
        .await;
    for name in late {
        tracing::warn!(name, "a task did not end in time and was aborted");
    }
    store.close().await.map_err(RunError::Close)?;
    if failed {
        Err(RunError::Failed)
    } else {
        Ok(())
    }
}

/// The signals that end the daemon. To be had before anybody is told that it is ready: until
/// then they end the process where it stands.
struct EndSignals(Option<(Signal, Signal)>);

impl EndSignals {
    fn watch() -> Self {
        let terminate = signal(SignalKind::terminate());
        Self(terminate.ok().zip(signal(SignalKind::interrupt()).ok()))
    }

    async fn or(self, asked: &Notify) -> &'static str {
        let Some((mut terminate, mut interrupt)) = self.0 else {
            asked.notified().await;
            return "a client asked";
        };
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            () = asked.notified() => "a client asked",
        }
    }
}

/// The sentence that `bin` prints.
#[must_use]
pub fn explain(error: &(dyn Error + 'static)) -> String {
    chain(error)
}
