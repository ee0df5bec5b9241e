//! The loop that owns the sockets.

use super::{
    Command, LanConfig, LanEvent, LanPlace, Shared,
    interfaces::{self, Interfaces},
    place::{Kind, Open, Packet, poll_packet},
    quota::Quota,
    sockets,
    watch::Watch,
};
use crate::base::{Clock, Stop};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc;

/// Replies to a query are awaited for so long.
const REPLIES_MS: u64 = 5_000;
/// Changes come in flocks; so long after the first of them they are looked at.
const SETTLE_MS: u64 = 100;
/// See the module.
pub(super) struct Actor {
    config: LanConfig,
    clock: Clock,
    shared: Arc<Shared>,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<LanEvent>,
    watch: Watch,
    interfaces: Interfaces,
    places: BTreeMap<LanPlace, Open>,
    hushed: bool,
    settle_at: Option<u64>,
    /// The place that was read last; the others come first the next time.
    read_last: Option<LanPlace>,
    /// Replies of ours.
    replies: Quota,
    /// A change that could not be told yet: whether something was lost, and gained.
    untold: Option<(bool, bool)>,
}

impl Actor {
    pub(super) fn start(
        config: LanConfig,
        clock: Clock,
        shared: Arc<Shared>,
        commands: mpsc::Receiver<Command>,
        events: mpsc::Sender<LanEvent>,
    ) -> io::Result<Self> {
        // Watched before it is read: no change falls in between.
        let watch = Watch::new()?;
        let mut actor = Self {
            config,
            clock,
            shared,
            commands,
            events,
            watch,
            interfaces: interfaces::read()?,
            places: BTreeMap::new(),
            hushed: false,
            settle_at: None,
            read_last: None,
            replies: Quota::new(32, 8),
            untold: None,
        };
        actor.open();
        Ok(actor)
    }

    pub(super) async fn run(mut self, stop: Stop) {
        let events = self.events.clone();
        loop {
            let clock = self.clock.clone();
            let next = self.next_ms();
            let timer = async move {
                match next {
                    Some(at) => {
                        let left = at.saturating_sub(clock.steady_ms());
                        clock.sleep(Duration::from_millis(left)).await;
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.draining() => return,
                command = self.commands.recv() => match command {
                    Some(command) => self.handle(command).await,
                    None => return,
                },
                changed = self.watch.changed() => match changed {
                    Ok(()) => {
                        let at = self.clock.steady_ms() + SETTLE_MS;
                        self.settle_at.get_or_insert(at);
                    }
                    Err(error) => {
                        tracing::error!(%error, "changes of the network are not noticed any more");
                        return;
                    }
                },
                permit = events.reserve(), if self.untold.is_some() => {
                    if let (Ok(permit), Some((lost, gained))) = (permit, self.untold.take()) {
                        permit.send(LanEvent::Changed { lost, gained });
                    }
                }
                () = timer => self.on_time(),
                packet = std::future::poll_fn(|cx| poll_packet(&self.places, self.read_last, cx)) => {
                    self.on_packet(packet);
                }
            }
        }
    }

    async fn handle(&mut self, command: Command) {
        match command {
            Command::Ask(place, datagram) => {
                if let Err(error) = self.ask(place, &datagram).await {
                    // An IPv6 address that came a moment ago cannot be used yet.
                    tracing::debug!(%error, "a query to the local network was not sent");
                }
            }
            Command::Reply(place, to, datagram) => {
                let now = self.clock.steady_ms();
                let Some(open) = self.places.get(&place) else {
                    return;
                };
                if self.replies.take(now)
                    && let Err(error) = open.ear.send_to(&datagram, to).await
                {
                    tracing::debug!(%error, "a reply on the local network was not sent");
                }
            }
            Command::Hush(hushed) => {
                self.hushed = hushed;
                self.open();
            }
        }
    }

    async fn ask(&mut self, place: LanPlace, datagram: &[u8]) -> io::Result<()> {
        let until = self.clock.steady_ms() + REPLIES_MS;
        let (Some(open), Some(interface)) = (
            self.places.get_mut(&place),
            self.interfaces.get(&place.interface),
        ) else {
            return Ok(());
        };
        let socket = match open.mouth.take() {
            Some((socket, _)) => socket,
            None => sockets::mouth(place, interface)?,
        };
        let sent = socket
            .send_to(datagram, sockets::group(place, self.config.port))
            .await;
        open.mouth = Some((socket, until));
        sent.map(drop)
    }

    fn on_time(&mut self) {
        let now = self.clock.steady_ms();
        for open in self.places.values_mut() {
            open.deaf_until.take_if(|at| *at <= now);
            if open.mouth.as_ref().is_some_and(|(_, until)| *until <= now) {
                open.mouth = None;
            }
        }
        if self.settle_at.is_some_and(|at| at <= now) {
            self.settle_at = None;
            self.refresh();
        }
    }

    fn next_ms(&self) -> Option<u64> {
        let places = self.places.values();
        let times = places.flat_map(|open| {
            let mouth = open.mouth.as_ref().map(|(_, until)| *until);
            mouth.into_iter().chain(open.deaf_until)
        });
        times.chain(self.settle_at).min()
    }

    /// Looks at what has changed.
    fn refresh(&mut self) {
        let found = match interfaces::read() {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "cannot list the network interfaces");
                return;
            }
        };
        let before = interfaces::addresses(&self.interfaces);
        let after = interfaces::addresses(&found);
        self.interfaces = found;
        self.open();
        let (lost, gained) = (
            before.difference(&after).next().is_some(),
            after.difference(&before).next().is_some(),
        );
        if lost || gained {
            let (was_lost, was_gained) = self.untold.unwrap_or_default();
            self.untold = Some((was_lost || lost, was_gained || gained));
        }
    }

    /// Opens sockets wherever they should be, closes the others, and tells the handle.
    fn open(&mut self) {
        let mut told = Vec::new();
        let mut wanted = BTreeSet::new();
        if self.config.enabled && !self.hushed {
            for (index, interface) in interfaces::usable(&self.interfaces, &self.config) {
                let families = [
                    (false, interface.v4().is_some()),
                    (true, interface.has_v6()),
                ];
                for (v6, _) in families.into_iter().filter(|(_, has)| *has) {
                    let place = LanPlace {
                        interface: index,
                        v6,
                    };
                    wanted.insert(place);
                    told.push((place, interface.dialled()));
                }
            }
        }
        self.places.retain(|place, _| wanted.contains(place));
        for place in wanted {
            if self.places.contains_key(&place) {
                continue;
            }
            let Some(interface) = self.interfaces.get(&place.interface) else {
                continue;
            };
            match sockets::ear(place, interface, self.config.port) {
                Ok(ear) => drop(self.places.insert(place, Open::new(ear))),
                Err(error) => {
                    tracing::warn!(%error, "cannot use a local network");
                }
            }
        }
        told.retain(|(place, _)| self.places.contains_key(place));
        *self.shared.lock() = told;
    }

    fn on_packet(&mut self, packet: Packet) {
        let Packet {
            place,
            kind,
            from,
            datagram,
        } = packet;
        self.read_last = Some(place);
        let now = self.clock.steady_ms();
        let open = self.places.get_mut(&place);
        if !open.is_some_and(|open| open.admits(kind, from.ip(), now)) {
            return;
        }
        let event = match kind {
            Kind::Query => LanEvent::Query {
                place,
                from,
                datagram,
            },
            Kind::Reply => LanEvent::Reply { from, datagram },
        };
        // Full: whoever asks will ask again.
        let _ = self.events.try_send(event);
    }
}
