//! The public directory: BitTorrent's DHT, where small signed items are left and found.
//!
//! A node of the DHT runs only while somebody publishes or looks something up, and for a short
//! while after. Which items, for whom and when is decided above; here bytes are moved.
//!
//! # Decisions
//! - The node is a client that answers nobody. The library makes a server of one that is
//!   reachable for fifteen minutes, so none of ours gets that old.
//! - It has a free port of its own instead of the library's 6881, by which anybody could tell
//!   from afar that somebody here is looking for peers.
//! - The library's calls panic when its thread has ended. They run behind `catch_unwind`, and
//!   the next call gets a new node.
//! - The library knows IPv4 only: who has nothing but IPv6 has no directory.
//! - Nothing is sent before the first call. Who wants silence constructs no [`Directory`].

use super::error::DirectoryError;
use crate::{
    base::{Clock, Stop, Tasks},
    model::Timestamp,
    wire::{ITEM_BYTES, SignedItem},
};
use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use mainline::{
    Config, DEFAULT_BOOTSTRAP_NODES, Dht, MutableItem, async_dht::AsyncDht, errors::PutMutableError,
};
use std::{
    net::{SocketAddr, SocketAddrV4},
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};

/// Time to find a first node: names are looked up meanwhile.
const START: Duration = Duration::from_secs(8);
/// Time to find others, once there is one.
const START_MORE: Duration = Duration::from_millis(500);
/// Time for one publication, and for one look-up.
const CALL: Duration = Duration::from_secs(20);
/// Calls at one time; others wait their turn.
const CALLS: usize = 8;
/// Addresses of first nodes that are used.
const MAX_FIRST_NODES: usize = 16;
/// A node that is older is replaced. See the module's decisions.
const NODE_LIFE_MS: u64 = 10 * 60_000;
/// Different answers to one look-up that are passed on.
const MAX_ANSWERS: usize = 16;
/// Keys of one look-up.
const MAX_KEYS: usize = 6;

/// What the room can be told about the directory.
#[derive(Clone, Debug)]
pub struct DirectoryConfig {
    /// Nodes to begin with, as `host:port`; empty: those that the public network is known by.
    pub bootstrap: Vec<String>,
    /// How long a node of ours runs for nobody.
    pub idle: Duration,
}

impl Default for DirectoryConfig {
    fn default() -> Self {
        Self {
            bootstrap: Vec::new(),
            idle: Duration::from_secs(10),
        }
    }
}

/// How things are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirectoryStatus {
    /// When a node of ours last ran; `None` if none did.
    pub ran_at: Option<Timestamp>,
    /// Whether a node of ours is running.
    pub running: bool,
    /// How many have been started.
    pub starts: u64,
}

/// The handle; cheap to clone.
#[derive(Clone)]
pub struct Directory {
    wanted: mpsc::Sender<oneshot::Sender<Result<Lease, DirectoryError>>>,
    turns: Arc<Semaphore>,
    status: watch::Receiver<DirectoryStatus>,
    clock: Clock,
    stop: Stop,
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Directory").finish_non_exhaustive()
    }
}

impl Directory {
    /// Gets ready; sends nothing.
    #[must_use]
    pub fn spawn(config: DirectoryConfig, clock: Clock, tasks: &Tasks) -> Self {
        let (wanted, requests) = mpsc::channel(CALLS);
        let (told, status) = watch::channel(DirectoryStatus::default());
        let keeper = Keeper {
            config,
            clock: clock.clone(),
            requests,
            told,
            users: Arc::default(),
            node: None,
        };
        tasks.spawn("directory", keeper.run(tasks.stop()));
        Self {
            wanted,
            turns: Arc::new(Semaphore::new(CALLS)),
            status,
            clock,
            stop: tasks.stop(),
        }
    }

    /// Leaves `item` with the nodes nearest to its key; how many took it.
    ///
    /// # Errors
    /// Nobody took it, or a newer one is there.
    pub async fn publish(&self, item: &SignedItem) -> Result<u32, DirectoryError> {
        let SignedItem {
            key,
            seq,
            value,
            signature,
        } = item;
        let item = MutableItem::new_signed_unchecked(*key, *signature, value, *seq, None);
        self.call(async |dht| match dht.put_mutable(item, None).await {
            Ok(outcome) => Ok(outcome.stored_at),
            Err(PutMutableError::Concurrency(_)) => Err(DirectoryError::Outdated),
            Err(PutMutableError::Query(_)) => Err(DirectoryError::NoAnswer),
        })
        .await
    }

    /// Asks for the items under `keys` at once (six at most) and hands over each different
    /// one as it comes. Their signatures hold; whether they are old or mean anything is not
    /// known here. Ends when all nodes were asked, or when nobody takes answers any more.
    ///
    /// # Errors
    /// The directory cannot be reached.
    pub async fn look_up(
        &self,
        keys: &[[u8; 32]],
        answers: mpsc::Sender<SignedItem>,
    ) -> Result<(), DirectoryError> {
        self.call(async |dht| {
            let asked = keys.iter().take(MAX_KEYS);
            let streams = asked.map(|key| dht.get_mutable(key, None, None).map(to_signed));
            let mut items = futures::stream::select_all(streams);
            let mut known: Vec<SignedItem> = Vec::new();
            loop {
                let item = tokio::select! {
                    item = items.next() => item,
                    () = answers.closed() => None,
                };
                let Some(item) = item else { break };
                if item.value.len() != ITEM_BYTES || known.contains(&item) {
                    continue;
                }
                known.push(item.clone());
                if answers.send(item).await.is_err() || known.len() == MAX_ANSWERS {
                    break;
                }
            }
            Ok(())
        })
        .await
    }

    /// How things are; can be waited on.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<DirectoryStatus> {
        self.status.clone()
    }

    async fn call<T>(
        &self,
        work: impl AsyncFnOnce(&AsyncDht) -> Result<T, DirectoryError>,
    ) -> Result<T, DirectoryError> {
        let stopped = |_| DirectoryError::Stopped;
        let work = async {
            let _turn = self.turns.acquire().await.map_err(stopped)?;
            let (reply, answer) = oneshot::channel();
            self.wanted
                .send(reply)
                .await
                .map_err(|_| DirectoryError::Stopped)?;
            let lease = answer.await.map_err(|_| DirectoryError::Stopped)??;
            let work = AssertUnwindSafe(work(&lease.dht)).catch_unwind();
            tokio::select! {
                done = work => done.unwrap_or_else(|_| {
                    lease.users.broken.store(true, Ordering::SeqCst);
                    Err(DirectoryError::Broken)
                }),
                () = self.clock.sleep(CALL) => Err(DirectoryError::NoAnswer),
            }
        };
        tokio::select! {
            done = work => done,
            () = self.stop.closing() => Err(DirectoryError::Stopped),
        }
    }
}

fn to_signed(item: MutableItem) -> SignedItem {
    SignedItem {
        key: *item.key(),
        seq: item.seq(),
        value: item.value().to_vec(),
        signature: *item.signature(),
    }
}

/// Who uses a node.
#[derive(Default)]
struct Users {
    count: AtomicUsize,
    left: Notify,
    broken: AtomicBool,
}

/// The right to use the node, which runs at least as long.
struct Lease {
    dht: AsyncDht,
    users: Arc<Users>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.users.count.fetch_sub(1, Ordering::SeqCst);
        self.users.left.notify_one();
    }
}

struct Node {
    dht: AsyncDht,
    since_ms: u64,
}

/// Starts and stops the node.
struct Keeper {
    config: DirectoryConfig,
    clock: Clock,
    requests: mpsc::Receiver<oneshot::Sender<Result<Lease, DirectoryError>>>,
    told: watch::Sender<DirectoryStatus>,
    users: Arc<Users>,
    node: Option<Node>,
}

impl Keeper {
    async fn run(mut self, stop: Stop) {
        loop {
            let users = Arc::clone(&self.users);
            let clock = self.clock.clone();
            let unused = self.node.is_some() && users.count.load(Ordering::SeqCst) == 0;
            let idle = self.config.idle;
            tokio::select! {
                biased;
                () = stop.closing() => break,
                request = self.requests.recv() => match request {
                    Some(reply) => tokio::select! {
                        lease = self.lease() => { let _ = reply.send(lease); }
                        () = stop.closing() => break,
                    },
                    None => break,
                },
                () = users.left.notified() => {}
                () = clock.sleep(idle), if unused => self.end(),
            }
        }
        self.end();
    }

    async fn lease(&mut self) -> Result<Lease, DirectoryError> {
        let now = self.clock.steady_ms();
        let old = |node: &Node| now.saturating_sub(node.since_ms) >= NODE_LIFE_MS;
        if self.node.as_ref().is_some_and(old) || self.users.broken.swap(false, Ordering::SeqCst) {
            self.end();
        }
        let dht = match &self.node {
            Some(node) => node.dht.clone(),
            None => {
                let dht = self.start().await?;
                self.node = Some(Node {
                    dht: dht.clone(),
                    since_ms: now,
                });
                let at = Some(Timestamp(self.clock.wall_ms()));
                self.told.send_modify(|status| {
                    status.running = true;
                    status.starts += 1;
                    status.ran_at = at;
                });
                dht
            }
        };
        self.users.count.fetch_add(1, Ordering::SeqCst);
        Ok(Lease {
            dht,
            users: Arc::clone(&self.users),
        })
    }

    /// The library's thread ends with the last lease.
    fn end(&mut self) {
        if self.node.take().is_some() {
            let at = Some(Timestamp(self.clock.wall_ms()));
            self.told.send_modify(|status| {
                status.running = false;
                status.ran_at = at;
            });
        }
    }

    async fn start(&self) -> Result<AsyncDht, DirectoryError> {
        let bootstrap = first_nodes(&self.config.bootstrap, &self.clock).await;
        if bootstrap.is_empty() {
            return Err(DirectoryError::NoFirstNode);
        }
        let config = Config {
            bootstrap: Some(bootstrap),
            port: Some(0),
            ..Config::default()
        };
        // It binds a socket and waits for its thread.
        match tokio::task::spawn_blocking(move || Dht::new(config)).await {
            Ok(Ok(dht)) => Ok(dht.as_async()),
            Ok(Err(source)) => Err(DirectoryError::Socket(source)),
            Err(_) => Err(DirectoryError::Broken),
        }
    }
}

/// Addresses of nodes to begin with. Once there is one, the others are not waited for long.
async fn first_nodes(named: &[String], clock: &Clock) -> Vec<SocketAddrV4> {
    let named: Vec<&str> = if named.is_empty() {
        DEFAULT_BOOTSTRAP_NODES.to_vec()
    } else {
        named.iter().map(String::as_str).collect()
    };
    let mut found: FuturesUnordered<_> = named.into_iter().map(tokio::net::lookup_host).collect();
    let mut nodes: Vec<SocketAddrV4> = Vec::new();
    let mut patience = START;
    loop {
        let addresses = tokio::select! {
            next = found.next() => match next {
                Some(addresses) => addresses,
                None => break,
            },
            () = clock.sleep(patience) => break,
        };
        for address in addresses.into_iter().flatten() {
            if let SocketAddr::V4(address) = address
                && !nodes.contains(&address)
                && nodes.len() < MAX_FIRST_NODES
            {
                nodes.push(address);
                patience = START_MORE;
            }
        }
    }
    nodes
}

#[cfg(test)]
mod tests;
