//! Stories with all rooms but the doors, over the loopback and under a clock of the test.

mod hostile_contact;
mod mailboxes;
mod time;

use super::{
    Config, Options,
    process::Process,
    wiring::{self, House},
};
use crate::{
    base::{Clock, Paths, Tasks, TestClock},
    model::{
        ContactState, DeliveryState, Direction, Invite, Message, MessageId, PageRequest, Presence,
        RouteId, VaultState,
    },
    service::{
        AddContact, CreateInvite, IdempotencyKey, NewSlot, Selector, SendMessage, Service, Since,
        Subscribe,
    },
    store::{Store, records::RouteRecord, routes},
};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// Longer than anything takes on a busy machine; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(40);

/// One person's house, which stands while it runs.
struct Person {
    name: &'static str,
    home: tempfile::TempDir,
    clock: Clock,
    running: Option<(House, Tasks, Process)>,
}

impl Person {
    /// A running house with an identity called `name` in a vault that opens by itself.
    async fn ready(name: &'static str, clock: &Clock) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut person = Self {
            name,
            home,
            clock: clock.clone(),
            running: None,
        };
        person.start().await;
        let key = IdempotencyKey::default;
        let made = person.service().create_vault(NewSlot::File, key()).await;
        made.unwrap();
        let made = person.service().create_identity(name.into(), key()).await;
        made.unwrap();
        person
    }

    async fn start(&mut self) {
        let flags = Options {
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            no_dbus: true,
            ..Options::default()
        };
        let config = Config::load(&flags, |name| match name {
            "HOME" => Some(self.home.path().into()),
            "XDG_RUNTIME_DIR" => Some(self.home.path().join("run").into()),
            "MSGD_MAILBOX_RECEIPT_SECONDS" => Some("1".into()),
            "MSGD_MAILBOX_POLL_SECONDS" => Some("5".into()),
            "MSGD_DHT" => Some("off".into()),
            _ => None,
        });
        let config = config.unwrap();
        for folder in [&config.paths.data, &config.paths.runtime] {
            Paths::create_private(folder).unwrap();
        }
        let (clock, process) = (self.clock.clone(), Process::start());
        let begun = async move {
            let (tasks, store) = (Tasks::new(), wiring::open_store(&config).unwrap());
            let house = wiring::assemble(&config, store, &clock, &tasks, Arc::new(|| {}));
            (house.await.unwrap(), tasks)
        };
        let (house, tasks) = process.run(begun).await;
        self.running = Some((house, tasks, process));
    }

    async fn stop(&mut self) {
        let (house, tasks, process) = self.running.take().unwrap();
        drop(house.service);
        assert_eq!(tasks.shut_down(PATIENCE).await, Vec::<&str>::new());
        house.store.close().await.unwrap();
        process.end().await;
    }

    fn service(&self) -> &Service {
        &self.running.as_ref().unwrap().0.service
    }

    fn store(&self) -> &Store {
        &self.running.as_ref().unwrap().0.store
    }

    /// Looks, and looks again after each event, until there is something to see.
    async fn settles<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let since = Subscribe {
            since: Since::Now,
            types: Vec::new(),
            follow: true,
        };
        let mut events = self.service().subscribe(since).await.unwrap();
        let search = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                events.recv().await.unwrap().unwrap();
            }
        };
        match timeout(PATIENCE, search).await {
            Ok(found) => found,
            Err(_) => panic!("{}: not seen: {what}", self.name),
        }
    }

    async fn invite(&self, ttl: Option<Duration>) -> (Invite, String) {
        let wish = CreateInvite {
            identity: Selector::default(),
            ttl,
            note: String::new(),
            auto_accept: true,
            addresses: Vec::new(),
        };
        let made = self
            .service()
            .create_invite(wish, IdempotencyKey::default());
        let made = made.await.unwrap();
        (made.invite, made.link)
    }

    async fn add(&self, link: &str) {
        let wish = AddContact {
            identity: Selector::default(),
            link: link.into(),
            greeting: String::new(),
            alias: String::new(),
        };
        let added = self.service().add_contact(wish, IdempotencyKey::default());
        added.await.unwrap();
    }

    /// Waits until a link to `name`, a contact, is up.
    async fn is_linked_to(&self, name: &str) {
        self.settles(&format!("a link to {name}"), async || {
            let contact = self.service().get_contact(Selector(name.into())).await;
            let contact = contact.ok()?;
            let there =
                contact.state == ContactState::Active && contact.presence == Presence::Connected;
            there.then_some(())
        })
        .await;
    }

    async fn send(&self, to: &str, text: &str) -> MessageId {
        let message = SendMessage {
            to: Selector(to.into()),
            text: text.into(),
        };
        let sent = self
            .service()
            .send_message(message, IdempotencyKey::default());
        sent.await.unwrap().id
    }

    /// Waits until a message of ours has got as far as `state`, and no further.
    async fn has_got(&self, message: MessageId, state: DeliveryState) {
        let which = Selector(message.to_string());
        let got = self.service().wait_message(which, state, PATIENCE).await;
        assert_eq!(got.unwrap().state, state, "{}", self.name);
    }

    /// What came from `name`, the oldest first.
    async fn heard(&self, name: &str) -> Vec<Message> {
        let (mut messages, mut token) = (Vec::new(), String::new());
        loop {
            let page = PageRequest { size: 500, token };
            let page = self.service().list_messages(Selector(name.into()), page);
            let page = page.await.unwrap();
            messages.extend(page.rows);
            token = page.next;
            if token.is_empty() {
                break;
            }
        }
        messages.retain(|message| message.direction == Direction::Incoming);
        messages.reverse();
        messages
    }

    /// Waits until as many texts came from `name` as are expected; then these must be all.
    async fn hears(&self, name: &str, expected: &[String]) {
        let what = format!("{} messages from {name}", expected.len());
        let heard = self
            .settles(&what, async || {
                let heard = self.heard(name).await;
                (heard.len() >= expected.len()).then_some(heard)
            })
            .await;
        let heard: Vec<_> = heard.into_iter().map(|message| message.text).collect();
        assert_eq!(heard, expected);
    }

    /// The route to `name` as it is on the disk.
    async fn route_to(&self, name: &str) -> (RouteId, RouteRecord) {
        let contact = self.service().get_contact(Selector(name.into())).await;
        let route = RouteId(contact.unwrap().id.0);
        let row = routes::get(&self.store().read(), &route).unwrap().unwrap();
        (route, row)
    }

    async fn lock(&self) {
        let locked = self.service().lock_vault().await.unwrap();
        assert_eq!(locked, VaultState::Locked);
    }
}

/// A clock that runs as the world's does, and jumps when its hand is moved.
fn running_clock() -> TestClock {
    let hand = TestClock::at(1_795_425_900_000);
    let (tasks, moved) = (Tasks::new(), hand.clone());
    tasks.detach(async move {
        let step = Duration::from_millis(10);
        let mut ticks = tokio::time::interval(step);
        loop {
            ticks.tick().await;
            moved.advance(step);
        }
    });
    hand
}

/// Makes the two contacts, and waits for their link.
async fn introduce(host: &Person, guest: &Person) {
    let (_, link) = host.invite(None).await;
    guest.add(&link).await;
    tokio::join!(host.is_linked_to(guest.name), guest.is_linked_to(host.name));
}
