//! Hands each event of the network, of the vault and of the address book to its one room.
//!
//! # Decisions
//! - This is the only reader of the network's events. It hands parcels on through a short
//!   queue: when the inbox is behind, nothing is read from any link until it has caught up,
//!   and a flood waits in its sender's memory.

use crate::{
    base::{Clock, Stop, Tasks, chain},
    engine::{
        contacts::{self, Contacts, LinkMeaning, RouteKind},
        discovery::{self, Discovery},
        identities::Identities,
        inbox::Inbox,
        mailbox::{self, Mailboxes, host::MailboxHost, user::Command as ToMailboxes},
        messages::Messages,
        outbox::{Command, Outbox},
        vault::Vault,
    },
    model::{ContactId, FailureReason, RouteId, Timestamp, VaultState},
    net::{self, DialFailure, LinkDownReason, LinkKey},
    wire::Frame,
};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

mod mailboxes;

/// How often keys are looked at for rotation and old messages for their end.
const HOUSEKEEPING_MS: u64 = 3_600_000;

/// The rooms that events go to.
#[derive(Clone)]
pub struct Rooms {
    /// Locked or open.
    pub vault: Vault,
    /// Keys to rotate.
    pub identities: Identities,
    /// Handshakes and presence.
    pub contacts: Contacts,
    /// Links and custody.
    pub outbox: Outbox,
    /// Whom to look for.
    pub discovery: Discovery,
    /// Mailboxes, ours and contacts'.
    pub mailboxes: Mailboxes,
    /// Updates to seal.
    pub messages: Messages,
    /// Parcels.
    pub inbox: Inbox,
    /// Links of those whose mailboxes we host.
    pub mailbox_host: MailboxHost,
}

/// Starts the loop.
pub(crate) fn spawn(
    rooms: Rooms,
    clock: Clock,
    net: mpsc::Receiver<net::Event>,
    (contacts, mailboxes): (contacts::Rising, mailbox::Rising),
    tasks: &Tasks,
) {
    let state = rooms.vault.watch();
    let slept = rooms.outbox.watch_sleep();
    let board = Switchboard {
        rooms,
        clock,
        net,
        contacts,
        mailboxes,
        state,
        slept,
    };
    tasks.spawn("switchboard", board.run(tasks.stop()));
}

struct Switchboard {
    rooms: Rooms,
    clock: Clock,
    net: mpsc::Receiver<net::Event>,
    contacts: contacts::Rising,
    mailboxes: mailbox::Rising,
    state: watch::Receiver<VaultState>,
    slept: watch::Receiver<u64>,
}

impl Switchboard {
    async fn run(mut self, stop: Stop) {
        self.on_vault().await;
        let mut next_round = self.clock.steady_ms() + HOUSEKEEPING_MS;
        loop {
            // A deadline, not a pause: events must not put it off.
            let left = next_round.saturating_sub(self.clock.steady_ms());
            tokio::select! {
                biased;
                () = stop.draining() => return,
                changed = self.state.changed() => match changed {
                    Ok(()) => self.on_vault().await,
                    Err(_) => return,
                },
                Ok(()) = self.slept.changed() => self.rooms.discovery.woke().await,
                event = self.contacts.recv() => match event {
                    Some(event) => self.on_contacts(event).await,
                    None => return,
                },
                event = self.mailboxes.recv() => match event {
                    Some(event) => self.on_mailboxes(event).await,
                    None => return,
                },
                event = self.net.recv() => match event {
                    Some(event) => self.on_net(event).await,
                    None => return,
                },
                () = self.clock.sleep(Duration::from_millis(left)) => {
                    next_round = self.clock.steady_ms() + HOUSEKEEPING_MS;
                    self.keep_house().await;
                }
            }
        }
    }

    async fn on_vault(&mut self) {
        let state = *self.state.borrow_and_update();
        self.rooms.mailbox_host.on_vault(state).await;
        match state {
            VaultState::Missing | VaultState::Sealed => {}
            VaultState::Locked => {
                self.rooms.identities.forget_all();
                self.load_routes().await;
                self.tell_mailboxes(ToMailboxes::Locked).await;
            }
            VaultState::Unlocked => {
                self.load_routes().await;
                if let Err(error) = self.rooms.contacts.on_unlock().await {
                    tracing::warn!(error = %chain(&error), "cannot open what was kept of handshakes");
                }
                self.rooms.inbox.on_unlock().await;
                self.tell_mailboxes(ToMailboxes::Unlocked).await;
                self.keep_house().await;
            }
        }
    }

    /// Offers every route to the network and looks for everybody.
    async fn load_routes(&self) {
        if let Err(error) = self.rooms.contacts.load_routes().await {
            tracing::error!(error = %chain(&error), "cannot read the routes");
        }
        self.look_for_everybody().await;
    }

    /// Tries to reach everybody without a link now.
    async fn look_for_everybody(&self) {
        for kind in [
            RouteKind::Contact,
            RouteKind::Outgoing,
            RouteKind::Confirming,
        ] {
            for route in self.rooms.contacts.routes(kind) {
                self.rooms.outbox.dial(route).await;
            }
        }
        self.tell_mailboxes(ToMailboxes::Routes).await;
    }

    async fn keep_house(&self) {
        if self.rooms.vault.state() != VaultState::Unlocked {
            return;
        }
        let now = Timestamp(self.clock.wall_ms());
        if let Err(error) = self.rooms.identities.rotate(now) {
            tracing::error!(error = %chain(&error), "cannot rotate the device keys");
        }
        self.warn(self.rooms.contacts.sweep().await);
        let contacts = self.contact_ids();
        self.rooms.messages.expire(contacts.clone()).await;
        self.update(contacts).await;
    }

    async fn update(&self, contacts: Vec<ContactId>) {
        let addresses = self.rooms.contacts.my_addresses();
        for contact in contacts {
            self.rooms
                .messages
                .send_update(contact, addresses.clone())
                .await;
        }
    }

    fn contact_ids(&self) -> Vec<ContactId> {
        self.rooms
            .contacts
            .routes(RouteKind::Contact)
            .into_iter()
            .map(|route| ContactId(route.0))
            .collect()
    }

    async fn on_contacts(&self, event: contacts::Event) {
        match event {
            contacts::Event::RouteAdded(route) => {
                // A link that is up was proven with other keys, and what was sent on it counts
                // for nothing now.
                self.rooms.inbox.forget(route).await;
                self.rooms.outbox.tell(Command::Forget(route)).await;
                self.tell_mailboxes(ToMailboxes::Forget(route)).await;
                self.rooms.contacts.hang_up(route).await;
                self.rooms.outbox.dial(route).await;
            }
            contacts::Event::KeyAdded(route) => self.rooms.outbox.dial(route).await,
            contacts::Event::HandshakeWaits(route) => {
                self.rooms.outbox.dial(route).await;
                // They may be connected already.
                self.warn(self.rooms.contacts.on_handshake_link(route));
            }
            contacts::Event::RouteGone(route) => {
                self.rooms.inbox.forget(route).await;
                self.rooms.outbox.tell(Command::Forget(route)).await;
                self.tell_mailboxes(ToMailboxes::Forget(route)).await;
            }
        }
    }

    async fn on_net(&self, event: net::Event) {
        if event
            .route()
            .is_some_and(|route| self.rooms.mailboxes.owns(route))
        {
            return self.tell_mailboxes(ToMailboxes::Net(event)).await;
        }
        match event {
            net::Event::LinkUp { route, key, .. } => self.on_link_up(route, key).await,
            net::Event::LinkDown { route, reason } => self.on_link_down(route, reason).await,
            net::Event::Writable { route } => {
                if !self.rooms.mailbox_host.has_link(route) {
                    self.rooms.outbox.tell(Command::Writable(route)).await;
                }
            }
            net::Event::DialFailed { route, reason } => {
                let failed = discovery::Command::DialFailed(route);
                self.rooms.discovery.tell(failed).await;
                let reason = match reason {
                    DialFailure::NoAddress => FailureReason::NoAddress,
                    DialFailure::Unreachable => FailureReason::Unreachable,
                    DialFailure::NotThem => FailureReason::NotThem,
                };
                if self.rooms.contacts.route_kind(route) == Some(RouteKind::Contact) {
                    self.tell_mailboxes(ToMailboxes::Away(route)).await;
                }
                let contacts = &self.rooms.contacts;
                if contacts.route_kind(route) == Some(RouteKind::Outgoing) {
                    self.warn(contacts.note_failure(route, reason).await);
                }
                if self.wants_dial(route) {
                    self.rooms
                        .outbox
                        .tell(Command::DialFailed(route, reason))
                        .await;
                } else {
                    self.rooms.outbox.tell(Command::Forget(route)).await;
                }
            }
            net::Event::Addresses(addresses) => {
                self.rooms
                    .discovery
                    .tell(discovery::Command::NetworkChanged)
                    .await;
                self.update(self.contact_ids()).await;
                // Without a network nobody can be reached.
                if addresses.iter().any(|address| !address.ip().is_loopback()) {
                    self.look_for_everybody().await;
                }
            }
            net::Event::Frame { route, frame } => self.on_frame(route, frame).await,
        }
    }

    async fn on_link_up(&self, route: RouteId, key: LinkKey) {
        if self.rooms.mailbox_host.on_link_up(route, key).await {
            return;
        }
        self.rooms
            .discovery
            .tell(discovery::Command::LinkUp(route))
            .await;
        let contacts = &self.rooms.contacts;
        if contacts.route_kind(route) != Some(RouteKind::Contact) {
            self.rooms.outbox.tell(Command::LinkUp(route)).await;
            return self.warn(contacts.on_handshake_link(route));
        }
        self.warn(contacts.set_connected(route, Some(key)).await);
        self.warn(contacts.on_contact_link(key).await);
        let unlocked = self.rooms.vault.state() == VaultState::Unlocked;
        match contacts.link_meaning(route, key) {
            Ok(LinkMeaning::Present) if unlocked => {
                self.warn(contacts.prove_session(ContactId(route.0)).await);
            }
            Ok(LinkMeaning::Present) => {}
            Ok(LinkMeaning::Rival) if unlocked => self.change_session(route).await,
            // Nothing that we could say under the present session would be understood.
            // Unlocking ends this link.
            Ok(LinkMeaning::Rival) => return,
            Ok(LinkMeaning::Stale) => return contacts.hang_up(route).await,
            Err(error) => return self.warn(Err(error)),
        }
        self.rooms.outbox.tell(Command::LinkUp(route)).await;
        self.rooms.inbox.on_link_up(route).await;
        self.tell_mailboxes(ToMailboxes::LinkUp(route)).await;
        self.update(vec![ContactId(route.0)]).await;
    }

    /// The other side uses the session beside the present one. This comes before anything that
    /// they say on the new link, and after all that they said on the one before.
    async fn change_session(&self, route: RouteId) {
        self.rooms.inbox.forget(route).await;
        match self.rooms.contacts.change_session(ContactId(route.0)).await {
            Ok(lost) => {
                self.rooms.outbox.tell(Command::Forget(route)).await;
                self.tell_mailboxes(ToMailboxes::Forget(route)).await;
                if !lost.is_empty() {
                    self.rooms.messages.void(ContactId(route.0), lost).await;
                }
            }
            Err(error) => self.warn(Err(error)),
        }
    }

    async fn on_link_down(&self, route: RouteId, reason: LinkDownReason) {
        if self.rooms.mailbox_host.on_link_down(route).await {
            return;
        }
        // One link that takes over from another is no news.
        if reason != LinkDownReason::Replaced {
            self.rooms
                .discovery
                .tell(discovery::Command::LinkDown(route))
                .await;
        }
        let told = match reason {
            LinkDownReason::NoAnswer => FailureReason::NoAnswer,
            _ => FailureReason::LinkLost,
        };
        self.rooms.outbox.tell(Command::LinkDown(route, told)).await;
        if self.rooms.contacts.route_kind(route) == Some(RouteKind::Contact) {
            self.rooms.inbox.on_link_down(route).await;
            // One link that takes over from another is no news to anybody.
            if reason != LinkDownReason::Replaced {
                self.warn(self.rooms.contacts.set_connected(route, None).await);
                self.tell_mailboxes(ToMailboxes::LinkDown(route)).await;
                if matches!(reason, LinkDownReason::NoAnswer | LinkDownReason::Bye) {
                    self.tell_mailboxes(ToMailboxes::Away(route)).await;
                }
            }
        } else if !self.wants_dial(route) {
            self.rooms.outbox.tell(Command::Forget(route)).await;
        }
    }

    async fn on_frame(&self, route: RouteId, frame: Frame) {
        if self.rooms.mailbox_host.has_link(route) {
            return self.rooms.mailbox_host.on_frame(route, frame).await;
        }
        if self.rooms.contacts.route_kind(route) != Some(RouteKind::Contact) {
            return self.warn(self.rooms.contacts.on_handshake_frame(route, frame).await);
        }
        match frame {
            Frame::Parcel(parcel) => self.rooms.inbox.take_parcel(route, parcel).await,
            Frame::Custody(tags) => {
                let contact = ContactId(route.0);
                self.warn(self.rooms.contacts.settle_session(contact).await);
                self.rooms.outbox.tell(Command::Custody(route, tags)).await;
            }
            Frame::Window { epoch, next } => self.rooms.inbox.move_window(route, epoch, next).await,
            // Links answer pings themselves; the rest has no meaning between contacts.
            _ => {}
        }
    }

    fn wants_dial(&self, route: RouteId) -> bool {
        match self.rooms.contacts.route_kind(route) {
            Some(RouteKind::Contact) => true,
            Some(_) => self.rooms.contacts.handshake_waits(route).unwrap_or(false),
            None => false,
        }
    }

    #[expect(clippy::unused_self, reason = "reads as part of the board's sentences")]
    fn warn(&self, result: Result<(), contacts::ContactError>) {
        if let Err(error) = result {
            tracing::warn!(error = %chain(&error), "a contact's affairs could not be settled");
        }
    }
}
