//! The loop that decides when to look for whom.

use super::{
    Command, Neighbours,
    lan::{Search, random},
    plan::Plan,
};
use crate::{
    base::{Clock, Stop},
    engine::contacts::{Meeting, RouteKind},
    model::{PathKind, RouteId},
    net::{Lan, LanEvent},
};
use std::{collections::BTreeSet, time::Duration};
use tokio::sync::{mpsc, watch};

/// Links that end so soon after a change of the network end because of it.
const AFTER_CHANGE_MS: u64 = 15_000;

/// See the module.
pub(super) struct Actor {
    rooms: Neighbours,
    clock: Clock,
    inbox: mpsc::Receiver<Command>,
    lan: Lan,
    heard: mpsc::Receiver<LanEvent>,
    meetings: watch::Receiver<u64>,
    waiting: watch::Receiver<u64>,
    linked: BTreeSet<RouteId>,
    search: Search,
    plan: Plan,
    changed_ms: Option<u64>,
}

impl Actor {
    pub(super) fn new(
        rooms: Neighbours,
        (lan, heard): (Lan, mpsc::Receiver<LanEvent>),
        clock: Clock,
        inbox: mpsc::Receiver<Command>,
    ) -> Self {
        Self {
            meetings: rooms.contacts.watch_meetings(),
            waiting: rooms.outbox.watch_waiting(),
            search: Search::new(lan.clone(), clock.clone()),
            rooms,
            clock,
            inbox,
            lan,
            heard,
            linked: BTreeSet::new(),
            plan: Plan::default(),
            changed_ms: None,
        }
    }

    pub(super) async fn run(mut self, stop: Stop) {
        self.meetings.mark_changed();
        loop {
            let next = self.plan.next_ms();
            tokio::select! {
                biased;
                () = stop.draining() => return,
                command = self.inbox.recv() => match command {
                    Some(command) => self.handle(command).await,
                    None => return,
                },
                Ok(()) = self.meetings.changed() => self.handle_meetings(),
                Ok(()) = self.waiting.changed() => self.note_waiting(),
                Some(event) = self.heard.recv() => self.handle_lan(event).await,
                () = sleep_until(&self.clock, next) => self.handle_due().await,
            }
        }
    }

    async fn handle(&mut self, command: Command) {
        match command {
            Command::LinkUp(route) => {
                self.linked.insert(route);
                self.note_waiting();
            }
            Command::LinkDown(route) => {
                self.linked.remove(&route);
                let now = self.clock.steady_ms();
                let moved = |at: u64| now.saturating_sub(at) < AFTER_CHANGE_MS;
                if self.changed_ms.is_some_and(moved) && self.missed().contains(&route) {
                    self.plan.look([route], now, random());
                }
                self.note_waiting();
            }
            Command::DialFailed(route) => drop(self.linked.remove(&route)),
            // The local network tells of changes itself, of those that matter there.
            Command::NetworkChanged => {}
            Command::Woke => {
                self.rooms.net.doubt_links();
                self.look_around().await;
            }
            Command::LookAround => self.look_around().await,
            Command::Metered(metered) => {
                self.lan.hush(metered).await;
                if !metered {
                    self.look_around().await;
                }
            }
        }
    }

    /// Looks for everybody who has no link, also where they were before.
    async fn look_around(&mut self) {
        let missed = self.missed();
        for route in &missed {
            self.rooms.outbox.dial(*route).await;
        }
        self.plan.look(missed, self.clock.steady_ms(), random());
    }

    async fn handle_lan(&mut self, event: LanEvent) {
        match event {
            LanEvent::Query {
                place,
                from,
                datagram,
            } => {
                let net = &self.rooms.net;
                self.search.on_query(place, from, &datagram, net).await;
            }
            LanEvent::Reply { from, datagram } => {
                if let Some((route, addresses)) = self.search.on_reply(from, &datagram) {
                    // With a link that may be about to fail this is for what comes after it.
                    self.rooms
                        .net
                        .suggest(route, PathKind::Lan, addresses)
                        .await;
                    if !self.linked.contains(&route) {
                        self.rooms.outbox.dial_found(route, PathKind::Lan).await;
                    }
                }
            }
            LanEvent::Changed { lost, gained } => {
                self.changed_ms = Some(self.clock.steady_ms());
                if lost {
                    self.rooms.net.doubt_links();
                }
                if gained {
                    self.look_around().await;
                }
            }
        }
    }

    fn handle_meetings(&mut self) {
        let news = self.search.update(self.rooms.contacts.meetings());
        let missed = self.missed();
        let news = news.into_iter().filter(|route| missed.contains(route));
        self.plan.look(news, self.clock.steady_ms(), random());
        self.note_waiting();
    }

    /// Notes whether anything waits for somebody without a link.
    fn note_waiting(&mut self) {
        let anybody = !self.awaited().is_empty();
        self.plan.wait(anybody, self.clock.steady_ms(), random());
    }

    async fn handle_due(&mut self) {
        let now = self.clock.steady_ms();
        if self.plan.idle_is_due(now) {
            let awaited = self.awaited();
            self.plan.look(awaited, now, random());
            self.note_waiting();
        }
        if let Some(mut whom) = self.plan.round(now, random()) {
            whom.retain(|route| !self.linked.contains(route));
            self.search.ask(&whom).await;
        }
    }

    /// Those who are looked for and have no link.
    fn missed(&self) -> BTreeSet<RouteId> {
        let wanted = self
            .search
            .wanted()
            .filter(|meeting| self.is_missed(meeting));
        wanted.map(|meeting| meeting.route).collect()
    }

    /// Of these, those for whom something waits.
    fn awaited(&self) -> BTreeSet<RouteId> {
        let waiting: BTreeSet<RouteId> = self.rooms.outbox.waiting().into_iter().collect();
        let wanted = self.search.wanted().filter(|meeting| {
            let waits = meeting.kind != RouteKind::Contact || waiting.contains(&meeting.route);
            waits && self.is_missed(meeting)
        });
        wanted.map(|meeting| meeting.route).collect()
    }

    fn is_missed(&self, meeting: &Meeting) -> bool {
        let route = meeting.route;
        let wanted = || match meeting.kind {
            RouteKind::Contact => true,
            // What cannot be read is not looked for; the next change asks again.
            _ => self.rooms.contacts.handshake_waits(route).unwrap_or(false),
        };
        !self.linked.contains(&route) && wanted()
    }
}

async fn sleep_until(clock: &Clock, at: Option<u64>) {
    match at {
        Some(at) => {
            let left = at.saturating_sub(clock.steady_ms());
            clock.sleep(Duration::from_millis(left)).await;
        }
        None => std::future::pending().await,
    }
}
