//! The network room: links to other daemons, and nothing about who they are.
//!
//! It knows routes: a name, link keys, addresses. A link is one stream that both sides have
//! proven to belong to the same route; frames go through it both ways. What the frames mean,
//! when to dial again and what an unanswered frame is worth is decided above.
//!
//! # Backpressure
//! Every link has a queue of 32 frames. [`Net::try_send`] refuses with [`SendError::Full`] and
//! an [`Event::Writable`] follows as soon as there is room; [`Net::send`] waits instead. The
//! channel of events is bounded too: while nobody takes events, no link is read, and the
//! peers' flow control holds them back.
//!
//! # Decisions
//! - No identify protocol, and it is not compiled in: it tells agent, version and every listen
//!   address (those of the local network too) to whoever connects. Nothing here needs it:
//!   addresses reach contacts sealed, and the protocol name carries the version.
//! - A behaviour of our own (a hundred lines) instead of `libp2p-stream`: that one hands out
//!   streams by PeerId and picks any of several connections to it, so QUIC and TCP side by
//!   side cannot be told apart; it keeps an entry for every connection that ever was; and it
//!   drops an incoming stream whenever two arrive before the first is taken.
//! - A listener believes in a link when the first frame after the proofs has come. A dialer
//!   that reached us twice thereby chooses one connection, and both sides agree which.
//! - Only the dialing side's current key is tried, the older one at the next dial; the
//!   listener accepts all. Failed proofs are answered like streams nobody wants: closed.
//! - Any byte from the peer is a sign of life, not only a whole frame: a large frame on a slow
//!   line would otherwise look like death. For the same reason more than 64 KiB under way buys
//!   time at 64 KiB a second. Single messages are judged in 4.5 s.
//! - Each epoch gets a whole new swarm: the library binds a PeerId to its transports for good.
//! - When this machine's addresses change, links that use an address that is gone end at once:
//!   QUIC cannot move them here (the library turns migration off), and TCP would wait for
//!   minutes. The others ask their peers. Dials under way begin again, 150 ms after the last
//!   piece of the change, since one that went out meanwhile hangs. If no address of the last
//!   network is left the PeerId changes, too. A daemon that listens on fixed addresses only is
//!   told of no change: the library watches interfaces for wildcard addresses.
//! - `quinn-proto` 0.11.19 never lets go of an incoming connection whose first packet that came
//!   through closes it (it enters the draining state without a timer), nor of the endpoint that
//!   has one. A dial that loses its race against TCP while the other daemon starts does that. It
//!   costs some kilobytes, and the UDP port at the next change of the PeerId: then the daemon
//!   goes on over TCP alone and asks for the port again, with pauses, until it is restarted.
//! - TCP ports are asked for without `SO_REUSEPORT` before the library binds them with it:
//!   else two daemons of one user would share a port without a word.
//! - Whoever proves a key is charged nothing, whether or not the connection becomes the link:
//!   a dial over QUIC and TCP at a time leaves one of two behind. The address (QUIC: with its
//!   port) keeps a few connections in reserve for a day, which strangers behind the same IP
//!   address cannot spend.
//! - Over QUIC what a peer may have under way unread is 1 MiB. Over TCP `libp2p-yamux` 0.48
//!   lets only the number of streams be set: each starts with 256 KiB, and yamux raises that,
//!   towards its fixed 1 GiB a connection, for a peer whose bytes we read within two round
//!   trips. Strangers do not get there, since nothing beyond a proof is read of them; a contact
//!   who races and then floods while no events are taken can make us hold more than 256 KiB.
//!   Bounding it takes a multiplexer of our own around the `yamux` crate.
//! - A shared route's key is in many hands (everybody who may put something into a mailbox),
//!   so its links cost their addresses what strangers' connections cost, and have places of
//!   their own: they never take a contact's. Each link is called by a fresh random name, and
//!   its `LinkUp` says by its key what it belongs to, so nothing above needs to know more
//!   about such links than about others.
//! - Who depends on a shared key dials only: a fellow holder of the key could otherwise call
//!   and be taken for the host. One that sits on the way to the host still could; what is put
//!   down there is sealed, and asked for end to end.
//! - When strangers fill all places, the oldest of them goes, not the newcomer: a contact
//!   proves itself within a round trip, an attacker's idle connection does not.

mod actor;
mod behaviour;
mod command;
mod config;
mod dial;
mod error;
mod event;
mod frames;
mod handler;
mod lan;
mod lever;
mod limits;
mod link;
mod links;
mod listen;
mod liveness;
mod meter;
mod proof;
mod rendezvous;
mod route;
mod table;
mod transport;

pub use config::NetConfig;
pub use error::{DirectoryError, NetError, SendError};
pub use event::{DialFailure, Event, LinkDownReason, LinkKey, LinkView, NetStatus};
pub use lan::{LAN_PORT, Lan, LanConfig, LanEvent, LanExclude, LanPlace, MAX_LAN_DATAGRAM_BYTES};
pub use rendezvous::{Directory, DirectoryConfig, DirectoryStatus};
pub use route::{Access, Route};

use crate::{
    base::{Clock, Tasks},
    model::{PathKind, RouteId, Traffic, Transport},
    wire::{Frame, MAX_CUSTODY_TAGS, PARCEL_BYTES},
};
use actor::{Actor, Ends};
use command::Command;
use links::Links;
use std::{net::SocketAddr, sync::Arc};
use table::Table;
use tokio::sync::{mpsc, oneshot};

/// Events that wait for their reader. With the largest frames this is 8 MiB.
const EVENTS: usize = 32;
const COMMANDS: usize = 64;

/// The handle; cheap to clone.
#[derive(Clone)]
pub struct Net {
    commands: mpsc::Sender<Command>,
    table: Arc<Table>,
}

impl std::fmt::Debug for Net {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Net").finish_non_exhaustive()
    }
}

impl Net {
    /// Listens and starts the room's tasks. The listening addresses are known on return.
    ///
    /// # Errors
    /// An address cannot be listened on, or the system gives no keys.
    pub async fn spawn(
        config: NetConfig,
        clock: Clock,
        tasks: &Tasks,
    ) -> Result<(Self, mpsc::Receiver<Event>), NetError> {
        let table = Arc::new(Table::default());
        let (commands, command_end) = mpsc::channel(COMMANDS);
        let (events, event_end) = mpsc::channel(EVENTS);
        let places = config.max_unproven + config.max_dials + 64;
        let (notices, notice_end) = mpsc::channel(places);
        let (jobs, job_end) = mpsc::channel(places);
        let ends = Ends {
            commands: command_end,
            notices: notice_end,
            jobs,
            events: events.clone(),
        };
        let links = Links {
            table: Arc::clone(&table),
            clock: clock.clone(),
            events,
            notices,
            config: config.clone(),
        };
        let actor = Actor::start(config, clock, Arc::clone(&table), ends).await?;
        tasks.spawn("net", actor.run(tasks.stop()));
        tasks.spawn("net-links", links.run(job_end));
        Ok((Self { commands, table }, event_end))
    }

    /// Adds or replaces a route. A running link stays.
    pub fn put_route(&self, route: Route) {
        self.table.put(route);
    }

    /// Forgets a route; its link or links end with `Disconnected`.
    pub async fn remove_route(&self, route: RouteId) {
        self.table.remove(route);
        self.ask(Command::Cancel(route)).await;
    }

    /// Has `addresses`, which were found `by` that path a moment ago, be tried before the route's own
    /// from now on, also by a dial that is under way. At most eight, kept in memory only; they
    /// take the place of those suggested before and go with the route.
    pub async fn suggest(&self, route: RouteId, by: PathKind, addresses: Vec<SocketAddr>) {
        let news = self.table.suggest(route, by, addresses);
        if !news.is_empty() {
            self.ask(Command::Join(route, news)).await;
        }
    }

    /// Counts all links of `route` under `path` from the next one on, until it is removed.
    pub fn count_as(&self, route: RouteId, path: PathKind) {
        self.table.count_as(route, path);
    }

    /// Tries every address of the route once, over QUIC and TCP at a time. The outcome is a
    /// `LinkUp` or a `DialFailed`; neither follows if a link stands or a dial is under way.
    pub async fn dial(&self, route: RouteId) {
        self.ask(Command::Dial(route)).await;
    }

    /// Queues a frame if there is a link with room.
    ///
    /// # Errors
    /// `NoLink`; `Full`, which is followed by an [`Event::Writable`]; `Misshapen`.
    pub fn try_send(&self, route: RouteId, frame: Frame) -> Result<(), SendError> {
        use mpsc::error::TrySendError::{Closed, Full};
        check(&frame)?;
        let (queue, lever) = self.table.link(route).ok_or(SendError::NoLink)?;
        let frame = match queue.try_send(frame) {
            Ok(()) => return Ok(()),
            Err(Closed(_)) => return Err(SendError::NoLink),
            Err(Full(frame)) => frame,
        };
        // The wish is noted before the second try: if room came in between it is used now, if
        // not then the link finds the wish when it takes the next frame.
        lever.want_room();
        queue.try_send(frame).map_err(|error| match error {
            Full(_) => SendError::Full,
            Closed(_) => SendError::NoLink,
        })
    }

    /// Queues a frame, waiting for room.
    ///
    /// # Errors
    /// `NoLink`, also if the link ends meanwhile; `Misshapen`.
    pub async fn send(&self, route: RouteId, frame: Frame) -> Result<(), SendError> {
        check(&frame)?;
        let (queue, _) = self.table.link(route).ok_or(SendError::NoLink)?;
        queue.send(frame).await.map_err(|_| SendError::NoLink)
    }

    /// How many frames the route's link takes at once; 0 without a link.
    #[must_use]
    pub fn room(&self, route: RouteId) -> usize {
        self.table
            .link(route)
            .map_or(0, |(queue, _)| queue.capacity())
    }

    /// Ends the route's link or links, if any, and gives up a dial under way.
    pub async fn disconnect(&self, route: RouteId) {
        self.table.end(route, LinkDownReason::Disconnected);
        self.ask(Command::Cancel(route)).await;
    }

    /// Has every link ask its peer at once whether it lives, as after a change of the network.
    /// One that gets no answer within 1.5 s ends with `NoAnswer`.
    pub fn doubt_links(&self) {
        self.table.doubt_all();
    }

    /// Where others can reach us, as far as this machine knows.
    #[must_use]
    pub fn listen_addresses(&self) -> Vec<SocketAddr> {
        self.table.listeners()
    }

    /// What is listened on, each address once for each transport.
    #[must_use]
    pub fn sockets(&self) -> Vec<(SocketAddr, Transport)> {
        self.table.sockets()
    }

    /// Every link that is up, the oldest first.
    #[must_use]
    pub fn links(&self) -> Vec<LinkView> {
        self.table.views()
    }

    /// What links have moved since the start, one entry a path. Never falls.
    #[must_use]
    pub fn traffic(&self) -> Vec<Traffic> {
        self.table.traffic()
    }

    /// Whether a packet could leave for the Internet, as the routing table says. Nothing is
    /// sent.
    #[must_use]
    pub fn has_route(&self) -> bool {
        actor::has_route()
    }

    /// How things are.
    pub async fn status(&self) -> NetStatus {
        let (reply, answer) = oneshot::channel();
        self.ask(Command::Status(reply)).await;
        answer.await.unwrap_or_default()
    }

    /// Takes a new PeerId now, as after a change of the network: every link ends with
    /// `Rotated`, the listening ports stay.
    pub async fn rotate(&self) {
        self.ask(Command::Rotate).await;
    }

    async fn ask(&self, command: Command) {
        // A room that has stopped has nothing left to do.
        let _ = self.commands.send(command).await;
    }
}

/// Refuses what the link could not write, where somebody still hears of it.
fn check(frame: &Frame) -> Result<(), SendError> {
    let fits = match frame {
        Frame::Parcel(bytes) => PARCEL_BYTES.contains(&bytes.len()),
        Frame::Custody(tags) => (1..=MAX_CUSTODY_TAGS).contains(&tags.len()),
        Frame::Ping(_)
        | Frame::Pong(_)
        | Frame::Window { .. }
        | Frame::Bundle(_)
        | Frame::BundleRequest
        | Frame::Bye => true,
        Frame::Mailbox(frame) => frame.head().is_ok(),
    };
    fits.then_some(()).ok_or(SendError::Misshapen)
}

#[cfg(test)]
mod tests;
