//! One daemon a profile: a lock that the kernel frees, however its holder ends.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

use crate::{base::Clock, model::Timestamp};

/// The lock of a profile; held as long as this lives.
///
/// The file stays behind on purpose: removing it would let a third daemon lock a new file
/// of the same name while a second one still waits on the old.
#[derive(Debug)]
pub struct InstanceLock {
    _file: File,
}

/// Why the lock was not had.
#[derive(Debug, thiserror::Error)]
pub enum InstanceLockError {
    /// Another daemon has it.
    #[error("another msgd (process {pid}, running since {}) already serves this profile: {}", since_text(*since), .path.display())]
    Held {
        /// Its process.
        pid: u32,
        /// When it took the lock.
        since: Timestamp,
        /// The lock.
        path: PathBuf,
    },
    /// Something has it that has not said who it is.
    #[error("another process already serves this profile: {} is locked", .path.display())]
    HeldByUnknown {
        /// The lock.
        path: PathBuf,
    },
    /// The file system says no.
    #[error("cannot take the lock {}", .path.display())]
    Io {
        /// The lock.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl InstanceLock {
    /// Takes the lock of the profile whose data is in `data`, which must exist.
    ///
    /// # Errors
    /// Who holds it, or what the file system says.
    pub fn take(data: &Path, clock: &Clock) -> Result<Self, InstanceLockError> {
        let path = data.join("lock");
        let io = |source| InstanceLockError::Io {
            path: path.clone(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(held(file, path)),
            Err(error) => return Err(io(error.into())),
        }
        let line = format!("{} {}\n", std::process::id(), clock.wall_ms());
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(line.as_bytes()))
            .map_err(io)?;
        Ok(Self { _file: file })
    }
}

fn held(file: File, path: PathBuf) -> InstanceLockError {
    let mut text = String::new();
    // The holder writes right after it locks: an empty file means that it has not yet.
    let read = file.take(64).read_to_string(&mut text);
    let said = read.ok().and_then(|_| {
        let (pid, since) = text.trim_end().split_once(' ')?;
        Some((pid.parse().ok()?, Timestamp(since.parse().ok()?)))
    });
    match said {
        Some((pid, since)) => InstanceLockError::Held { pid, since, path },
        None => InstanceLockError::HeldByUnknown { path },
    }
}

fn since_text(since: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(since.0).map_or_else(
        |_| "an unknown time".to_owned(),
        |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::TestClock;
    use std::{
        io::{BufRead, BufReader},
        process::{Command, Stdio},
    };

    const DIR: &str = "MSGD_TEST_LOCK_DIR";

    #[test]
    fn a_second_daemon_is_told_who_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let clock = TestClock::at(1_795_425_900_000).clock();
        let first = InstanceLock::take(dir.path(), &clock).unwrap();
        let error = InstanceLock::take(dir.path(), &clock).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "another msgd (process {}, running since 2026-11-23 09:25:00 UTC) already serves this profile: {}",
                std::process::id(),
                dir.path().join("lock").display()
            )
        );
        drop(first);
        InstanceLock::take(dir.path(), &clock).unwrap();
    }

    #[test]
    fn a_lock_of_somebody_unknown_is_respected() {
        let dir = tempfile::tempdir().unwrap();
        let clock = TestClock::at(0).clock();
        let _first = InstanceLock::take(dir.path(), &clock).unwrap();
        for text in ["", "x", "1", "1 x", "-1 1"] {
            std::fs::write(dir.path().join("lock"), text).unwrap();
            let error = InstanceLock::take(dir.path(), &clock).unwrap_err();
            assert!(
                matches!(error, InstanceLockError::HeldByUnknown { .. }),
                "{text:?}: {error}"
            );
        }
    }

    #[test]
    fn a_missing_folder_is_an_error_with_its_path() {
        let error = InstanceLock::take(Path::new("/nowhere"), &Clock::system()).unwrap_err();
        assert_eq!(error.to_string(), "cannot take the lock /nowhere/lock");
    }

    #[test]
    #[ignore = "the other process of the next test"]
    fn holds_until_killed() {
        let dir = std::env::var_os(DIR).unwrap();
        let _lock = InstanceLock::take(Path::new(&dir), &Clock::system()).unwrap();
        println!("\nheld");
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    }

    #[test]
    fn a_killed_daemon_leaves_no_lock() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--nocapture", "--exact"])
            .arg("daemon::instance_lock::tests::holds_until_killed")
            .env(DIR, dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "held"));
        let error = InstanceLock::take(dir.path(), &Clock::system()).unwrap_err();
        let InstanceLockError::Held { pid, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(pid, child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        InstanceLock::take(dir.path(), &Clock::system()).unwrap();
    }
}
