//! The loop: contacts who are away, hosts that are to get parcels, hosts that have some.

use super::{
    Announced, Command, Event, Neighbours, Pace, Shared, arrange::forsaken, deposits::Host,
    lanes::Lanes, poll::Poll, rising::Speaker,
};
use crate::{
    base::{Clock, Stop, chain},
    crypto::{Random, SystemRandom},
    engine::contacts::RouteKind,
    model::{ContactId, FailureReason, RouteId},
    net::{self, DialFailure, LinkDownReason},
    store::mailbox_tags,
    wire::Frame,
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::sync::mpsc;

pub(super) struct Actor {
    pub(super) rooms: Neighbours,
    pub(super) settings: Pace,
    pub(super) clock: Clock,
    inbox: mpsc::Receiver<Command>,
    pub(super) shared: Arc<Shared>,
    pub(super) speaker: Arc<Speaker>,
    pub(super) lanes: Lanes,
    pub(super) hosts: HashMap<RouteId, Host>,
    pub(super) polls: HashMap<RouteId, Poll>,
    /// Who is to be told once the host has their tags.
    pub(super) untold: HashMap<RouteId, (Vec<RouteId>, Announced)>,
}

impl Actor {
    pub(super) fn new(
        rooms: Neighbours,
        settings: Pace,
        clock: Clock,
        inbox: mpsc::Receiver<Command>,
        (shared, speaker): (Arc<Shared>, Arc<Speaker>),
    ) -> Self {
        Self {
            rooms,
            settings,
            clock,
            inbox,
            shared,
            speaker,
            lanes: Lanes::default(),
            hosts: HashMap::new(),
            polls: HashMap::new(),
            untold: HashMap::new(),
        }
    }

    pub(super) async fn run(mut self, stop: Stop) {
        loop {
            let next = self.next_ms();
            tokio::select! {
                biased;
                () = stop.draining() => return,
                command = self.inbox.recv() => match command {
                    Some(command) => self.handle(command).await,
                    None => return,
                },
                () = sleep_until(&self.clock, next) => {}
            }
            self.handle_lanes();
            self.handle_hosts().await;
            self.handle_polls().await;
        }
    }

    fn next_ms(&self) -> Option<u64> {
        let next = [
            self.lanes.next_ms(),
            self.next_host_ms(),
            self.next_poll_ms(),
        ];
        next.into_iter().flatten().min()
    }

    async fn handle(&mut self, command: Command) {
        let now = self.clock.steady_ms();
        match command {
            Command::Routes => self.find_deposits(),
            Command::Unlocked => {
                self.find_mailboxes().await;
                self.find_receipts();
                self.find_forsaken();
            }
            Command::Locked | Command::Changed => self.find_mailboxes().await,
            Command::Rows(route) => self.lanes.on_rows(route, now),
            Command::Deposits(route) => self.on_deposits(route),
            Command::Receipt(route) => self.owe_receipt(route),
            Command::LinkUp(route) => {
                self.lanes.on_link(route, true, now);
                if !self.polls.is_empty() && !self.has_tags(route) {
                    self.poll_soon();
                }
            }
            Command::LinkDown(route) => {
                self.lanes.on_link(route, false, now);
                self.resume_deposits(route);
                // The link may have gone before a receipt did.
                self.find_receipt(route);
            }
            Command::Away(route) => self.lanes.on_away(route, now),
            Command::Forget(route) => {
                self.lanes.forget(route);
                self.forget_deposits(route).await;
            }
            Command::Net(event) => self.handle_net(event).await,
            Command::Taken(mailbox, hash, fate) => self.on_taken(mailbox, hash, fate).await,
        }
    }

    async fn handle_net(&mut self, event: net::Event) {
        match event {
            net::Event::LinkUp { route, .. } => {
                self.on_host_up(route).await;
                self.on_poll_up(route).await;
            }
            net::Event::LinkDown { route, reason } => {
                let reason = match reason {
                    LinkDownReason::NoAnswer => FailureReason::NoAnswer,
                    _ => FailureReason::LinkLost,
                };
                self.on_host_failed(route, reason);
                self.on_poll_failed(route).await;
            }
            net::Event::DialFailed { route, reason } => {
                let reason = match reason {
                    DialFailure::NoAddress => FailureReason::NoAddress,
                    DialFailure::Unreachable => FailureReason::Unreachable,
                    DialFailure::NotThem => FailureReason::NotThem,
                };
                self.on_host_failed(route, reason);
                self.on_poll_failed(route).await;
            }
            net::Event::Frame {
                route,
                frame: Frame::Mailbox(frame),
            } => {
                if self.hosts.contains_key(&route) {
                    self.on_host_frame(route, frame).await;
                } else {
                    self.on_poll_frame(route, frame).await;
                }
            }
            _ => {}
        }
    }

    /// Has what waits sealed for the mailboxes of those who are away.
    fn handle_lanes(&mut self) {
        let now = self.clock.steady_ms();
        for (contact, alone) in self.lanes.take(now) {
            let read = self.rooms.bus.store().read();
            // Locked: unlocking asks again.
            let has = mailbox_tags::send(&read, &ContactId(contact.0));
            if has.is_ok_and(|record| record.is_some_and(|record| !record.paths.is_empty())) {
                super::rising::say(&self.speaker, Event::Deposit { contact, alone });
            }
        }
    }

    fn has_tags(&self, route: RouteId) -> bool {
        let read = self.rooms.bus.store().read();
        let record = mailbox_tags::recv(&read, &ContactId(route.0));
        record.is_ok_and(|record| record.is_some())
    }

    /// Receipts that a former run still owes.
    fn find_receipts(&mut self) {
        for route in self.rooms.contacts.routes(RouteKind::Contact) {
            self.find_receipt(route);
        }
    }

    fn find_receipt(&mut self, route: RouteId) {
        let read = self.rooms.bus.store().read();
        let record = mailbox_tags::recv(&read, &ContactId(route.0));
        if record.is_ok_and(|record| record.is_some_and(|record| record.receipt_owed)) {
            self.owe_receipt(route);
        }
    }

    /// Contacts who were not told yet that a mailbox is not ours any more.
    fn find_forsaken(&self) {
        let routes = self.rooms.contacts.routes(RouteKind::Contact);
        match forsaken(&self.rooms.bus.store().read(), &routes) {
            Ok(left) => {
                for (contacts, announced) in left {
                    super::rising::say(&self.speaker, Event::Announce(contacts, announced));
                }
            }
            Err(error) => {
                tracing::warn!(error = %chain(&error), "cannot see which mailboxes were left");
            }
        }
    }

    fn owe_receipt(&mut self, route: RouteId) {
        let (mean, now) = (self.settings.receipt, self.clock.steady_ms());
        self.lanes.on_receipt(route, mean, now, &mut SystemRandom);
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

pub(super) fn random() -> u64 {
    let mut bytes = [0; 8];
    SystemRandom.fill(&mut bytes);
    u64::from_be_bytes(bytes)
}
