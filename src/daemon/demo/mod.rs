//! `msgd demo`: two real daemons in scratch profiles, driven over gRPC, and a transcript.
//!
//! # Decisions
//! - The children are this very program, as `msgd run`: what is shown is what is installed.
//! - Every wait is for an event of a daemon, with a deadline that names what was missing.
//! - Keys lie in a file slot: a passphrase would show argon2id's second, not messages.

mod person;
mod story;

use crate::{base::Clock, ipc::grpc::client::ClientError};
use std::{io, path::PathBuf};

/// Why the demonstration did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The scratch folder could not be made or removed.
    #[error("cannot use the scratch folder {}", path.display())]
    Scratch {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A child could not be started or ended.
    #[error("cannot run a daemon")]
    Child(#[source] io::Error),
    /// The transcript could not be written.
    #[error("cannot write the transcript")]
    Print(#[source] io::Error),
    /// The runtime did not start.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    /// A daemon refused a call.
    #[error("{step} was refused")]
    Call {
        /// What was asked.
        step: &'static str,
        /// Why.
        #[source]
        source: ClientError,
    },
    /// Something did not happen in time.
    #[error("{what} did not happen within {seconds} s")]
    Late {
        /// What was waited for.
        what: &'static str,
        /// How long.
        seconds: u64,
    },
    /// A daemon answered something that makes no sense.
    #[error("{0}")]
    Unexpected(&'static str),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

/// Shows two daemons that talk to each other. With `keep` both are left running.
///
/// # Errors
/// What kept it from its end; the children are then ended and the scratch folder is removed.
pub fn demo(keep: bool) -> Result<(), DemoError> {
    let scratch = std::env::temp_dir().join(format!("msgd-demo-{}", std::process::id()));
    crate::base::Paths::create_private(&scratch).map_err(|source| DemoError::Scratch {
        path: scratch.clone(),
        source,
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(DemoError::Runtime)?;
    let told = runtime.block_on(async {
        tokio::select! {
            told = story::tell(&scratch, Clock::system(), keep) => told,
            _ = tokio::signal::ctrl_c() => Err(DemoError::Interrupted),
        }
    });
    if keep && told.is_ok() {
        return told;
    }
    let removed = std::fs::remove_dir_all(&scratch);
    told.and(removed.map_err(|source| DemoError::Scratch {
        path: scratch,
        source,
    }))
}
