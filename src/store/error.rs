//! What can go wrong on disk, each with a sentence that says what to do.

use super::Tier;
use crate::model::ErrorCode;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why the store did not do as asked. Cheap to clone: one failed group tells many.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process holds the folder.
    #[error("{} is in use by another msgd: stop that one first", .0.display())]
    InUse(PathBuf),
    /// The folder cannot be written.
    #[error("{} cannot be written: check who owns it and whether its disk is mounted read-only", .0.display())]
    ReadOnly(PathBuf),
    /// A later release wrote this store. Nothing was touched.
    #[error(
        "the store has schema {found} and this msgd knows {known}: start the newer msgd that wrote it"
    )]
    NewerSchema {
        /// What stands on disk.
        found: u32,
        /// The newest this program can read.
        known: u32,
    },
    /// The files do not make sense. They were left as they were found.
    #[error(
        "the store in {} is damaged ({detail}): keep a copy of the folder, then restore it from a backup",
        dir.display()
    )]
    Corrupt {
        /// The store's folder.
        dir: PathBuf,
        /// What was noticed.
        detail: String,
    },
    /// Too little space is left; nothing was written.
    #[error("only {free} bytes are free and {reserve} are kept in reserve: free some disk space")]
    DiskFull {
        /// Bytes a user may still write.
        free: u64,
        /// Bytes that must stay free.
        reserve: u64,
    },
    /// The key of that tier is not here.
    #[error("the {0} records are locked: unlock the vault first")]
    Locked(Tier),
    /// Writes that this transaction may have read were lost: begin again.
    #[error("an earlier write failed meanwhile: try again")]
    Retry,
    /// A group was refused before anything was written.
    #[error("the write was refused: {0}")]
    Refused(&'static str),
    /// A write failed in a way that leaves memory and disk in doubt about each other.
    #[error("the store stopped after a failed write ({0}): restart msgd")]
    Broken(String),
    /// An idempotency key came with another request than the first time.
    #[error("this idempotency key was used for another request: use a new one")]
    KeyReused,
    /// The store was closed.
    #[error("the store is closed: msgd is stopping")]
    Closed,
    /// One record cannot be opened with the key at hand.
    #[error("a record of {table} is damaged or belongs elsewhere: run `msgctl doctor`")]
    Damaged {
        /// Its table.
        table: &'static str,
    },
    /// A row that must exist does not.
    #[error("no such row in {table}")]
    Missing {
        /// Its table.
        table: &'static str,
    },
    /// A row that must not exist does.
    #[error("that row of {table} exists already")]
    Exists {
        /// Its table.
        table: &'static str,
    },
    /// The record itself is not fit for its table.
    #[error("a record for {table} is malformed")]
    Malformed {
        /// Its table.
        table: &'static str,
    },
    /// Whatever else the file system says.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder concerned.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
}

impl StoreError {
    /// How the doors name this.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Locked(_) => ErrorCode::Locked,
            Self::DiskFull { .. } => ErrorCode::Limit,
            Self::Retry | Self::Closed | Self::Refused(_) => ErrorCode::Unavailable,
            Self::Missing { .. } => ErrorCode::NotFound,
            Self::Exists { .. } | Self::KeyReused => ErrorCode::Conflict,
            Self::Malformed { .. } => ErrorCode::InvalidArgument,
            _ => ErrorCode::Internal,
        }
    }

    /// Sorts what the file system said about `path`.
    pub(super) fn from_io(path: &Path, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly(path.to_path_buf())
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull {
                free: 0,
                reserve: 0,
            },
            _ => Self::Io {
                path: path.to_path_buf(),
                source: Arc::new(error),
            },
        }
    }

    pub(super) fn corrupt(dir: &Path, detail: impl Into<String>) -> Self {
        Self::Corrupt {
            dir: dir.to_path_buf(),
            detail: detail.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_file_system_says_is_sorted() {
        let path = Path::new("/x");
        let sorted = |kind: io::ErrorKind| StoreError::from_io(path, kind.into());
        assert!(matches!(
            sorted(io::ErrorKind::ReadOnlyFilesystem),
            StoreError::ReadOnly(_)
        ));
        assert!(matches!(
            sorted(io::ErrorKind::StorageFull),
            StoreError::DiskFull { .. }
        ));
        assert!(matches!(
            sorted(io::ErrorKind::TimedOut),
            StoreError::Io { .. }
        ));
    }

    #[test]
    fn every_sentence_says_what_to_do() {
        let said = StoreError::NewerSchema { found: 9, known: 1 }.to_string();
        assert_eq!(
            said,
            "the store has schema 9 and this msgd knows 1: start the newer msgd that wrote it"
        );
        let said = StoreError::corrupt(Path::new("/d"), "torn").to_string();
        assert!(said.contains("/d") && said.contains("torn") && said.contains("backup"));
    }
}
