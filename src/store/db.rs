//! The engine below: the only file that names sled.
//!
//! The folder holds `schema`, `mark` and the engine's own folder `sled`. What the engine does
//! not promise is added here: the folder's lock, the order of checks on opening, `fdatasync`
//! after its own flush (which asks for write-back only), and panics turned into errors.

use super::{
    StoreError,
    mark::{FileSeal, Mark, Note},
    migrate, rescue, schema,
    waiting::may_block,
};
use crate::base::{Paths, sync_dir};
use futures::FutureExt;
use rustix::{
    fs::{FlockOperation, flock, statvfs},
    thread::set_current_timer_slack,
};
use sled::{Batch, Mode};
use std::{
    fs::File,
    io,
    num::NonZeroU64,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock, atomic::AtomicU64, atomic::Ordering},
    thread,
    time::{Duration, SystemTime},
};

/// A record's blinded key.
pub(super) type Key = [u8; 16];
/// A sealed value, or its removal.
pub(super) type Value = Option<std::sync::Arc<[u8]>>;

/// Where the number of the newest group stands: shorter than any blinded key.
const GROUPS: &[u8] = b"g";
/// The engine keeps what it read in memory up to this, at least in intent.
const CACHE_BYTES: u64 = 1 << 20;
/// The engine frees its lock from a thread of its own, shortly after it was dropped.
const LOCK_PATIENCE: (u32, Duration) = (100, Duration::from_millis(10));
/// Ten minutes: how late the timers of the engine's own threads may fire.
const ENGINE_SLACK_NS: u64 = 600_000_000_000;

/// An open engine. Dropping it without [`Db::close`] counts as an unclean stop.
pub(super) struct Db {
    dir: PathBuf,
    tree: sled::Db,
    file: File,
    blobs: PathBuf,
    blobs_changed: RwLock<Option<SystemTime>>,
    mark: Mark,
    groups: AtomicU64,
    /// Held for writing from the first byte of a group to its sync.
    settling: RwLock<()>,
    /// Locked; given up last.
    _folder: File,
}

impl Db {
    /// Opens or creates the store in `dir`. `reserve` bytes are left free by the copy that is
    /// made before a repair.
    pub(super) fn open(dir: &Path, reserve: u64) -> Result<Self, StoreError> {
        let at = |path: &Path| {
            let path = path.to_path_buf();
            move |error| StoreError::from_io(&path, error)
        };
        if !dir.is_dir() {
            Paths::create_private(dir).map_err(at(dir))?;
        }
        let folder = lock_folder(dir)?;
        let engine = dir.join("sled");
        match schema::read(dir)? {
            Some(found) => migrate::run(dir, found)?,
            None if engine.exists() => {
                return Err(StoreError::corrupt(dir, "the file `schema` is missing"));
            }
            None => schema::write(dir, super::SCHEMA_VERSION)?,
        }
        let mark = Mark::open(dir)?;
        rescue::restore(&engine).map_err(at(&engine))?;
        let file_path = engine.join("db");
        if mark.read().groups > 0 && !file_path.exists() {
            return Err(StoreError::corrupt(dir, "the file `sled/db` is missing"));
        }
        let note = mark.read();
        if note.seal.is_set() {
            if !note.seal.fits(&file_path).map_err(at(&file_path))? {
                let detail = "the file `sled/db` changed since the last stop";
                return Err(StoreError::corrupt(dir, detail));
            }
            // From here on the engine may write, whatever happens to us.
            let seal = FileSeal::default();
            mark.write(Note { seal, ..note }).map_err(at(dir))?;
            mark.sync().map_err(at(dir))?;
        } else if file_path.exists() {
            keep_copy(dir, &engine, reserve)?;
        }
        let opened =
            open_engine(dir, &engine).and_then(|tree| check_groups(dir, tree, note.groups));
        let (tree, groups) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                rescue::restore(&engine).map_err(at(&engine))?;
                return Err(error);
            }
        };
        rescue::forget(&engine).map_err(at(&engine))?;
        let blobs = engine.join("blobs");
        Ok(Self {
            dir: dir.to_path_buf(),
            tree,
            file: File::open(&file_path).map_err(at(&file_path))?,
            blobs_changed: RwLock::new(changed(&blobs)),
            blobs,
            mark,
            groups: AtomicU64::new(groups),
            settling: RwLock::new(()),
            _folder: folder,
        })
    }

    /// The sealed value under `key`, on disk or about to be.
    pub(super) fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        guarded(|| self.tree.get(key))
            .and_then(|found| found.map_err(|error| describe(&error)))
            .map(|found| found.map(|value| value.to_vec()))
            .map_err(|detail| StoreError::corrupt(&self.dir, detail))
    }

    /// The sealed value under `key` as it is on disk: waits for a group under way.
    pub(super) fn get_settled(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let wait = || self.settling.read().unwrap_or_else(PoisonError::into_inner);
        let _settled = match self.settling.try_read() {
            Ok(settled) => settled,
            Err(_) => may_block(wait),
        };
        self.get(key)
    }

    /// Counts all records by reading each of them.
    pub(super) fn count(&self) -> Result<u64, StoreError> {
        let all = || -> Result<u64, sled::Error> {
            let mut count = 0;
            for entry in self.tree.iter() {
                count += u64::from(entry?.0.as_ref() != GROUPS);
            }
            Ok(count)
        };
        guarded(all)
            .and_then(|count| count.map_err(|error| describe(&error)))
            .map_err(|detail| StoreError::corrupt(&self.dir, detail))
    }

    /// Bytes that the engine's files take.
    pub(super) fn size(&self) -> Result<u64, StoreError> {
        let size = guarded(|| self.tree.size_on_disk());
        size.and_then(|size| size.map_err(|error| describe(&error)))
            .map_err(|detail| StoreError::corrupt(&self.dir, detail))
    }

    /// Bytes that may still be written to this disk.
    pub(super) fn free_space(&self) -> Result<u64, StoreError> {
        free_space(&self.dir)
    }

    /// Writes all of `writes` or nothing, and returns once they are on disk. `interrupt` runs
    /// between writing and flushing, for tests.
    ///
    /// After an error nobody knows what is on disk and what only in memory.
    pub(super) fn apply(
        &self,
        writes: &[(Key, Value)],
        interrupt: impl FnOnce() -> Result<(), String>,
    ) -> Result<(), StoreError> {
        let _settling = self
            .settling
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let group = self.groups.load(Ordering::Relaxed) + 1;
        let mut batch = Batch::default();
        for (key, value) in writes {
            match value {
                Some(value) => batch.insert(key.as_slice(), value.as_ref()),
                None => batch.remove(key.as_slice()),
            }
        }
        batch.insert(GROUPS, &group.to_be_bytes());
        let write = || -> Result<(), String> {
            let said = |error: sled::Error| describe(&error);
            self.tree.apply_batch(batch).map_err(said)?;
            interrupt()?;
            self.tree.flush().map_err(said)?;
            self.file.sync_data().map_err(|error| error.to_string())?;
            self.sync_blobs().map_err(|error| error.to_string())
        };
        guarded(write)
            .and_then(|written| written)
            .map_err(StoreError::Broken)?;
        self.groups.store(group, Ordering::Relaxed);
        let note = Note {
            groups: group,
            seal: FileSeal::default(),
        };
        if let Err(error) = self.mark.write(note) {
            // An older note is still true.
            tracing::warn!(%error, "the store's mark could not be written");
        }
        Ok(())
    }

    /// Ends the engine and notes that it ended in order.
    pub(super) fn close(self) -> Result<(), StoreError> {
        let path = self.dir.join("sled").join("db");
        let groups = self.groups.load(Ordering::Relaxed);
        let tree = self.tree;
        guarded(move || tree.flush().map(|_| drop(tree)))
            .and_then(|flushed| flushed.map_err(|error| describe(&error)))
            .map_err(StoreError::Broken)?;
        let at = |error| StoreError::from_io(&path, error);
        self.file.sync_data().map_err(at)?;
        if !wait_for_engine(&self.file) {
            tracing::warn!("the engine did not end in time; the next start copies its files");
            return Ok(());
        }
        let seal = FileSeal::of(&path).map_err(at)?;
        self.mark.write(Note { groups, seal }).map_err(at)?;
        self.mark.sync().map_err(at)
    }

    /// Values too large for the engine's log are files of their own, whose names need a sync.
    fn sync_blobs(&self) -> io::Result<()> {
        let now = changed(&self.blobs);
        let mut known = self
            .blobs_changed
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if *known != now {
            sync_dir(&self.blobs)?;
            *known = now;
        }
        Ok(())
    }
}

fn changed(folder: &Path) -> Option<SystemTime> {
    folder.metadata().and_then(|meta| meta.modified()).ok()
}

/// Held for the life of the store, and taken before anything is read: sled's own lock comes
/// only after it has made its folder. Some network file systems cannot lock a folder; sled's
/// lock on its file still stands there.
fn lock_folder(dir: &Path) -> Result<File, StoreError> {
    let folder = File::open(dir).map_err(|error| StoreError::from_io(dir, error))?;
    match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::InUse(dir.to_path_buf())),
        _ => Ok(folder),
    }
}

/// Whether no thread of the engine holds its file any more: such a thread may still cut the
/// file's unused end off.
fn wait_for_engine(file: &File) -> bool {
    let (tries, pause) = LOCK_PATIENCE;
    (0..tries).any(|_| {
        let locked = flock(file, FlockOperation::NonBlockingLockExclusive).is_ok();
        if !locked {
            thread::sleep(pause);
        }
        locked
    })
}

fn free_space(dir: &Path) -> Result<u64, StoreError> {
    let stat = statvfs(dir).map_err(|error| StoreError::from_io(dir, error.into()))?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

fn keep_copy(dir: &Path, engine: &Path, reserve: u64) -> Result<(), StoreError> {
    let at = |error| StoreError::from_io(engine, error);
    if free_space(dir)? < rescue::size(engine).map_err(at)?.saturating_add(reserve) {
        // Better to start without a net than not at all.
        tracing::warn!("too little space to copy the store before it is repaired");
        return Ok(());
    }
    rescue::keep(engine).map_err(at)
}

fn open_engine(dir: &Path, engine: &Path) -> Result<sled::Db, StoreError> {
    let config = sled::Config::new()
        .path(engine)
        .cache_capacity(CACHE_BYTES)
        .mode(Mode::LowSpace)
        .flush_every_ms(None);
    let (tries, pause) = LOCK_PATIENCE;
    for _ in 0..tries {
        match guarded(|| open_patiently(&config)) {
            Ok(Ok(tree)) => return Ok(tree),
            Ok(Err(sled::Error::Io(error))) if is_lock(&error) => thread::sleep(pause),
            Ok(Err(sled::Error::Io(error))) if is_about_the_disk(&error) => {
                return Err(StoreError::from_io(engine, error));
            }
            Ok(Err(error)) => return Err(StoreError::corrupt(dir, describe(&error))),
            Err(detail) => return Err(StoreError::corrupt(dir, detail)),
        }
    }
    Err(StoreError::InUse(dir.to_path_buf()))
}

/// Opens the engine on a thread that is in no hurry.
///
/// The engine keeps seven threads, each of which looks once a second whether it is still wanted.
/// A thread inherits the timer slack of the one that starts it; with enough of it those timers
/// wait, and work still wakes the threads at once.
fn open_patiently(config: &sled::Config) -> sled::Result<sled::Db> {
    let open = || {
        let slack = NonZeroU64::new(ENGINE_SLACK_NS);
        if let Err(error) = set_current_timer_slack(slack) {
            tracing::debug!(%error, "the engine's threads will wake every second");
        }
        let tree = config.open()?;
        // The first work starts the threads; afterwards others would start them.
        tree.flush_async().now_or_never().transpose()?;
        Ok(tree)
    };
    thread::scope(|scope| {
        let opening = thread::Builder::new().name("store-open".into());
        let opened = opening.spawn_scoped(scope, open)?.join();
        opened.unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// Refuses an engine that forgot groups which were on disk.
fn check_groups(dir: &Path, tree: sled::Db, noted: u64) -> Result<(sled::Db, u64), StoreError> {
    let found = guarded(|| tree.get(GROUPS))
        .and_then(|found| found.map_err(|error| describe(&error)))
        .map_err(|detail| StoreError::corrupt(dir, detail))?;
    let groups = match found.as_deref().map(<[u8; 8]>::try_from) {
        None => 0,
        Some(Ok(number)) => u64::from_be_bytes(number),
        Some(Err(_)) => return Err(StoreError::corrupt(dir, "the group number is malformed")),
    };
    if groups < noted {
        let detail = format!("{} of {noted} writes are gone", noted - groups);
        return Err(StoreError::corrupt(dir, detail));
    }
    Ok((tree, groups))
}

/// sled reports a taken lock as an error without a kind, known only by its text.
fn is_lock(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Other && error.to_string().starts_with("could not acquire lock")
}

/// Whether the disk, not the content of the files, is what is wrong.
fn is_about_the_disk(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::Other
    )
}

fn describe(error: &sled::Error) -> String {
    match error {
        sled::Error::Io(error) => error.to_string(),
        sled::Error::Corruption { .. } => "a checksum does not fit".into(),
        // The others quote keys or paths at most, and neither tells anything.
        other => other.to_string(),
    }
}

/// Runs `work`; a panic inside the engine becomes its message.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // What the engine holds after a panic is not used again: its caller gives it up.
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        format!("the engine panicked: {}", said.unwrap_or("no message"))
    })
}
