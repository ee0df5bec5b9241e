//! Stories of the store, on a real engine in a folder of their own.

mod commit;
mod events;
mod failure;
mod fixture;
mod model;
mod opening;
mod secrecy;
mod tables;

use super::{
    Fault, Record, Store, StoreError, StoreOptions, Tier, Txn,
    records::{ConversationRecord, SettingRecord, StoredMessage},
};
use crate::crypto::Secret;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::Duration,
};

fn key(tier: Tier) -> Secret<32> {
    Secret::new([if tier == Tier::Vault { 1 } else { 2 }; 32])
}

fn unlocked(store: Store) -> Store {
    for tier in [Tier::Vault, Tier::Transport] {
        store.attach(tier, &key(tier));
    }
    store
}

fn open(dir: &Path) -> Store {
    unlocked(Store::open(dir).unwrap())
}

fn open_with(dir: &Path, plan: impl Fn(u64) -> Fault + Send + Sync + 'static) -> Store {
    let options = StoreOptions {
        faults: Some(Arc::new(plan)),
        ..StoreOptions::default()
    };
    unlocked(Store::open_with(dir, options).unwrap())
}

/// Does `work` in one transaction and waits for the disk.
fn commit<T>(store: &Store, work: impl FnOnce(&mut Txn) -> T) -> Result<T, StoreError> {
    let mut txn = store.begin();
    let done = work(&mut txn);
    store.queue(txn)?.wait()?;
    Ok(done)
}

fn set(txn: &mut Txn, name: &str, value: &[u8]) {
    let value = value.to_vec();
    txn.put(name.as_bytes(), &SettingRecord { value }).unwrap();
}

fn value(from: &impl super::Read, name: &str) -> Option<Vec<u8>> {
    let found = from.get::<SettingRecord>(name.as_bytes()).unwrap();
    found.map(|record| record.value)
}

fn missing<R: Record>(error: &StoreError) -> bool {
    matches!(error, StoreError::Missing { table } if *table == R::TABLE)
}

fn conversation(id: u8) -> ConversationRecord {
    ConversationRecord {
        id: vec![id; 16],
        contact: vec![7; 16],
        ..ConversationRecord::default()
    }
}

fn message(n: u64, text: &str) -> StoredMessage {
    let mut id = vec![0; 32];
    id[..8].copy_from_slice(&n.to_be_bytes());
    StoredMessage {
        id,
        text: text.into(),
        ..StoredMessage::default()
    }
}

/// Every file below `dir` with its bytes.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                found.insert(path.strip_prefix(dir).unwrap().to_path_buf(), bytes);
            }
        }
    }
    found
}

/// What a kill at this moment would leave behind.
fn image(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for (path, bytes) in files(dir) {
        let path = copy.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    fs::create_dir_all(copy.path().join("sled/blobs")).unwrap();
    copy
}

/// Holds the writer thread before each group until told what becomes of it.
fn hand() -> (SyncSender<Fault>, impl Fn(u64) -> Fault + Send + Sync) {
    let (tell, told): (SyncSender<Fault>, Receiver<Fault>) = sync_channel(64);
    let told = Mutex::new(told);
    // A test that failed meanwhile must end, not hang.
    let patience = Duration::from_secs(20);
    let plan = move |_| {
        let told = told.lock().unwrap().recv_timeout(patience);
        told.unwrap_or(Fault::None)
    };
    (tell, plan)
}
