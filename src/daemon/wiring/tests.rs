//! Two whole houses in one process, under a clock that a test can move by weeks.
//!
//! Their clock runs as the real one does, so that links and receipts keep their usual pace;
//! between two runs it jumps.

use super::*;
use crate::{
    base::{Paths, TestClock},
    daemon::{
        DbusSettings, DhtSettings, LanSettings, LogFormat, LogLevel, LogSettings, MailboxSettings,
        NetSettings, StoreSettings, process::Process,
    },
    model::{DeliveryState, Direction, ErrorCode, PageRequest},
    net::LAN_PORT,
    service::{
        AddContact, CreateInvite, IdempotencyKey, NewSlot, Selector, SendMessage, Since, Subscribe,
    },
};
use std::time::Duration;
use tempfile::TempDir;

const NOW: i64 = 1_800_000_000_000;
const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);
/// One step of the clock.
const TICK: Duration = Duration::from_millis(10);
/// Longer than anything takes on a busy machine; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

struct Home {
    name: &'static str,
    dir: TempDir,
    running: Option<(Service, Store, Tasks, Process)>,
}

impl Home {
    /// A running house with a vault and an identity.
    async fn settled(name: &'static str, hand: &TestClock) -> Self {
        let mut home = Self {
            name,
            dir: tempfile::tempdir().unwrap(),
            running: None,
        };
        home.start(hand).await;
        let once = IdempotencyKey::default;
        let service = home.service();
        service.create_vault(NewSlot::File, once()).await.unwrap();
        service
            .create_identity(name.to_owned(), once())
            .await
            .unwrap();
        home
    }

    fn config(&self) -> Config {
        let below = |name: &str| self.dir.path().join(name);
        Config {
            profile: "default".to_owned(),
            paths: Paths {
                data: below("data"),
                config: below("config"),
                runtime: below("run"),
            },
            socket: below("run/msgd.sock"),
            file: None,
            net: NetSettings {
                listen: vec!["127.0.0.1:0".parse().unwrap()],
                advertise: Vec::new(),
                max_links: 8,
                epoch: DAY,
            },
            dht: DhtSettings {
                on: false,
                bootstrap: Vec::new(),
            },
            lan: LanSettings {
                enabled: false,
                exclude: Vec::new(),
                loopback: false,
                port: LAN_PORT,
            },
            log: LogSettings {
                level: LogLevel::Warn,
                format: LogFormat::Text,
            },
            dbus: DbusSettings { enabled: false },
            mailbox: MailboxSettings {
                host_bytes: 1 << 20,
                poll: HOUR,
                receipt: HOUR,
            },
            role: Role::Person,
            store: StoreSettings { reserve_bytes: 0 },
        }
    }

    async fn start(&mut self, hand: &TestClock) {
        let config = self.config();
        for dir in [&config.paths.data, &config.paths.runtime] {
            Paths::create_private(dir).unwrap();
        }
        let (clock, process) = (hand.clock(), Process::start());
        let begun = async move {
            let tasks = Tasks::new();
            let store = open_store(&config).unwrap();
            let house = assemble(&config, store, &clock, &tasks, Arc::new(|| ()));
            (house.await.unwrap(), tasks)
        };
        let (house, tasks) = process.run(begun).await;
        self.running = Some((house.service, house.store, tasks, process));
    }

    async fn stop(&mut self) {
        let (service, store, tasks, process) = self.running.take().unwrap();
        drop(service);
        let late = tasks.shut_down(Duration::from_secs(10)).await;
        assert!(late.is_empty(), "{late:?}");
        store.close().await.unwrap();
        process.end().await;
    }

    fn service(&self) -> &Service {
        &self.running.as_ref().unwrap().0
    }

    /// Looks, and looks again after each event, until there is something to see.
    async fn settles<T>(&self, what: &str, mut look: impl AsyncFnMut(&Service) -> Option<T>) -> T {
        let request = Subscribe {
            since: Since::Now,
            types: Vec::new(),
            follow: true,
        };
        let mut events = self.service().subscribe(request).await.unwrap();
        let search = async {
            loop {
                if let Some(found) = look(self.service()).await {
                    return found;
                }
                assert!(events.recv().await.is_some(), "the house went down");
            }
        };
        match tokio::time::timeout(PATIENCE, search).await {
            Ok(found) => found,
            Err(_) => panic!("{}: not seen: {what}", self.name),
        }
    }

    async fn knows(&self, whom: &str) {
        self.settles("the contact", async |service| {
            service.get_contact(Selector(whom.to_owned())).await.ok()
        })
        .await;
    }

    /// Sends as soon as the contact's keys allow it, and waits until it has arrived.
    async fn tells(&self, whom: &str, text: &str) {
        let sent = self
            .settles("a contact who can be written to", async |service| {
                let request = SendMessage {
                    to: Selector(whom.to_owned()),
                    text: text.to_owned(),
                };
                match service
                    .send_message(request, IdempotencyKey::default())
                    .await
                {
                    Ok(sent) => Some(sent),
                    Err(error) if error.code == ErrorCode::Failed => None,
                    Err(error) => panic!("{error}"),
                }
            })
            .await;
        let which = Selector(sent.id.to_string());
        let reached = self
            .service()
            .wait_message(which, DeliveryState::Delivered, PATIENCE);
        assert_eq!(reached.await.unwrap().state, DeliveryState::Delivered);
    }

    /// Every text that came from `whom`, the oldest first.
    async fn heard(&self, whom: &str) -> Vec<String> {
        let page = PageRequest::default();
        let page = self
            .service()
            .list_messages(Selector(whom.to_owned()), page);
        let rows = page.await.unwrap().rows.into_iter().rev();
        rows.filter(|message| message.direction == Direction::Incoming)
            .map(|message| message.text)
            .collect()
    }
}

/// A clock that keeps pace with the real one until the test is over.
fn ticking() -> TestClock {
    let hand = TestClock::at(NOW);
    let ticking = hand.clone();
    Tasks::new().detach(async move {
        let mut tick = tokio::time::interval(TICK);
        loop {
            tick.tick().await;
            ticking.advance(TICK);
        }
    });
    hand
}

/// Alice and Bob, who have written to each other.
async fn friends(hand: &TestClock) -> (Home, Home) {
    let alice = Home::settled("Alice", hand).await;
    let bob = Home::settled("Bob", hand).await;
    let invite = CreateInvite {
        auto_accept: true,
        ..CreateInvite::default()
    };
    let once = IdempotencyKey::default;
    let made = alice.service().create_invite(invite, once()).await.unwrap();
    let add = AddContact {
        link: made.link,
        ..AddContact::default()
    };
    bob.service().add_contact(add, once()).await.unwrap();
    alice.knows("Bob").await;
    bob.knows("Alice").await;
    alice.tells("Bob", "hello").await;
    bob.tells("Alice", "hello yourself").await;
    (alice, bob)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contacts_who_did_not_meet_for_forty_days_write_to_each_other_again() {
    let hand = ticking();
    let (mut alice, mut bob) = friends(&hand).await;
    bob.stop().await;
    let send = |text: &str| SendMessage {
        to: Selector("Bob".to_owned()),
        text: text.to_owned(),
    };
    let once = IdempotencyKey::default;
    let lost = alice.service().send_message(send("are you there?"), once());
    let lost = Selector(lost.await.unwrap().id.to_string());
    alice.stop().await;

    hand.advance(DAY * 40);
    alice.start(&hand).await;
    let early = alice.service().send_message(send("hello?"), once()).await;
    let early = early.unwrap_err();
    assert_eq!(early.code, ErrorCode::Failed, "there is no key to seal to");
    // What nobody fetched ends, though nothing can be sealed: by two looks an hour apart.
    let hours = async {
        loop {
            tokio::time::sleep(TICK).await;
            hand.advance(HOUR);
        }
    };
    let ended = alice.settles("the end of the message", async |service| {
        let message = service.get_message(lost.clone()).await.unwrap();
        (message.state == DeliveryState::Expired).then_some(())
    });
    tokio::select! {
        () = ended => {}
        () = hours => {}
    }

    bob.start(&hand).await;
    alice.tells("Bob", "back again").await;
    bob.tells("Alice", "so am I").await;
    assert_eq!(bob.heard("Alice").await, ["hello", "back again"]);
    assert_eq!(alice.heard("Bob").await, ["hello yourself", "so am I"]);
    alice.stop().await;
    bob.stop().await;
}

#[tokio::test]
async fn a_profile_with_identities_is_not_opened_as_a_host_and_stays_as_it_is() {
    let hand = TestClock::at(NOW);
    let mut home = Home::settled("alice", &hand).await;
    home.stop().await;
    let config = Config {
        role: Role::Mailbox,
        ..home.config()
    };
    let tasks = Tasks::new();
    let store = open_store(&config).unwrap();
    let started = assemble(
        &config,
        store.clone(),
        &hand.clock(),
        &tasks,
        Arc::new(|| ()),
    )
    .await;
    let error = started.err().unwrap();
    assert!(matches!(error, WiringError::Person), "{error}");
    assert_eq!(crate::daemon::RunError::Wiring(error).exit_code(), 2);
    tasks.shut_down(Duration::from_secs(10)).await;
    store.close().await.unwrap();
    home.start(&hand).await;
    let all = home.service().list_identities(PageRequest::default()).await;
    assert_eq!(all.unwrap().rows.len(), 1);
    home.stop().await;
}
