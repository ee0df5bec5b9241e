//! The loop that finds people far away: through the public directory, when nothing better works.
//!
//! # Decisions
//! - A loop of its own beside that of the local network: without a directory there is none.
//! - Whoever is dialled directly is left to that for three seconds, or until it fails; a
//!   contact for whom nothing waits for five whatever comes of the dial, since one that hangs
//!   takes longer. Such contacts are spread over a while: a machine that comes back has lost all
//!   of them at one moment.
//! - Both sides publish and both look: only one of them may be reachable. Whoever waits for
//!   nothing looks as rarely as it publishes.
//! - The first item that opens is dialled at once. One with a greater number may follow and
//!   takes its place; a smaller number than was ever seen is an old item that somebody
//!   replays, and is passed over.
//! - What comes of the directory are suggestions in memory. A lie costs a dial, since only the
//!   pair's own link key makes a link.

use super::{
    Command, Neighbours,
    seeker::{Asked, Seeker},
};
use crate::{
    base::{Clock, Stop, Tasks},
    crypto::{Random, SystemRandom},
    model::{PathKind, RouteId, Timestamp},
    net::Directory,
    protocol::Whereabouts,
    wire::SignedItem,
};
use std::{
    collections::{BTreeSet, HashMap},
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::sync::{mpsc, watch};

/// Publications and look-ups under way at one time.
const MAX_JOBS: usize = 8;
/// What each seeker adds to the span over which all are spread.
const SPREAD_MS: u64 = 250;
const MAX_SPREAD_MS: u64 = 60_000;
/// Answers on their way to the loop.
const ANSWERS: usize = 16;

/// What comes back from a job.
enum Done {
    Published {
        route: RouteId,
        done: bool,
    },
    Answer {
        route: RouteId,
        asked: Asked,
        item: SignedItem,
    },
    LookedUp {
        route: RouteId,
        done: bool,
    },
}

/// See the module.
pub(super) struct Wide {
    rooms: Neighbours,
    directory: Directory,
    clock: Clock,
    tasks: Tasks,
    inbox: mpsc::Receiver<Command>,
    meetings: watch::Receiver<u64>,
    waiting: watch::Receiver<u64>,
    results: mpsc::Receiver<Done>,
    report: mpsc::Sender<Done>,
    seekers: HashMap<RouteId, Seeker>,
    linked: BTreeSet<RouteId>,
    jobs: usize,
}

impl Wide {
    pub(super) fn new(
        rooms: Neighbours,
        directory: Directory,
        clock: Clock,
        tasks: Tasks,
        inbox: mpsc::Receiver<Command>,
    ) -> Self {
        let (report, results) = mpsc::channel(ANSWERS);
        Self {
            meetings: rooms.contacts.watch_meetings(),
            waiting: rooms.outbox.watch_waiting(),
            rooms,
            directory,
            clock,
            tasks,
            inbox,
            results,
            report,
            seekers: HashMap::new(),
            linked: BTreeSet::new(),
            jobs: 0,
        }
    }

    pub(super) async fn run(mut self, stop: Stop) {
        self.handle_meetings();
        loop {
            self.start_jobs();
            let wait = self.wait();
            let clock = self.clock.clone();
            let timer = async {
                match wait {
                    Some(span) => clock.sleep(span).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.closing() => return,
                command = self.inbox.recv() => match command {
                    Some(command) => self.handle(command),
                    None => return,
                },
                Some(done) = self.results.recv() => self.handle_done(done),
                Ok(()) = self.meetings.changed() => self.handle_meetings(),
                Ok(()) = self.waiting.changed() => self.handle_waiting(),
                () = timer => {}
            }
        }
    }

    fn handle(&mut self, command: Command) {
        let now = self.clock.steady_ms();
        match command {
            Command::LinkUp(route) => {
                self.linked.insert(route);
                self.with(route, Seeker::linked);
            }
            Command::LinkDown(route) => {
                self.linked.remove(&route);
                self.with(route, |seeker| seeker.unlinked(now));
            }
            Command::DialFailed(route) => self.with(route, Seeker::dial_failed),
            Command::NetworkChanged | Command::Woke | Command::LookAround => {
                self.seekers.values_mut().for_each(Seeker::start_over);
            }
            // A look costs a few kilobytes.
            Command::Metered(_) => {}
        }
    }

    fn with(&mut self, route: RouteId, change: impl FnOnce(&mut Seeker)) {
        if let Some(seeker) = self.seekers.get_mut(&route) {
            change(seeker);
        }
    }

    /// Keeps what is known of those who stay the same.
    fn handle_meetings(&mut self) {
        let now = self.clock.steady_ms();
        let mut before = std::mem::take(&mut self.seekers);
        let meetings = self.rooms.contacts.meetings();
        let span = u64::try_from(meetings.len()).unwrap_or(u64::MAX);
        let span = span.saturating_mul(SPREAD_MS).min(MAX_SPREAD_MS);
        for meeting in meetings {
            let route = meeting.route;
            let same = before
                .remove(&route)
                .filter(|old| *old.meeting() == meeting);
            let linked = self.linked.contains(&route);
            let seeker =
                same.unwrap_or_else(|| Seeker::new(meeting, linked, random() % span.max(1), now));
            self.seekers.insert(route, seeker);
        }
        self.handle_waiting();
    }

    fn handle_waiting(&mut self) {
        let now = self.clock.steady_ms();
        let waiting: BTreeSet<RouteId> = self.rooms.outbox.waiting().into_iter().collect();
        for (route, seeker) in &mut self.seekers {
            seeker.set_waiting(waiting.contains(route), now);
        }
    }

    fn handle_done(&mut self, done: Done) {
        let (now, wall) = (self.clock.steady_ms(), self.now());
        match done {
            Done::Published { route, done } => {
                self.jobs -= 1;
                self.with(route, |seeker| seeker.published(done, now, wall, random()));
            }
            Done::LookedUp { route, done } => {
                self.jobs -= 1;
                self.with(route, |seeker| seeker.looked_up(done, now, random()));
            }
            Done::Answer { route, asked, item } => {
                let seeker = self.seekers.get_mut(&route);
                let found = seeker.and_then(|seeker| match seeker.open(asked, &item) {
                    Ok(found) => found,
                    Err(error) => {
                        tracing::debug!(%error, "an item of the directory was passed over");
                        None
                    }
                });
                if let Some(found) = found {
                    self.try_there(route, found);
                }
            }
        }
    }

    fn try_there(&self, route: RouteId, found: Whereabouts) {
        let here = self.rooms.net.listen_addresses();
        let found = worth_calling(found.addresses, &here);
        if self.linked.contains(&route) || found.is_empty() {
            return;
        }
        tracing::debug!("somebody was found in the directory");
        let (net, outbox) = (self.rooms.net.clone(), self.rooms.outbox.clone());
        self.tasks.detach(async move {
            net.suggest(route, PathKind::Dht, found).await;
            outbox.dial_found(route, PathKind::Dht).await;
        });
    }

    /// Begins what is due, as far as there is room.
    fn start_jobs(&mut self) {
        let (now, wall) = (self.clock.steady_ms(), self.now());
        let here = self.here();
        let mut due: Vec<_> = self
            .seekers
            .iter()
            .filter_map(|(route, seeker)| Some((seeker.urgency(), seeker.next_ms()?, *route)))
            .filter(|(_, next_ms, _)| *next_ms <= now)
            .collect();
        due.sort_unstable();
        for (.., route) in due {
            if self.jobs >= MAX_JOBS {
                return;
            }
            let Some(seeker) = self.seekers.get_mut(&route) else {
                continue;
            };
            if seeker.wants_publishing(now) && here.addresses.is_empty() {
                seeker.nothing_to_publish(now, wall, random());
            }
            if seeker.wants_publishing(now) {
                self.jobs += 1;
                let items = seeker.publish(&here, wall, &mut SystemRandom);
                let (directory, report) = (self.directory.clone(), self.report.clone());
                self.tasks.detach(publish(directory, route, items, report));
            }
            if seeker.wants_look_up(now) {
                self.jobs += 1;
                let asked = seeker.look_up(wall);
                let (directory, report) = (self.directory.clone(), self.report.clone());
                self.tasks.detach(look_up(directory, route, asked, report));
            }
        }
    }

    /// Until something is due; none while all places are taken, since their end wakes us.
    fn wait(&self) -> Option<Duration> {
        if self.jobs >= MAX_JOBS {
            return None;
        }
        let next = self.seekers.values().filter_map(Seeker::next_ms).min()?;
        Some(Duration::from_millis(
            next.saturating_sub(self.clock.steady_ms()),
        ))
    }

    /// Where we say that we are: the one place to add what else is known of it.
    fn here(&self) -> Whereabouts {
        let here = self.rooms.net.listen_addresses();
        Whereabouts {
            addresses: worth_calling(self.rooms.contacts.my_addresses(), &here),
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.clock.wall_ms())
    }
}

/// Those of `addresses` that lead from one machine to another, public ones first: a contact
/// shall not make us call what listens on our own machine, and few addresses are taken. Where we
/// listen on this machine only, as in a network of our own that is all on it, its addresses do.
fn worth_calling(addresses: Vec<SocketAddr>, here: &[SocketAddr]) -> Vec<SocketAddr> {
    let alone = !here.is_empty() && here.iter().all(|at| at.ip().to_canonical().is_loopback());
    let leads = |address: &SocketAddr| match address.ip().to_canonical() {
        IpAddr::V6(ip) if ip.is_unicast_link_local() => false,
        IpAddr::V4(ip) if ip.is_link_local() => false,
        ip => alone || !ip.is_loopback(),
    };
    let private = |address: &SocketAddr| match address.ip().to_canonical() {
        IpAddr::V4(ip) => ip.is_private(),
        IpAddr::V6(ip) => ip.is_unique_local(),
    };
    let mut worth: Vec<_> = addresses.into_iter().filter(leads).collect();
    worth.sort_by_key(private);
    worth
}

async fn publish(
    directory: Directory,
    route: RouteId,
    items: Vec<SignedItem>,
    report: mpsc::Sender<Done>,
) {
    let mut done = true;
    for item in &items {
        if let Err(error) = directory.publish(item).await {
            tracing::debug!(%error, "nothing was left in the directory");
            done = false;
        }
    }
    // The loop is gone only when the daemon stops.
    let _ = report.send(Done::Published { route, done }).await;
}

async fn look_up(
    directory: Directory,
    route: RouteId,
    asked: Vec<Asked>,
    report: mpsc::Sender<Done>,
) {
    let (sender, mut answers) = mpsc::channel::<SignedItem>(ANSWERS);
    let keys: Vec<_> = asked.iter().map(|asked| asked.key).collect();
    let pass_on = async {
        while let Some(item) = answers.recv().await {
            let asked = asked.iter().find(|asked| asked.key == item.key).copied();
            if let Some(asked) = asked {
                let _ = report.send(Done::Answer { route, asked, item }).await;
            }
        }
    };
    let (ended, ()) = tokio::join!(directory.look_up(&keys, sender), pass_on);
    if let Err(error) = &ended {
        tracing::debug!(%error, "the directory was not searched");
    }
    let done = ended.is_ok();
    let _ = report.send(Done::LookedUp { route, done }).await;
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    SystemRandom.fill(&mut bytes);
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn what_leads_nowhere_else_is_neither_told_nor_called() {
        let all = at(&[
            "127.0.0.1:6379",
            "169.254.1.1:1",
            "192.168.1.2:1",
            "[::1]:1",
            "[::ffff:127.0.0.1]:1",
            "[fe80::1]:1",
            "[fd00::1]:1",
            "[2001:db8::1]:1",
            "198.51.100.7:1",
        ]);
        let here = at(&["192.168.1.9:5", "127.0.0.1:5"]);
        let wanted = at(&[
            "[2001:db8::1]:1",
            "198.51.100.7:1",
            "192.168.1.2:1",
            "[fd00::1]:1",
        ]);
        assert_eq!(worth_calling(all, &here), wanted);
        let own = at(&["127.0.0.1:6379"]);
        assert_eq!(worth_calling(own.clone(), &own), own);
        assert!(worth_calling(own, &[]).is_empty());
    }
}
