//! Leaving parcels at contacts' mailboxes: one link to a host at a time, one parcel after the
//! other, the same bytes until the host says that it has them.

use super::{
    actor::{Actor, random},
    rows::{attempt, find_next, on_kept, on_refused},
};
use crate::{
    base::{Backoff, chain},
    crypto::{Random, SystemRandom},
    engine::{contacts::RouteKind, outbox::MAX_LOG},
    model::{FailureReason, RouteId},
    net::{Access, Route},
    store::{StoreError, deposits, outbox},
    wire::{Frame, MailboxFrame},
};
use std::time::Duration;

/// E.1: 5 s x 2^n, full jitter, at most six hours.
pub(super) const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(5),
    cap: Duration::from_secs(6 * 3600),
};
/// Something new makes an earlier failure worth another try after this long.
const FRESH_MS: u64 = 5_000;
/// How long a host may take to answer.
pub(super) const ANSWER_MS: u64 = 30_000;

/// One mailbox of one contact for which there are parcels.
pub(super) struct Host {
    contact: RouteId,
    path: u32,
    state: State,
    failures: u32,
    next_ms: Option<u64>,
    last_try_ms: u64,
    /// The next parcel on the present link, and whether one before it was refused.
    cursor: u64,
    refused: bool,
}

enum State {
    Idle,
    Dialing,
    /// With the parcel that waits for its answer, by number and tag, and until when.
    Up(Option<(u64, [u8; 16], u64)>),
}

impl Host {
    fn due_ms(&self) -> Option<u64> {
        match self.state {
            State::Idle => self.next_ms,
            State::Dialing => None,
            State::Up(waits) => waits.map(|(.., until)| until),
        }
    }
}

impl Actor {
    /// Looks for parcels of all contacts.
    pub(super) fn find_deposits(&mut self) {
        for route in self.rooms.contacts.routes(RouteKind::Contact) {
            self.on_deposits(route);
        }
    }

    /// Takes up what there is for the mailboxes of `contact`.
    pub(super) fn on_deposits(&mut self, contact: RouteId) {
        let now = self.clock.steady_ms();
        let read = self.rooms.bus.store().read();
        let head = match deposits::head(&read, &contact) {
            Ok(head) => head,
            Err(error) => {
                tracing::error!(error = %chain(&error), "cannot read what goes to mailboxes");
                return;
            }
        };
        if head.head == head.tail {
            return;
        }
        for host in head.hosts {
            let known = self.hosts.values_mut();
            let mut known =
                known.filter(|known| (known.contact, known.path) == (contact, host.path));
            if let Some(known) = known.next() {
                let at = match known.failures {
                    0 => now,
                    _ => now.max(known.last_try_ms + FRESH_MS),
                };
                known.next_ms = Some(known.next_ms.map_or(at, |next| next.min(at)));
                continue;
            }
            drop(known);
            let Ok(key) = host.key.as_slice().try_into() else {
                continue;
            };
            let addresses = host.addresses.iter();
            let addresses = addresses.filter_map(|text| text.parse().ok()).collect();
            let id = self.add_route(key, addresses);
            let fresh = Host {
                contact,
                path: host.path,
                state: State::Idle,
                failures: 0,
                next_ms: Some(now),
                last_try_ms: 0,
                cursor: 0,
                refused: false,
            };
            self.hosts.insert(id, fresh);
        }
    }

    /// Makes a route to a host, which may only be dialled.
    pub(super) fn add_route(&self, key: [u8; 32], addresses: Vec<std::net::SocketAddr>) -> RouteId {
        let mut id = RouteId([0; 16]);
        SystemRandom.fill(&mut id.0);
        self.shared.routes().insert(id);
        self.rooms.net.put_route(Route {
            id,
            keys: vec![key],
            addresses,
            invite: false,
            access: Access::DialOnly,
        });
        id
    }

    /// Ends the link and forgets the route.
    pub(super) async fn drop_route(&self, id: RouteId) {
        self.rooms.net.remove_route(id).await;
        self.shared.routes().remove(&id);
    }

    pub(super) async fn forget_deposits(&mut self, contact: RouteId) {
        let of_contact = |host: &Host| host.contact == contact;
        let gone: Vec<_> = self
            .hosts
            .iter()
            .filter(|(_, host)| of_contact(host))
            .collect();
        let gone: Vec<RouteId> = gone.into_iter().map(|(id, _)| *id).collect();
        for id in gone {
            self.hosts.remove(&id);
            self.drop_route(id).await;
        }
    }

    pub(super) fn next_host_ms(&self) -> Option<u64> {
        self.hosts.values().filter_map(Host::due_ms).min()
    }

    /// Dials hosts whose time has come, and hangs up on those that do not answer.
    pub(super) async fn handle_hosts(&mut self) {
        let now = self.clock.steady_ms();
        let due = |host: &Host| host.due_ms().is_some_and(|at| at <= now);
        let due: Vec<RouteId> = self
            .hosts
            .iter()
            .filter(|(_, host)| due(host))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let Some(host) = self.hosts.get_mut(&id) else {
                continue;
            };
            if let State::Up(_) = host.state {
                self.rooms.net.disconnect(id).await;
                self.on_host_failed(id, FailureReason::NoAnswer);
                continue;
            }
            host.next_ms = None;
            if self.lanes.is_linked(host.contact) {
                // They have the rows themselves; whatever is left is looked at afterwards.
                continue;
            }
            let (contact, path) = (host.contact, host.path);
            if !self.is_host_of(contact, path) {
                self.hosts.remove(&id);
                self.drop_route(id).await;
                continue;
            }
            if let Some(host) = self.hosts.get_mut(&id) {
                (host.state, host.last_try_ms) = (State::Dialing, now);
            }
            self.rooms.net.dial(id).await;
        }
    }

    /// Whether the contact has not withdrawn it. What cannot be read is no reason to stop.
    fn is_host_of(&self, contact: RouteId, path: u32) -> bool {
        let head = deposits::head(&self.rooms.bus.store().read(), &contact);
        head.map_or(true, |head| head.hosts.iter().any(|host| host.path == path))
    }

    /// A contact's link went down: what was put off is due again.
    pub(super) fn resume_deposits(&mut self, contact: RouteId) {
        let now = self.clock.steady_ms();
        for host in self.hosts.values_mut() {
            if host.contact == contact && matches!(host.state, State::Idle) {
                host.next_ms.get_or_insert(now);
            }
        }
    }

    pub(super) async fn on_host_up(&mut self, id: RouteId) {
        if let Some(host) = self.hosts.get_mut(&id) {
            (host.cursor, host.refused) = (0, false);
            host.state = State::Up(None);
            self.put_next(id).await;
        }
    }

    pub(super) fn on_host_failed(&mut self, id: RouteId, reason: FailureReason) {
        let now = self.clock.steady_ms();
        let Some(host) = self.hosts.get_mut(&id) else {
            return;
        };
        if matches!(host.state, State::Idle) {
            return;
        }
        let wait = BACKOFF.wait(host.failures, random());
        host.failures = host.failures.saturating_add(1);
        host.state = State::Idle;
        host.next_ms = Some(now + u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        let contact = host.contact;
        self.log(contact, reason);
    }

    pub(super) async fn on_host_frame(&mut self, id: RouteId, frame: MailboxFrame) {
        let Some(host) = self.hosts.get_mut(&id) else {
            return;
        };
        let State::Up(Some((number, tag, _))) = host.state else {
            return;
        };
        let taken = match frame {
            MailboxFrame::PutOk(answered) if answered == tag => true,
            MailboxFrame::PutNo(answered) if answered == tag => false,
            // Whatever else a host says, it is no answer.
            _ => return,
        };
        host.state = State::Up(None);
        host.cursor = number.saturating_add(1);
        host.refused |= !taken;
        host.failures = if taken { 0 } else { host.failures };
        let (bus, contact) = (self.rooms.bus.clone(), host.contact);
        let work = move || match taken {
            true => on_kept(&bus, contact, number),
            false => on_refused(&bus, contact, number),
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(())) => self.rooms.bus.announce(),
            Ok(Err(error)) => {
                tracing::warn!(error = %chain(&error), "cannot note what a mailbox said");
            }
            Err(_) => tracing::error!("noting what a mailbox said panicked"),
        }
        self.put_next(id).await;
    }

    /// Sends the next parcel, or hangs up when there is none.
    async fn put_next(&mut self, id: RouteId) {
        let now = self.clock.steady_ms();
        let Some(host) = self.hosts.get(&id) else {
            return;
        };
        let (bus, contact) = (self.rooms.bus.clone(), host.contact);
        let (path, from) = (host.path, host.cursor);
        let find = move || find_next(&bus, contact, path, from);
        let next = match tokio::task::spawn_blocking(find).await {
            Ok(Ok(next)) => next,
            Ok(Err(error)) => {
                tracing::error!(error = %chain(&error), "cannot read what goes to mailboxes");
                None
            }
            Err(_) => None,
        };
        let Some(host) = self.hosts.get_mut(&id) else {
            return;
        };
        if let Some((number, row)) = next
            && let Some(tag) = row.parcel.first_chunk::<16>().copied()
        {
            host.state = State::Up(Some((number, tag, now + ANSWER_MS)));
            let frame = Frame::Mailbox(MailboxFrame::Put(row.parcel));
            // Without a link its end is about to be told.
            let _ = self.rooms.net.try_send(id, frame);
            return;
        }
        if host.refused {
            self.rooms.net.disconnect(id).await;
            return self.on_host_failed(id, FailureReason::MailboxRefused);
        }
        self.hosts.remove(&id);
        self.drop_route(id).await;
    }

    /// Remembers a try that failed, if anything waits for it. Nobody waits for the disk.
    fn log(&self, contact: RouteId, reason: FailureReason) {
        let bus = self.rooms.bus.clone();
        let write = move || -> Result<(), StoreError> {
            let mut txn = bus.store().begin();
            if outbox::head(&txn, &contact)?.live == 0 {
                return Ok(());
            }
            let attempt = attempt(&bus, reason.number());
            outbox::log(&mut txn, &contact, attempt, MAX_LOG)?;
            bus.store().queue(txn)?.wait()
        };
        self.rooms.bus.detach(async move {
            if let Ok(Err(error)) = tokio::task::spawn_blocking(write).await {
                tracing::warn!(error = %chain(&error), "cannot note a failed try");
            }
        });
    }
}
