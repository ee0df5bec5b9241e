//! Figures for machines that watch machines: how much, never who or where.
//!
//! # Decisions
//! - This is no call of the contract: it is text for scrapers, on the socket alone, and its
//!   figures may change with the daemon. So it stands beside [`Service`], not on it.
//! - Messages and events are counted when somebody asks, by reading on in the log from where
//!   the last look ended: whoever is not watched pays nothing. What the log has dropped
//!   meanwhile is not counted.

use super::{Result, Rooms, Service, error};
use crate::{
    engine::{
        contacts::RouteKind,
        event_bus::{Cursor, EventBus},
    },
    model::{
        DeliveryState, DhtState, EventKind, EventType, MailboxHostStatus, Network, NetworkLink,
        PathKind, Transport, VaultState,
    },
};
use std::collections::BTreeMap;
use tokio::sync::Mutex;

/// What messages come to be before any state of delivery: one came in, or was written here.
const RECEIVED: &str = "received";
const WRITTEN: &str = "written";

/// What a figure does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Rises, from 0 at the daemon's start.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Always 1; its labels tell something.
    Info,
}

/// One figure, with a value for each set of labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, without the suffix of its kind.
    pub name: &'static str,
    /// What it does.
    pub kind: MetricKind,
    /// What it is counted in, if in anything; the name ends with it.
    pub unit: &'static str,
    /// What it tells, in a sentence.
    pub help: &'static str,
    /// Its values.
    pub samples: Vec<Sample>,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Names and values of its labels, each of a closed list.
    pub labels: Vec<(&'static str, &'static str)>,
    /// How much.
    pub value: u64,
}

/// What was counted of the log so far.
pub struct Tally(Mutex<Counted>);

struct Counted {
    cursor: Cursor,
    events: BTreeMap<&'static str, u64>,
    messages: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts what happens from now on.
    #[must_use]
    pub fn new(bus: &EventBus) -> Self {
        let messages = DeliveryState::ALL.into_iter().map(DeliveryState::word);
        let messages = messages.chain([RECEIVED, WRITTEN]);
        Self(Mutex::new(Counted {
            cursor: bus.cursor(bus.newest(), Vec::new()),
            events: EventType::ALL.map(|kind| (kind.word(), 0)).into(),
            messages: messages.map(|word| (word, 0)).collect(),
        }))
    }
}

impl Counted {
    async fn catch_up(&mut self) -> Result<()> {
        loop {
            let events = self.cursor.read().await.map_err(error::store!())?;
            if events.is_empty() {
                return Ok(());
            }
            for one in events {
                if let Some(kind) = one.kind.event_type() {
                    *self.events.entry(kind.word()).or_default() += 1;
                }
                let reached = match one.kind {
                    EventKind::MessageReceived { .. } => RECEIVED,
                    EventKind::MessageQueued { .. } => WRITTEN,
                    EventKind::MessageState { state, .. } => state.word(),
                    _ => continue,
                };
                *self.messages.entry(reached).or_default() += 1;
            }
        }
    }
}

/// Every figure as it is now. Works while locked.
///
/// # Errors
/// What the rooms say.
pub async fn metrics(service: &Service) -> Result<Vec<Metric>> {
    let rooms = service.rooms()?;
    let network = service.get_network(true).await?;
    let mut all = about(rooms);
    all.extend(log(rooms).await?);
    all.extend(links(&network));
    all.extend(disk(rooms).await?);
    // Nothing is known of hosted mailboxes before the first unlock.
    if let Ok(status) = rooms.mailbox_host.status().await {
        all.extend(mailboxes(status));
    }
    Ok(all)
}

fn one(
    name: &'static str,
    kind: MetricKind,
    unit: &'static str,
    help: &'static str,
    value: u64,
) -> Metric {
    let samples = vec![Sample {
        labels: Vec::new(),
        value,
    }];
    Metric {
        name,
        kind,
        unit,
        help,
        samples,
    }
}

fn gauge(name: &'static str, help: &'static str, value: u64) -> Metric {
    one(name, MetricKind::Gauge, "", help, value)
}

fn counter(name: &'static str, help: &'static str, value: u64) -> Metric {
    one(name, MetricKind::Counter, "", help, value)
}

fn about(rooms: &Rooms) -> Vec<Metric> {
    let started = rooms.about.started_at.0.max(0) / 1000;
    let build = Metric {
        name: "msgd_build",
        kind: MetricKind::Info,
        unit: "",
        help: "Which msgd this is.",
        samples: vec![Sample {
            labels: vec![("version", env!("CARGO_PKG_VERSION"))],
            value: 1,
        }],
    };
    vec![
        build,
        one(
            "msgd_start_time_seconds",
            MetricKind::Gauge,
            "seconds",
            "When the daemon started, in Unix time.",
            u64::try_from(started).unwrap_or(0),
        ),
        gauge(
            "msgd_vault_unlocked",
            "Whether the vault is unlocked: 1 or 0.",
            u64::from(rooms.vault.state() == VaultState::Unlocked),
        ),
    ]
}

async fn log(rooms: &Rooms) -> Result<Vec<Metric>> {
    let mut tally = rooms.tally.0.lock().await;
    tally.catch_up().await?;
    let samples = |label: &'static str, counts: &BTreeMap<&'static str, u64>| {
        let sample = |(word, count): (&&'static str, &u64)| Sample {
            labels: vec![(label, *word)],
            value: *count,
        };
        counts.iter().map(sample).collect()
    };
    let mut waiting = 0;
    if matches!(
        rooms.vault.state(),
        VaultState::Locked | VaultState::Unlocked
    ) {
        for route in rooms.contacts.routes(RouteKind::Contact) {
            waiting += rooms.outbox.count(route).map_err(error::store!())?;
        }
    }
    Ok(vec![
        Metric {
            name: "msgd_messages",
            kind: MetricKind::Counter,
            unit: "",
            help: "Messages that came to be in this state.",
            samples: samples("state", &tally.messages),
        },
        Metric {
            name: "msgd_events",
            kind: MetricKind::Counter,
            unit: "",
            help: "Events written to the log.",
            samples: samples("type", &tally.events),
        },
        gauge(
            "msgd_outbox_rows",
            "Messages that are on their way.",
            waiting,
        ),
    ])
}

fn links(network: &Network) -> Vec<Metric> {
    let links = Metric {
        name: "msgd_links",
        kind: MetricKind::Gauge,
        unit: "",
        help: "Links that are up.",
        samples: PathKind::ALL
            .into_iter()
            .flat_map(|way| Transport::ALL.map(|over| (way, over)))
            .map(|(way, over)| {
                let here = |link: &&NetworkLink| {
                    link.path == way && link.transport.unwrap_or(Transport::Quic) == over
                };
                let count = network.links.iter().filter(here).count();
                Sample {
                    labels: vec![("path", way.word()), ("transport", over.word())],
                    value: u64::try_from(count).unwrap_or(u64::MAX),
                }
            })
            .collect(),
    };
    let bytes = network.traffic.iter().flat_map(|one| {
        [("in", one.bytes_in), ("out", one.bytes_out)].map(|(direction, value)| Sample {
            labels: vec![("path", one.path.word()), ("direction", direction)],
            value,
        })
    });
    vec![
        links,
        Metric {
            name: "msgd_link_bytes",
            kind: MetricKind::Counter,
            unit: "bytes",
            help: "Bytes of frames that links moved.",
            samples: bytes.collect(),
        },
        gauge(
            "msgd_dials_active",
            "Dials under way or waiting.",
            network.dials,
        ),
        counter("msgd_dials", "Dials begun.", network.dials_begun),
        gauge(
            "msgd_connections_unproven",
            "Connections that have not proven yet to be anybody's.",
            network.unproven,
        ),
        counter(
            "msgd_connections_refused",
            "Connections refused or cut off.",
            network.refused,
        ),
        gauge(
            "msgd_dht_running",
            "Whether a node in the public directory is running: 1 or 0.",
            u64::from(network.dht == DhtState::Running),
        ),
        counter(
            "msgd_dht_starts",
            "Nodes started in the public directory.",
            network.dht_starts,
        ),
    ]
}

async fn disk(rooms: &Rooms) -> Result<Vec<Metric>> {
    let bus = rooms.bus.clone();
    // A disk that cannot be looked at has no figures; `doctor` says why.
    let Ok(Ok(disk)) = tokio::task::spawn_blocking(move || bus.disk()).await else {
        return Ok(Vec::new());
    };
    let bytes = |name, help, value| one(name, MetricKind::Gauge, "bytes", help, value);
    Ok(vec![
        bytes("msgd_store_bytes", "Size of the store.", disk.store_bytes),
        bytes(
            "msgd_disk_free_bytes",
            "Free space on the store's disk.",
            disk.free_bytes,
        ),
        bytes(
            "msgd_disk_reserve_bytes",
            "Space on the store's disk that is never used.",
            disk.reserve_bytes,
        ),
    ])
}

fn mailboxes(status: MailboxHostStatus) -> Vec<Metric> {
    vec![
        gauge(
            "msgd_hosted_mailboxes",
            "Mailboxes hosted for others.",
            status.mailboxes,
        ),
        gauge(
            "msgd_hosted_parcels",
            "Parcels that wait in them.",
            status.parcels,
        ),
        one(
            "msgd_hosted_bytes",
            MetricKind::Gauge,
            "bytes",
            "Size of the parcels that wait in them.",
            status.bytes,
        ),
        Metric {
            name: "msgd_hosted_deposits",
            kind: MetricKind::Counter,
            unit: "",
            help: "Parcels that somebody wanted to put into them.",
            samples: [("taken", status.taken), ("refused", status.refused)]
                .map(|(outcome, value)| Sample {
                    labels: vec![("outcome", outcome)],
                    value,
                })
                .into(),
        },
    ]
}
