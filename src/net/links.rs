//! The task that all links run on: from a raw stream to a proven link to its end.

use super::{
    config::NetConfig,
    event::{Event, LinkKey},
    frames::FrameReader,
    link::Link,
    proof::{self, Ends, ProofError},
    table::{Claim, Most, Seat, Table},
};
use crate::{
    base::Clock,
    model::{RouteId, Transport},
    wire::Frame,
};
use futures::{StreamExt, stream::FuturesUnordered};
use libp2p::{PeerId, Stream, swarm::ConnectionId};
use std::{
    future::poll_fn,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc;

/// Time for links to end once nothing new can come.
const WIND_UP: Duration = Duration::from_millis(1_500);

/// A stream to make a link of.
pub(super) struct Job {
    pub(super) connection: ConnectionId,
    pub(super) stream: Stream,
    pub(super) own: PeerId,
    pub(super) peer: PeerId,
    /// The address of ours that the connection uses, if it is known.
    pub(super) source: Option<IpAddr>,
    /// Where the other side is, if it is known.
    pub(super) remote: Option<(SocketAddr, Transport)>,
    pub(super) errand: Errand,
}

/// What a stream is for.
pub(super) enum Errand {
    /// We dialled `route` and prove ourselves with `key`.
    Dial { route: RouteId, key: [u8; 32] },
    /// Somebody dialled us.
    Answer,
}

/// What a link tells the actor.
#[derive(Debug)]
pub(super) enum Notice {
    /// The connection carries a link from now on.
    Proven {
        /// Which.
        connection: ConnectionId,
        /// Whether the key is in many hands.
        shared: bool,
    },
    /// The connection is of no more use.
    Over(ConnectionId, Outcome),
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The other side did not prove itself, or turned us away.
    Stranger,
    /// It is who it should be, but another link stands or was chosen, or there is no room.
    Declined,
    /// It was a link and is one no more.
    Ended,
    /// As `Declined`, but the key is in many hands: no more is owed than to strangers.
    Guest,
}

/// A stream whose other side holds the route's key.
struct Proven {
    shared: bool,
    key: LinkKey,
    /// What the dialing side said first.
    first: Option<Frame>,
}

/// What every link needs.
pub(super) struct Links {
    pub(super) table: Arc<Table>,
    pub(super) clock: Clock,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) notices: mpsc::Sender<Notice>,
    pub(super) config: NetConfig,
}

impl Links {
    /// Runs every job that comes, until no more can come and all have ended.
    pub(super) async fn run(self, mut jobs: mpsc::Receiver<Job>) {
        let mut running = FuturesUnordered::new();
        loop {
            tokio::select! {
                job = jobs.recv() => match job {
                    Some(job) => running.push(self.one(job)),
                    None => break,
                },
                Some(()) = running.next(), if !running.is_empty() => {}
            }
        }
        tokio::select! {
            () = async { while running.next().await.is_some() {} } => {}
            () = self.clock.sleep(WIND_UP) => {}
        }
    }

    async fn one(&self, job: Job) {
        let connection = job.connection;
        let outcome = self.attempt(job).await;
        // Without an actor there is nobody left to tell.
        let _ = self.notices.send(Notice::Over(connection, outcome)).await;
    }

    async fn attempt(&self, mut job: Job) -> Outcome {
        let late = self.clock.sleep(self.config.prove_within);
        tokio::pin!(late);
        let proven = tokio::select! {
            proven = self.prove(&mut job) => proven,
            () = &mut late => return Outcome::Stranger,
        };
        let Ok((route, key, shared)) = proven else {
            return Outcome::Stranger;
        };
        let declined = if shared {
            Outcome::Guest
        } else {
            Outcome::Declined
        };
        // A dialer may have several connections to us under way and chooses one by speaking on
        // it; so a listener believes in a link only when the first frame has come. Who holds
        // the key and leaves it at that has chosen another, and owes us nothing.
        let dialer = matches!(job.errand, Errand::Dial { .. });
        let mut first = None;
        if !dialer {
            let mut reader = FrameReader::default();
            let heard = tokio::select! {
                heard = poll_fn(|cx| reader.poll_frame(cx, &mut job.stream)) => heard,
                () = &mut late => return declined,
            };
            let Ok(frame) = heard else {
                return declined;
            };
            first = Some(frame);
        }
        let claim = Claim {
            route,
            peer: job.peer,
            source: job.source,
            remote: job.remote,
            dialer,
        };
        let now = self.clock.steady_ms();
        let most = Most {
            links: self.config.max_links,
            shared: self.config.max_shared,
            shared_per_route: self.config.max_shared_per_route,
        };
        let seat = self.table.claim(&claim, job.own, now, most);
        let Some(seat) = seat else {
            return declined;
        };
        let (route, serial) = (seat.route, seat.serial);
        let with = Proven { shared, key, first };
        self.serve(job, with, &claim, seat).await;
        self.table.vacate(route, serial);
        Outcome::Ended
    }

    /// Waits until the other side has proven which route it belongs to, and with which key;
    /// tells whether that key is in many hands.
    async fn prove(&self, job: &mut Job) -> Result<(RouteId, LinkKey, bool), ProofError> {
        match &job.errand {
            Errand::Dial { route, key } => {
                let ends = Ends {
                    dialer: job.own,
                    listener: job.peer,
                };
                proof::dial(&mut job.stream, &ends, key).await?;
                Ok((*route, LinkKey(*key), false))
            }
            Errand::Answer => {
                let ends = Ends {
                    dialer: job.peer,
                    listener: job.own,
                };
                let candidates = || self.table.candidates();
                let found = proof::answer(&mut job.stream, &ends, candidates).await?;
                Ok((found.route, LinkKey(found.key), found.shared))
            }
        }
    }

    async fn serve(&self, job: Job, with: Proven, claim: &Claim, seat: Seat) {
        let route = seat.route;
        // Dropped at the end of this function: only then may a successor announce itself.
        let _last_word = seat.last_word;
        // From here on the connection is no stranger's.
        let proven = Notice::Proven {
            connection: job.connection,
            shared: with.shared,
        };
        if self.notices.send(proven).await.is_err() {
            return;
        }
        let mut link = Link::new(
            route,
            job.stream,
            seat.queue,
            seat.lever,
            &self.events,
            &self.clock,
            random(),
        );
        link.open(with.first).await;
        if let Some(after) = seat.after {
            // It ends with or without a word.
            let _ = after.await;
        }
        let up = Event::LinkUp {
            route,
            inbound: !claim.dialer,
            key: with.key,
        };
        if self.events.send(up).await.is_err() {
            return;
        }
        let reason = link.run().await;
        // The stream is closed before anyone is told: a dial that follows finds a clean slate.
        drop(link);
        let _ = self.events.send(Event::LinkDown { route, reason }).await;
    }
}

/// For jitter; a constant is a poor but harmless substitute.
fn random() -> u64 {
    let mut bytes = [0; 8];
    let _ = getrandom::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}
