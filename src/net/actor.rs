//! The loop that owns the swarm: connections come and go here, links run elsewhere.

mod calls;
mod moves;

use super::{
    behaviour::{Behaviour, Heard},
    command::Command,
    config::NetConfig,
    dial::Dials,
    error::NetError,
    event::{DialFailure, Event, LinkDownReason, NetStatus},
    limits::Gate,
    links::{Errand, Job, Notice},
    listen::Listeners,
    table::Table,
    transport,
};
use crate::{
    base::{Clock, Stop},
    model::Transport,
};
use futures::StreamExt;
use libp2p::{
    Swarm,
    swarm::{ConnectionId, SwarmEvent},
};
use moves::Moves;
pub(super) use moves::has_route;
use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc;

/// Time for links to say goodbye before their swarm goes.
const GOODBYES_MS: u64 = 1_200;
/// Time for the first addresses to be known at the start.
const FIRST_ADDRESSES: Duration = Duration::from_secs(2);

/// The ends of the channels that the actor holds.
pub(super) struct Ends {
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) notices: mpsc::Receiver<Notice>,
    pub(super) jobs: mpsc::Sender<Job>,
    pub(super) events: mpsc::Sender<Event>,
}

/// See the module.
pub(super) struct Actor {
    config: NetConfig,
    clock: Clock,
    table: Arc<Table>,
    swarm: Swarm<Behaviour>,
    listeners: Listeners,
    dials: Dials,
    ends: Ends,
    /// Events that wait for their reader; the actor itself never does, or the reader could
    /// not ask it for anything.
    rising: VecDeque<Event>,
    /// Incoming connections and when they must have proven themselves, the earliest first.
    deadlines: VecDeque<(u64, ConnectionId)>,
    rotate_at: u64,
    /// While links say goodbye to the old PeerId: until when.
    rotating: Option<u64>,
    listen_at: Option<u64>,
    moves: Moves,
    /// The address of ours that each connection was made from or to.
    sources: HashMap<ConnectionId, IpAddr>,
    /// Where the other side of each connection is.
    remotes: HashMap<ConnectionId, (SocketAddr, Transport)>,
    closing: bool,
    refused_before: u64,
}

impl Actor {
    /// Listens, and waits until the addresses are known.
    pub(super) async fn start(
        config: NetConfig,
        clock: Clock,
        table: Arc<Table>,
        ends: Ends,
    ) -> Result<Self, NetError> {
        let mut listeners = Listeners::settle(&config.listen)?;
        let mut swarm = fresh_swarm(&config, &clock)?;
        listeners.open(&mut swarm)?;
        let mut actor = Self {
            rotate_at: first_rotation(&config, &clock)?,
            config,
            clock,
            table,
            swarm,
            listeners,
            dials: Dials::default(),
            ends,
            rising: VecDeque::new(),
            deadlines: VecDeque::new(),
            rotating: None,
            listen_at: None,
            moves: Moves::default(),
            sources: HashMap::new(),
            remotes: HashMap::new(),
            closing: false,
            refused_before: 0,
        };
        actor.first_addresses().await;
        Ok(actor)
    }

    async fn first_addresses(&mut self) {
        let clock = self.clock.clone();
        let mut late = Box::pin(clock.sleep(FIRST_ADDRESSES));
        while self.swarm.listeners().count() < self.listeners.len() {
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_swarm(event),
                () = &mut late => break,
            }
        }
        self.settle_first();
    }

    /// Runs until the house is closing.
    pub(super) async fn run(mut self, stop: Stop) {
        let events = self.ends.events.clone();
        loop {
            self.start_dials();
            let wait = self.next_deadline();
            let clock = self.clock.clone();
            let timer = async move {
                match wait {
                    Some(span) => clock.sleep(span).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.draining() => break,
                () = stop.closing(), if !self.closing => self.on_closing(),
                Some(notice) = self.ends.notices.recv() => self.on_notice(notice),
                Some(command) = self.ends.commands.recv() => self.on_command(command),
                permit = events.reserve(), if !self.rising.is_empty() => {
                    match (permit, self.rising.pop_front()) {
                        (Ok(permit), Some(event)) => permit.send(event),
                        // Nobody reads any more; the house is about to close.
                        _ => self.rising.clear(),
                    }
                }
                event = self.swarm.select_next_some() => self.on_swarm(event),
                () = timer => self.on_time(),
            }
        }
        self.wind_up().await;
    }

    /// Lets every link say goodbye, for a while.
    async fn wind_up(mut self) {
        self.on_closing();
        self.table.end_all(LinkDownReason::Stopping);
        let clock = self.clock.clone();
        let mut late = Box::pin(clock.sleep(Duration::from_millis(GOODBYES_MS)));
        while self.table.count().0 > 0 {
            tokio::select! {
                Some(notice) = self.ends.notices.recv() => self.on_notice(notice),
                _ = self.swarm.select_next_some() => {}
                () = &mut late => break,
            }
        }
        // Dropping the jobs' sender ends the links' task, dropping the swarm everything else.
    }

    fn on_closing(&mut self) {
        self.closing = true;
        self.swarm.behaviour_mut().gate.close();
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Dial(route) => self.ask_dial(route),
            Command::Join(route, addresses) => self.join(route, &addresses),
            Command::Cancel(route) => {
                for connection in self.dials.cancel(route) {
                    self.close(connection);
                }
            }
            Command::Rotate => self.rotate(),
            Command::Status(reply) => {
                // Whoever asked may have gone meanwhile.
                let _ = reply.send(self.status());
            }
        }
    }

    fn status(&self) -> NetStatus {
        let (links, inbound_links) = self.table.count();
        let gate = &self.swarm.behaviour().gate;
        NetStatus {
            links,
            inbound_links,
            shared_links: self.table.shared(),
            dials: self.dials.len(),
            dials_begun: self.dials.begun(),
            unproven: gate.unproven(),
            refused: self.refused_before + gate.refused(),
            listeners: self.table.listeners(),
        }
    }

    fn on_swarm(&mut self, event: SwarmEvent<Heard>) {
        match event {
            SwarmEvent::Behaviour(heard) => self.on_heard(heard),
            SwarmEvent::ConnectionEstablished {
                connection_id,
                endpoint,
                ..
            } => self.on_established(connection_id, &endpoint),
            SwarmEvent::ConnectionClosed { connection_id, .. } => {
                self.sources.remove(&connection_id);
                self.remotes.remove(&connection_id);
                self.dial_failed(connection_id, true);
            }
            SwarmEvent::OutgoingConnectionError { connection_id, .. } => {
                self.dial_failed(connection_id, false);
            }
            SwarmEvent::NewListenAddr { .. } | SwarmEvent::ExpiredListenAddr { .. } => {
                self.on_addresses();
            }
            SwarmEvent::ListenerClosed { listener_id, .. } => {
                self.listeners.closed(listener_id);
                self.listen_later();
                self.on_addresses();
            }
            // Errors of single incoming connections are the business of the gate.
            _ => {}
        }
    }

    fn on_heard(&mut self, heard: Heard) {
        match heard {
            Heard::Opened {
                connection,
                peer,
                stream,
                dialer,
            } => {
                let errand = match self.dials.of(connection) {
                    Some((route, key)) => Errand::Dial { route, key },
                    None if dialer => return self.close(connection),
                    None => Errand::Answer,
                };
                let job = Job {
                    connection,
                    stream,
                    own: *self.swarm.local_peer_id(),
                    peer,
                    source: self.sources.get(&connection).copied(),
                    remote: self.remotes.get(&connection).copied(),
                    errand,
                };
                if self.rotating.is_some() || self.ends.jobs.try_send(job).is_err() {
                    self.dial_failed(connection, true);
                    self.close(connection);
                }
            }
            Heard::Refused { connection } => {
                self.dial_failed(connection, true);
                self.close(connection);
            }
            Heard::Evicted { connection } => self.close(connection),
        }
    }

    fn close(&mut self, connection: ConnectionId) {
        // It may be closed already.
        let _ = self.swarm.close_connection(connection);
    }

    fn next_deadline(&self) -> Option<Duration> {
        let first = self.deadlines.front().map(|(due, _)| *due);
        let due = [first, self.rotating, self.listen_at, self.moves.due()]
            .into_iter()
            .flatten()
            .fold(self.rotate_at, u64::min);
        Some(super::liveness::until(due, self.clock.steady_ms()))
    }

    fn on_time(&mut self) {
        let now = self.clock.steady_ms();
        while let Some((due, connection)) = self.deadlines.front().copied() {
            if due > now {
                break;
            }
            self.deadlines.pop_front();
            if self.swarm.behaviour().gate.is_unproven(connection) {
                self.close(connection);
            }
        }
        if self.listen_at.is_some_and(|due| due <= now) {
            self.listen();
        }
        if self.moves.due().is_some_and(|due| due <= now) {
            self.settle();
        }
        if self.rotating.is_some_and(|due| due <= now) {
            self.rebuild();
        } else if self.rotating.is_none() && self.rotate_at <= now {
            self.rotate();
        }
    }

    fn listen(&mut self) {
        self.listen_at = None;
        if self.listeners.open(&mut self.swarm).is_err() {
            self.listen_later();
        }
    }

    fn listen_later(&mut self) {
        let pause = u64::try_from(self.listeners.pause().as_millis()).unwrap_or(u64::MAX);
        self.listen_at = Some(self.clock.steady_ms().saturating_add(pause));
    }

    fn rotate(&mut self) {
        if self.rotating.is_some() || self.closing {
            return;
        }
        let now = self.clock.steady_ms();
        let epoch = u64::try_from(self.config.epoch.as_millis()).unwrap_or(u64::MAX);
        self.rotate_at = now.saturating_add(epoch);
        self.rotating = Some(now + GOODBYES_MS);
        self.table.end_all(LinkDownReason::Rotated);
        if self.table.count().0 == 0 {
            self.rebuild();
        }
    }

    /// Takes a new PeerId on the same ports.
    fn rebuild(&mut self) {
        self.rotating = None;
        match fresh_swarm(&self.config, &self.clock) {
            Ok(swarm) => {
                self.refused_before += self.swarm.behaviour().gate.refused();
                // The old swarm goes here, and with it all that it held open.
                self.swarm = swarm;
            }
            // The old PeerId serves until the next epoch.
            Err(error) => {
                tracing::warn!(%error, "no new transport key");
                return;
            }
        }
        self.deadlines.clear();
        self.sources.clear();
        self.remotes.clear();
        for route in self.dials.cancel_all() {
            self.tell_failure(route, DialFailure::Unreachable);
        }
        self.listeners.all_closed();
        self.listen();
        tracing::debug!("took a new transport key");
    }
}

fn fresh_swarm(config: &NetConfig, clock: &Clock) -> Result<Swarm<Behaviour>, NetError> {
    transport::swarm(Behaviour::new(Gate::new(config.clone()), clock.clone()))
}

/// The first epoch ends at a random moment of its span, so that restarts and changes of the
/// PeerId tell nothing of each other.
fn first_rotation(config: &NetConfig, clock: &Clock) -> Result<u64, NetError> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(NetError::Random)?;
    let epoch = u64::try_from(config.epoch.as_millis()).unwrap_or(u64::MAX);
    let phase = u64::from_le_bytes(random) % epoch.max(1);
    Ok(clock.steady_ms().saturating_add(phase))
}
