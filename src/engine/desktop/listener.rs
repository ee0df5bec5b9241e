//! The connection to the bus.

use crate::base::{Backoff, Clock, Stop, chain};
use futures::StreamExt;
use std::time::Duration;
use tokio::sync::mpsc;
use zbus::{
    OwnedFd,
    connection::Builder,
    fdo::{DBusProxy, PropertiesProxy},
    names::BusName,
    proxy::CacheProperties,
};

const LOGIND: &str = "org.freedesktop.login1";
const MANAGER: &str = "org.freedesktop.NetworkManager";
const MANAGER_PATH: &str = "/org/freedesktop/NetworkManager";

/// Waits between tries to be on the bus. There is one as long as the machine runs, or none.
const RETRY: Backoff = Backoff {
    first: Duration::from_secs(2),
    cap: Duration::from_secs(3_600),
};
/// A connection that lasted this long was a good one: the waits begin anew.
const GOOD_MS: u64 = 60_000;

/// What was heard.
#[derive(Debug)]
pub(super) enum Event {
    /// The machine is about to sleep, and waits until this is dropped.
    Sleep(Reprieve),
    /// It has slept.
    Woke,
    /// Whether the network in use is paid by the byte.
    Metered(bool),
}

/// Puts the sleep off for as long as it is held, as far as logind allows it.
#[derive(Debug)]
pub(super) struct Reprieve(
    #[expect(dead_code, reason = "held, never read")] pub(super) Option<OwnedFd>,
);

#[zbus::proxy(
    interface = "org.freedesktop.login1.Manager",
    default_service = "org.freedesktop.login1",
    default_path = "/org/freedesktop/login1"
)]
trait Logind {
    fn inhibit(&self, what: &str, who: &str, why: &str, mode: &str) -> zbus::Result<OwnedFd>;

    #[zbus(signal)]
    fn prepare_for_sleep(&self, start: bool) -> zbus::Result<()>;
}

#[zbus::proxy(
    interface = "org.freedesktop.NetworkManager",
    default_service = "org.freedesktop.NetworkManager",
    default_path = "/org/freedesktop/NetworkManager"
)]
trait Networks {
    #[zbus(property)]
    fn metered(&self) -> zbus::Result<u32>;
}

/// Listens until `stop` says draining or nobody listens to it any more.
pub(super) async fn run(
    address: Option<String>,
    events: mpsc::Sender<Event>,
    clock: Clock,
    stop: Stop,
) {
    let (mut tries, mut metered) = (0, false);
    loop {
        let began = clock.steady_ms();
        let ended = tokio::select! {
            biased;
            () = stop.draining() => return,
            () = events.closed() => return,
            ended = listen(address.as_deref(), &events, &mut metered) => ended,
        };
        if clock.steady_ms().saturating_sub(began) >= GOOD_MS {
            tries = 0;
        }
        match ended {
            Ok(()) => tracing::debug!("the system bus is gone"),
            Err(error) => tracing::debug!(
                error = chain(&error),
                "not on the system bus: sleep and metered networks are not heard of"
            ),
        }
        // Nobody knows of a network any more that it is paid by the byte.
        if std::mem::take(&mut metered) {
            tell(&events, Event::Metered(false)).await;
        }
        let wait = RETRY.wait(tries, u64::MAX);
        tries = tries.saturating_add(1);
        tokio::select! {
            biased;
            () = stop.draining() => return,
            () = clock.sleep(wait) => {}
        }
    }
}

/// From connecting to the end of the connection.
async fn listen(
    address: Option<&str>,
    events: &mpsc::Sender<Event>,
    metered: &mut bool,
) -> zbus::Result<()> {
    let builder = address.map_or_else(Builder::system, Builder::address);
    let connection = builder.build().await?;
    let bus = DBusProxy::new(&connection).await?;
    let logind = LogindProxy::new(&connection).await?;
    let networks = NetworksProxy::builder(&connection)
        .cache_properties(CacheProperties::No)
        .build()
        .await?;
    let properties = PropertiesProxy::builder(&connection)
        .destination(MANAGER)
        .path(MANAGER_PATH)
        .build()
        .await?;
    // Asked for before anything is read: no change falls in between.
    let mut sleeps = logind.receive_prepare_for_sleep().await?;
    let mut changes = properties
        .receive_properties_changed_with_args(&[(0, MANAGER)])
        .await?;
    let mut managers = bus
        .receive_name_owner_changed_with_args(&[(0, MANAGER)])
        .await?;
    let mut logins = bus
        .receive_name_owner_changed_with_args(&[(0, LOGIND)])
        .await?;
    let mut reprieve = inhibit(&bus, &logind).await;
    tell_metered(&bus, &networks, metered, events).await;
    loop {
        tokio::select! {
            signal = sleeps.next() => {
                let Some(signal) = signal else { return Ok(()) };
                if signal.args()?.start {
                    tell(events, Event::Sleep(Reprieve(reprieve.take()))).await;
                } else {
                    reprieve = inhibit(&bus, &logind).await;
                    tell(events, Event::Woke).await;
                }
            }
            changed = changes.next() => {
                if changed.is_none() {
                    return Ok(());
                }
                tell_metered(&bus, &networks, metered, events).await;
            }
            changed = managers.next() => {
                if changed.is_none() {
                    return Ok(());
                }
                tell_metered(&bus, &networks, metered, events).await;
            }
            changed = logins.next() => {
                if changed.is_none() {
                    return Ok(());
                }
                reprieve = inhibit(&bus, &logind).await;
            }
        }
    }
}

async fn tell(events: &mpsc::Sender<Event>, event: Event) {
    // Without a listener the house is about to close.
    let _ = events.send(event).await;
}

/// A lock that puts sleep off, if there is a logind that gives one.
async fn inhibit(bus: &DBusProxy<'_>, logind: &LogindProxy<'_>) -> Option<OwnedFd> {
    if !runs(bus, LOGIND).await {
        return None;
    }
    let why = "messages under way are finished first";
    match logind.inhibit("sleep", "msgd", why, "delay").await {
        Ok(lock) => Some(lock),
        Err(error) => {
            tracing::debug!(error = chain(&error), "sleep cannot be put off");
            None
        }
    }
}

async fn tell_metered(
    bus: &DBusProxy<'_>,
    networks: &NetworksProxy<'_>,
    known: &mut bool,
    events: &mpsc::Sender<Event>,
) {
    let metered = runs(bus, MANAGER).await
        && match networks.metered().await {
            // NM_METERED_YES and NM_METERED_GUESS_YES.
            Ok(value) => matches!(value, 1 | 3),
            Err(error) => {
                tracing::debug!(error = chain(&error), "cannot ask what the network costs");
                false
            }
        };
    if std::mem::replace(known, metered) != metered {
        tell(events, Event::Metered(metered)).await;
    }
}

async fn runs(bus: &DBusProxy<'_>, name: &'static str) -> bool {
    let Ok(name) = BusName::try_from(name) else {
        return false;
    };
    bus.name_has_owner(name).await.unwrap_or(false)
}
