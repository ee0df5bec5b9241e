//! A copy of the engine's files from before the engine repairs them.
//!
//! After an unclean stop the engine cuts torn ends off its files while it opens them. If the
//! repair turns out to have lost something that was promised, the user must get the files
//! back as they were: they are evidence, and perhaps better tools exist than ours. Nothing is
//! copied after a clean stop, and the copy goes away once the store is open.

use crate::base::sync_dir;
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// The folder beside the engine's own that holds the copy.
fn copy_of(engine: &Path) -> PathBuf {
    engine.with_extension("before")
}

/// Copies `engine`; a copy is either whole and on disk, or not there.
pub(super) fn keep(engine: &Path) -> io::Result<()> {
    let part = engine.with_extension("before.new");
    remove(&part)?;
    copy_folder(engine, &part)?;
    fs::rename(&part, copy_of(engine))?;
    sync_parent(engine)
}

/// Puts the copy back, if there is one. It is there at start only if an earlier start ended
/// within the repair, before anything new was written.
pub(super) fn restore(engine: &Path) -> io::Result<()> {
    let copy = copy_of(engine);
    if !copy.is_dir() {
        return Ok(());
    }
    remove(engine)?;
    fs::rename(copy, engine)?;
    sync_parent(engine)
}

/// Forgets the copy: the engine's files are sound.
pub(super) fn forget(engine: &Path) -> io::Result<()> {
    remove(&copy_of(engine))
}

/// Bytes that [`keep`] will need.
pub(super) fn size(engine: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(engine)? {
        let meta = entry?.metadata()?;
        sum += if meta.is_file() { meta.len() } else { 0 };
    }
    Ok(sum)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            link_folder(&entry.path(), &target)?;
        } else {
            // Shares the blocks where the file system can.
            fs::copy(entry.path(), &target)?;
            File::open(&target)?.sync_all()?;
        }
    }
    sync_dir(to)
}

/// The engine's large values: files that are written once and then only removed.
fn link_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::hard_link(entry.path(), to.join(entry.file_name()))?;
    }
    sync_dir(to)
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), sync_dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_brings_back_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let engine = dir.path().join("sled");
        fs::create_dir_all(engine.join("blobs")).unwrap();
        fs::write(engine.join("db"), b"as it was").unwrap();
        fs::write(engine.join("blobs/1"), b"large").unwrap();
        assert_eq!(size(&engine).unwrap(), 9);
        keep(&engine).unwrap();
        fs::write(engine.join("db"), b"repaired").unwrap();
        fs::write(engine.join("snap.2"), b"new").unwrap();
        fs::remove_file(engine.join("blobs/1")).unwrap();
        restore(&engine).unwrap();
        assert_eq!(fs::read(engine.join("db")).unwrap(), b"as it was");
        assert_eq!(fs::read(engine.join("blobs/1")).unwrap(), b"large");
        assert!(!engine.join("snap.2").exists());
        restore(&engine).unwrap();
        assert_eq!(fs::read(engine.join("db")).unwrap(), b"as it was");
    }

    #[test]
    fn a_half_made_copy_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let engine = dir.path().join("sled");
        fs::create_dir_all(engine.with_extension("before.new").join("old")).unwrap();
        fs::create_dir_all(&engine).unwrap();
        keep(&engine).unwrap();
        forget(&engine).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
