//! A host, and people at the other end of real links who do as they please.

mod ageing;
mod hostile;
mod keeping;

use super::*;
use crate::{
    base::TestClock,
    crypto::{KdfParams, Secret},
    engine::vault::{SlotChoice, Vault},
    net::{self, Access, NetConfig, Route},
    protocol::{MailboxKeys, mailbox_hash},
    store::{Fault, Store, StoreOptions, Tier, records::MailboxRecord},
    wire::{Listed, PARCEL_BYTES, Quota, TagHash, TagSet},
};
use std::{
    path::Path,
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};
use tempfile::TempDir;

const NOW: i64 = 1_800_000_000_000;
const DAY: i64 = 86_400_000;
const TODAY: u32 = 20_833;

/// What happens to the host's next writes.
#[derive(Clone, Default)]
struct Disk(Arc<AtomicU8>);

impl Disk {
    fn fill(&self) {
        self.0.store(1, Ordering::SeqCst);
    }

    fn free(&self) {
        self.0.store(0, Ordering::SeqCst);
    }

    fn fault(&self) -> Fault {
        match self.0.load(Ordering::SeqCst) {
            0 => Fault::None,
            _ => Fault::DiskFull,
        }
    }
}

/// A daemon's rooms as far as a host needs them.
struct Home {
    host: MailboxHost,
    vault: Vault,
    store: Store,
    net: Net,
    disk: Disk,
    tasks: Tasks,
}

fn loopback() -> NetConfig {
    NetConfig {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        // A change of the PeerId ends links, and tests move the clock by weeks.
        epoch: Duration::from_secs(100 * 365 * 86_400),
        ..NetConfig::default()
    }
}

impl Home {
    async fn open(dir: &Path, hand: &TestClock, max_bytes: u64) -> Self {
        let (tasks, disk) = (Tasks::new(), Disk::default());
        let plan = disk.clone();
        let options = StoreOptions {
            faults: Some(Arc::new(move |_| plan.fault())),
            ..StoreOptions::default()
        };
        let store = Store::open_with(&dir.join("store"), options).unwrap();
        let bus = EventBus::new(store.clone(), hand.clock(), tasks.clone());
        let params = KdfParams::WEAK_FOR_TESTS;
        let vault = Vault::open(dir.to_path_buf(), None, params, bus.clone()).unwrap();
        if vault.state() == VaultState::Missing {
            vault.create(SlotChoice::File).await.unwrap();
        } else {
            assert!(vault.unlock_unattended().await.unwrap());
        }
        let (net, mut events) = Net::spawn(loopback(), hand.clock(), &tasks).await.unwrap();
        let host = MailboxHost::spawn(bus, net.clone(), max_bytes, &tasks);
        host.on_vault(vault.state()).await;
        // The part of the switchboard that matters here.
        let board = host.clone();
        let stop = tasks.stop();
        tasks.spawn("board", async move {
            loop {
                let event = tokio::select! {
                    () = stop.draining() => return,
                    event = events.recv() => event,
                };
                match event {
                    Some(net::Event::LinkUp { route, key, .. }) => {
                        assert!(board.on_link_up(route, key).await);
                    }
                    Some(net::Event::LinkDown { route, .. }) => {
                        board.on_link_down(route).await;
                    }
                    Some(net::Event::Frame { route, frame }) => {
                        assert!(board.has_link(route));
                        board.on_frame(route, frame).await;
                    }
                    Some(_) => {}
                    None => return,
                }
            }
        });
        Self {
            host,
            vault,
            store,
            net,
            disk,
            tasks,
        }
    }

    async fn offer(&self, max_bytes: u64) -> (HostedMailbox, MailboxCode) {
        let new = NewMailbox {
            name: "mum".into(),
            max_bytes,
            addresses: self.net.listen_addresses(),
        };
        self.host.offer(new, Once::default()).await.unwrap()
    }

    async fn stop(self) {
        let laggards = self.tasks.shut_down(Duration::from_secs(10)).await;
        assert!(laggards.is_empty(), "{laggards:?}");
        drop((self.host, self.vault, self.net));
        self.store.close().await.unwrap();
    }
}

struct World {
    dir: TempDir,
    hand: TestClock,
    home: Home,
}

impl World {
    async fn new() -> Self {
        Self::with_total(DEFAULT_TOTAL).await
    }

    async fn with_total(max_bytes: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hand = TestClock::at(NOW);
        let home = Home::open(dir.path(), &hand, max_bytes).await;
        Self { dir, hand, home }
    }

    async fn restart(self) -> Self {
        self.home.stop().await;
        let home = Home::open(self.dir.path(), &self.hand, DEFAULT_TOTAL).await;
        Self { home, ..self }
    }
}

/// Somebody with a link to a mailbox.
struct Guest {
    net: Net,
    events: mpsc::Receiver<net::Event>,
    tasks: Tasks,
}

const ROUTE: RouteId = RouteId([1; 16]);

impl Drop for Guest {
    fn drop(&mut self) {
        self.tasks.close();
    }
}

impl Guest {
    async fn link(key: &Secret<32>, home: &Home) -> Self {
        let mut guest = Self::prepare(key, home).await;
        assert!(guest.dial().await);
        guest
    }

    async fn prepare(key: &Secret<32>, home: &Home) -> Self {
        let tasks = Tasks::new();
        let (net, events) = Net::spawn(loopback(), crate::base::Clock::system(), &tasks)
            .await
            .unwrap();
        net.put_route(Route {
            id: ROUTE,
            keys: vec![*key.as_bytes()],
            addresses: home.net.listen_addresses(),
            invite: false,
            access: Access::DialOnly,
        });
        Self { net, events, tasks }
    }

    async fn next(&mut self) -> net::Event {
        loop {
            let event = tokio::time::timeout(Duration::from_secs(20), self.events.recv());
            match event.await.expect("an event in time").expect("a room") {
                net::Event::Addresses(_) => {}
                event => return event,
            }
        }
    }

    async fn dial(&mut self) -> bool {
        self.net.dial(ROUTE).await;
        matches!(self.next().await, net::Event::LinkUp { .. })
    }

    async fn say(&self, frame: MailboxFrame) {
        self.net.send(ROUTE, Frame::Mailbox(frame)).await.unwrap();
    }

    async fn hear(&mut self) -> MailboxFrame {
        match self.next().await {
            net::Event::Frame {
                frame: Frame::Mailbox(frame),
                ..
            } => frame,
            other => panic!("not an answer: {other:?}"),
        }
    }

    async fn ask(&mut self, frame: MailboxFrame) -> MailboxFrame {
        self.say(frame).await;
        self.hear().await
    }

    async fn put(&mut self, parcel: Vec<u8>) -> bool {
        let tag = tag_of(&parcel);
        match self.ask(MailboxFrame::Put(parcel)).await {
            MailboxFrame::PutOk(of) if of == tag => true,
            MailboxFrame::PutNo(of) if of == tag => false,
            other => panic!("{other:?}"),
        }
    }

    async fn is_hung_up_on(&mut self) {
        assert!(matches!(self.next().await, net::Event::LinkDown { .. }));
    }

    async fn list(&mut self, after: u64) -> Vec<Listed> {
        match self.ask(MailboxFrame::List { after }).await {
            MailboxFrame::Listing { entries, more, .. } => {
                assert!(!more);
                entries
            }
            other => panic!("{other:?}"),
        }
    }

    async fn quota(&mut self) -> Quota {
        match self.ask(MailboxFrame::Stat).await {
            MailboxFrame::Quota(quota) => quota,
            other => panic!("{other:?}"),
        }
    }

    /// Registers the tags `tags`, padded with dummies to `size`.
    async fn register(&mut self, tags: &[u8], size: u32, replace: bool) -> bool {
        match self
            .ask(MailboxFrame::Register(set(tags, size, replace)))
            .await
        {
            MailboxFrame::Registered { taken, .. } => taken,
            other => panic!("{other:?}"),
        }
    }
}

fn set(tags: &[u8], size: u32, replace: bool) -> TagSet {
    let mut hashes: Vec<TagHash> = tags.iter().map(|fill| mailbox_hash(&[*fill; 16])).collect();
    let salt = u32::from(tags.first().copied().unwrap_or(0)) << 16;
    for n in 0..size - u32::try_from(tags.len()).unwrap() {
        let mut dummy = [0xd0; 16];
        dummy[..4].copy_from_slice(&(salt + n).to_be_bytes());
        hashes.push(dummy);
    }
    hashes.sort_unstable();
    TagSet {
        hashes,
        replace,
        max_class: 3,
        valid_until: TODAY + 30,
    }
}

/// A parcel under the tag that is all `fill`.
fn parcel(fill: u8, class: usize) -> Vec<u8> {
    vec![fill; PARCEL_BYTES[class]]
}

fn tag_of(parcel: &[u8]) -> [u8; 16] {
    *parcel.first_chunk().unwrap()
}

/// Owner and one depositor of a fresh mailbox.
async fn both(home: &Home, max_bytes: u64) -> (MailboxId, MailboxKeys, Guest, Guest) {
    let (mailbox, code) = home.offer(max_bytes).await;
    let keys = code.keys();
    let owner = Guest::link(&keys.owner, home).await;
    let depositor = Guest::link(&keys.deposit, home).await;
    (mailbox.id, keys, owner, depositor)
}
