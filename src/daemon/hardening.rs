//! Process hygiene (H.4): what must hold before the first secret is in memory and before
//! the first thread starts.
//!
//! # Decisions
//! - `SSLKEYLOGFILE` would make the TLS library write transport secrets to a file. The
//!   environment of a running process cannot be changed safely, so the program is executed
//!   anew without the variable. Same process, same open sockets.
//! - The allocator of glibc reads its settings from the environment too, at start only. Left
//!   alone it keeps an arena for each thread and gives little back: after a thousand messages
//!   11 MiB more than with [`ALLOCATOR`], measured. Who sets one of them has the last word.
//! - Nor does it keep freed pieces for each thread: a dozen threads, most of them the engine's,
//!   would hold up to 236 KiB each, and what lies between could not be given back (3 MiB,
//!   measured).

use std::{ffi::OsString, io, os::unix::process::CommandExt, process::Command};

use rustix::{
    fs::Mode,
    process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit, umask},
};

const KEY_LOG: &str = "SSLKEYLOGFILE";
/// One arena for all threads; what is large is mapped by itself and given back when freed.
const ALLOCATOR: [(&str, &str); 4] = [
    ("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0"),
    ("MALLOC_ARENA_MAX", "1"),
    ("MALLOC_MMAP_THRESHOLD_", "65536"),
    ("MALLOC_TRIM_THRESHOLD_", "65536"),
];
/// Set in the second round, so that there is never a third.
const AGAIN: &str = "MSGD_STARTED_ANEW";

/// Why the process cannot be made safe.
#[derive(Debug, thiserror::Error)]
pub enum HardeningError {
    /// The variable came back.
    #[error(
        "SSLKEYLOGFILE is set and comes back when it is removed; unset it where msgd is started"
    )]
    KeyLogStays,
    /// The program cannot be executed anew.
    #[error("cannot start again without SSLKEYLOGFILE")]
    Execute(#[source] io::Error),
    /// Core dumps stay possible.
    #[error("cannot forbid core dumps")]
    CoreDumps(#[source] io::Error),
}

/// Makes the process safe. The first call of `main`, before any thread.
///
/// Where `SSLKEYLOGFILE` is set, or an allocator's setting is not, this does not return, but
/// starts the program again, once.
///
/// # Errors
/// What could not be had; the daemon must not run then.
pub fn harden(env: impl Fn(&str) -> Option<OsString>) -> Result<(), HardeningError> {
    let (logs_keys, again) = (env(KEY_LOG).is_some(), env(AGAIN).is_some());
    if logs_keys && again {
        return Err(HardeningError::KeyLogStays);
    }
    let unset = ALLOCATOR.iter().filter(|(name, _)| env(name).is_none());
    let unset: Vec<_> = unset.copied().collect();
    if !again && (logs_keys || !unset.is_empty()) {
        let failed = start_anew(&unset);
        // More memory is no reason not to serve.
        if logs_keys {
            return Err(failed);
        }
    }
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| HardeningError::CoreDumps(error.into()))?;
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).map_err(|error| HardeningError::CoreDumps(error.into()))?;
    umask(Mode::RWXG | Mode::RWXO);
    Ok(())
}

/// Executes the program without the key log and with these variables. Returns only if it fails.
fn start_anew(variables: &[(&str, &str)]) -> HardeningError {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return HardeningError::Execute(error),
    };
    let mut line = std::env::args_os();
    let mut again = Command::new(program);
    if let Some(name) = line.next() {
        again.arg0(name);
    }
    again.args(line).env_remove(KEY_LOG).env(AGAIN, "1");
    HardeningError::Execute(again.envs(variables.iter().copied()).exec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Output};

    /// Runs the ignored test `name` in a process of its own.
    fn other(name: &str, vars: &[(&str, &str)]) -> Output {
        Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--nocapture", "--exact"])
            .arg(format!("daemon::hardening::tests::{name}"))
            .envs(vars.iter().copied())
            .output()
            .unwrap()
    }

    #[test]
    #[ignore = "the other process of the tests below"]
    fn hardens_and_looks() {
        harden(|name| std::env::var_os(name)).unwrap();
        let dumpable =
            rustix::process::dumpable_behavior().unwrap() != DumpableBehavior::NotDumpable;
        let core = rustix::process::getrlimit(Resource::Core).maximum;
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("x"), "").unwrap();
        let mode =
            std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(dir.path().join("x")).unwrap());
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
        let limit = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"))
            .unwrap()
            .split_whitespace()
            .nth(4);
        println!(
            "\nsaw dumpable={dumpable} core={core:?} limit={limit:?} mode={:o} keylog={}",
            mode & 0o777,
            std::env::var_os(KEY_LOG).is_some()
        );
    }

    const SAFE: &str = "saw dumpable=false core=Some(0) limit=Some(\"0\") mode=600 keylog=false";

    #[test]
    fn no_core_dump_and_no_open_file() {
        let output = other("hardens_and_looks", &[]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.lines().any(|line| line == SAFE), "{said}");
    }

    #[test]
    fn transport_secrets_are_never_written_down() {
        let output = other("hardens_and_looks", &[(KEY_LOG, "/nowhere/keys")]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.lines().any(|line| line == SAFE), "{said}");
    }

    #[test]
    fn a_variable_that_comes_back_ends_the_start() {
        let vars = |name: &str| (name == KEY_LOG || name == AGAIN).then(|| "x".into());
        assert!(matches!(harden(vars), Err(HardeningError::KeyLogStays)));
    }
}
