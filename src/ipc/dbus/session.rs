//! One connection to the bus, from the first object to the last signal.
//!
//! # Decisions
//! - Nothing here holds a stream of D-Bus signals: one that is held and not drained stops every
//!   call on its connection. The end of the connection is seen through `Connection::closed`.
//! - Objects are shown before the bus name is claimed: whoever woke the daemon finds them.

use super::{
    error::Error,
    mirror::{Mirrored, status_changes, vault_changes},
    names::ROOT,
    objects::{
        Contacts, Conversations, Daemon, Events, Identities, Invites, Mailboxes, Messages, Network,
        Outbox, Requests, Vault,
    },
    pending::{Pace, Pending},
    served::Served,
    shelf::{Shelf, tell},
    signals,
};
use crate::{
    base::Clock,
    model::{
        Contact, Conversation, ErrorCode, EventKind, Identity, PageRequest, Request, VaultState,
        limits::MAX_PAGE,
    },
    service::{EventItem, EventStream, Result as ServiceResult, Service, Since, Status, Subscribe},
};
use std::time::Duration;
use tracing::{debug, warn};
use zbus::{
    Connection, ObjectPath,
    connection::Builder,
    fdo::{ObjectManager, RequestNameFlags},
};

/// How long to wait before asking again for events that could not be had.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// The root object's path.
pub(super) const fn root() -> ObjectPath<'static> {
    ObjectPath::from_static_str_unchecked(ROOT)
}

/// Connects and serves the root object. No name is claimed yet.
pub(super) async fn open(service: &Service, address: Option<&str>) -> zbus::Result<Connection> {
    let builder = address.map_or_else(Builder::session, Builder::address);
    let connection = builder.build().await?;
    check_owner(&connection).await?;
    let server = connection.object_server();
    let service = || service.clone();
    server.at(root(), Served::new(Daemon(service()))).await?;
    server.at(root(), Served::new(Vault(service()))).await?;
    server
        .at(root(), Served::new(Identities(service())))
        .await?;
    server.at(root(), Served::new(Invites(service()))).await?;
    server.at(root(), Served::new(Requests(service()))).await?;
    server.at(root(), Served::new(Contacts(service()))).await?;
    server
        .at(root(), Served::new(Conversations(service())))
        .await?;
    server.at(root(), Served::new(Messages(service()))).await?;
    server.at(root(), Served::new(Outbox(service()))).await?;
    server.at(root(), Served::new(Mailboxes(service()))).await?;
    server.at(root(), Served::new(Network(service()))).await?;
    server.at(root(), Served::new(Events(service()))).await?;
    server.at(root(), ObjectManager).await?;
    Ok(connection)
}

/// Refuses a bus that another user runs: it would read every call. The bus itself keeps other
/// users' clients out.
async fn check_owner(connection: &Connection) -> zbus::Result<()> {
    let owner = connection.peer_creds().await?.unix_user_id();
    match owner {
        Some(uid) if uid != 0 && uid != rustix::process::geteuid().as_raw() => Err(
            zbus::Error::Failure("the message bus belongs to another user".to_owned()),
        ),
        _ => Ok(()),
    }
}

/// Claims `name`. Never queues: a second daemon of the same profile must not wait for the first.
pub(super) async fn claim(connection: &Connection, name: &str) -> zbus::Result<()> {
    let flags = RequestNameFlags::DO_NOT_QUEUE;
    connection.request_name_with_flags(name, flags).await?;
    Ok(())
}

/// The objects below the root, and what is still to be told about them.
pub(super) struct Session {
    connection: Connection,
    service: Service,
    clock: Clock,
    identities: Shelf<Identity>,
    contacts: Shelf<Contact>,
    conversations: Shelf<Conversation>,
    requests: Shelf<Request>,
    status: Option<Status>,
    events: Option<EventStream>,
    pending: Pending,
    pace: Pace,
}

impl Session {
    pub(super) fn new(connection: &Connection, service: &Service, clock: &Clock) -> Self {
        Self {
            connection: connection.clone(),
            service: service.clone(),
            clock: clock.clone(),
            identities: Shelf::new(connection, service),
            contacts: Shelf::new(connection, service),
            conversations: Shelf::new(connection, service),
            requests: Shelf::new(connection, service),
            status: None,
            events: None,
            pending: Pending::default(),
            pace: Pace::default(),
        }
    }

    /// Shows everything, claims `name`, and keeps both true until the bus goes.
    pub(super) async fn serve(mut self, name: &str) -> zbus::Result<()> {
        self.subscribe().await;
        self.flush().await?;
        claim(&self.connection, name).await?;
        let connection = self.connection.clone();
        loop {
            let wait = self.pace.wait(self.clock.steady_ms());
            if wait.is_zero() && !self.pending.is_empty() {
                self.flush().await?;
                continue;
            }
            tokio::select! {
                biased;
                () = connection.closed() => return Ok(()),
                item = next(&mut self.events) => self.on_item(item).await?,
                () = self.clock.sleep(wait), if !self.pending.is_empty() => {}
                () = self.clock.sleep(ASK_AGAIN), if self.events.is_none() => self.subscribe().await,
            }
        }
    }

    /// Listens before it reads: what happens in between is read twice, not missed.
    async fn subscribe(&mut self) {
        let request = Subscribe {
            since: Since::Now,
            types: Vec::new(),
            follow: true,
        };
        match self.service.subscribe(request).await {
            Ok(stream) => self.events = Some(stream),
            Err(error) => debug!(code = error.code.name(), "no events for D-Bus yet"),
        }
        self.pending = Pending::everything();
    }

    async fn on_item(&mut self, item: Option<ServiceResult<EventItem>>) -> zbus::Result<()> {
        match item {
            Some(Ok(item)) => {
                self.pending.note(&item);
                if let EventItem::Event(event) = item {
                    self.introduce(&event.kind).await?;
                    signals::emit(&self.connection, &event).await?;
                }
            }
            Some(Err(error)) => {
                warn!(
                    code = error.code.name(),
                    "the event stream for D-Bus failed"
                );
                self.events = None;
            }
            // The daemon is stopping, or the stream ended: the timer asks again.
            None => self.events = None,
        }
        Ok(())
    }

    /// Shows what `event` names and the bus has not seen: a signal must not name an object that
    /// is not there yet.
    async fn introduce(&mut self, event: &EventKind) -> zbus::Result<()> {
        let service = &self.service;
        match *event {
            EventKind::ContactAdded { contact } if self.contacts.get(contact).is_none() => {
                reread(service, contact, &mut self.contacts).await?;
                if let Some(known) = self.contacts.get(contact) {
                    let conversation = known.conversation;
                    reread(service, conversation, &mut self.conversations).await?;
                }
                Ok(())
            }
            EventKind::MessageReceived { conversation, .. }
            | EventKind::MessageQueued { conversation, .. }
                if self.conversations.get(conversation).is_none() =>
            {
                reread(service, conversation, &mut self.conversations).await
            }
            EventKind::RequestChanged { request } if self.requests.get(request).is_none() => {
                reread(service, request, &mut self.requests).await
            }
            EventKind::IdentityChanged { identity } if self.identities.get(identity).is_none() => {
                reread(service, identity, &mut self.identities).await
            }
            _ => Ok(()),
        }
    }

    /// Tells what is out of date.
    async fn flush(&mut self) -> zbus::Result<()> {
        self.pace.told(self.clock.steady_ms());
        let due = std::mem::take(&mut self.pending);
        if due.everything {
            self.refresh_everything().await?;
        } else {
            self.refresh(&due).await?;
        }
        self.refresh_status().await?;
        match due.seq {
            Some(seq) => signals::pending(&self.connection, seq).await,
            None => Ok(()),
        }
    }

    async fn refresh_everything(&mut self) -> zbus::Result<()> {
        let (service, open) = (
            &self.service,
            self.service.vault_state() == VaultState::Unlocked,
        );
        refill(service, open, &mut self.identities).await?;
        refill(service, open, &mut self.contacts).await?;
        refill(service, open, &mut self.conversations).await?;
        refill(service, open, &mut self.requests).await
    }

    async fn refresh(&mut self, due: &Pending) -> zbus::Result<()> {
        let service = &self.service;
        for id in &due.identities {
            reread(service, *id, &mut self.identities).await?;
        }
        for id in &due.requests {
            reread(service, *id, &mut self.requests).await?;
        }
        let mut conversations = due.conversations.clone();
        for id in &due.contacts {
            reread(service, *id, &mut self.contacts).await?;
            // A contact comes with its conversation, and a new name changes its title.
            conversations.extend(self.contacts.get(*id).map(|contact| contact.conversation));
        }
        for id in conversations {
            reread(service, id, &mut self.conversations).await?;
        }
        Ok(())
    }

    async fn refresh_status(&mut self) -> zbus::Result<()> {
        let is = match self.service.get_status().await {
            Ok(status) => status,
            Err(error) => {
                debug!(code = error.code.name(), "no status for D-Bus");
                return Ok(());
            }
        };
        if let Some(was) = &self.status {
            let connection = &self.connection;
            tell::<Served<Daemon>>(connection, root(), status_changes(was, &is)).await?;
            tell::<Served<Vault>>(connection, root(), vault_changes(was, &is)).await?;
        }
        self.status = Some(is);
        Ok(())
    }
}

/// The next event; never, while there is no stream.
async fn next(events: &mut Option<EventStream>) -> Option<ServiceResult<EventItem>> {
    match events {
        Some(stream) => stream.recv().await,
        None => std::future::pending().await,
    }
}

/// Reads one model again.
async fn reread<M: Mirrored>(
    service: &Service,
    id: M::Id,
    shelf: &mut Shelf<M>,
) -> zbus::Result<()> {
    match M::get(service, id).await {
        Ok(model) => shelf.put(model).await,
        Err(error) if matches!(error.code, ErrorCode::NotFound | ErrorCode::Locked) => {
            shelf.remove(id).await
        }
        Err(error) => {
            warn!(code = error.code.name(), "D-Bus shows an object as it was");
            Ok(())
        }
    }
}

/// Reads all models again; shows none while the vault is not `open`.
async fn refill<M: Mirrored>(
    service: &Service,
    open: bool,
    shelf: &mut Shelf<M>,
) -> zbus::Result<()> {
    if !open {
        return shelf.replace(Vec::new()).await;
    }
    match read_all::<M>(service).await {
        Ok(models) => shelf.replace(models).await,
        Err(error) if error.code() == ErrorCode::Locked => shelf.replace(Vec::new()).await,
        Err(error) => {
            warn!(
                code = error.code().name(),
                "D-Bus shows objects as they were"
            );
            Ok(())
        }
    }
}

async fn read_all<M: Mirrored>(service: &Service) -> Result<Vec<M>, Error> {
    let mut models = Vec::new();
    let mut token = String::new();
    loop {
        let size = MAX_PAGE;
        let page = M::list(service, PageRequest { size, token }).await?;
        models.extend(page.rows.into_iter().filter(M::is_shown));
        if page.next.is_empty() {
            return Ok(models);
        }
        token = page.next;
    }
}
