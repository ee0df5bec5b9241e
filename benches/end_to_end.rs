//! What a user waits for, measured from outside: two daemons, each driven by a client over
//! its socket, as any program would.
//!
//! Prints a table with the limit beside each figure on stderr, and one JSON line on stdout.
//! Run it with `cargo bench --bench end_to_end`. The environment can say:
//! - `MSGD_BIN_DIR`: folder of the binaries to measure; else those of this build.
//! - `MSGD_BENCH_IDLE_S`: seconds of idling to watch (60; 0 leaves the phase out).
//! - `MSGD_BENCH_N`: messages sent one at a time (200).
//! - `MSGD_BENCH_CONTACTS`, `MSGD_BENCH_QUEUED`: people to know who are all away (0: none), and
//!   messages to leave for them (100 each). A thousand and the hundred thousand take minutes.
//! - `MSGD_BENCH_NETNS=0`: stay on the loopback even where network namespaces can be had.
//!
//! As root each daemon lives in a network namespace of its own, joined by a virtual cable, and
//! the bytes on that cable are counted. Otherwise both listen on 127.0.0.1 and the count is
//! left out. Nothing leaves the machine either way.

#![expect(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "the figures are the purpose of this program, and a wrong index is a failed run"
)]

#[path = "end_to_end/cable.rs"]
mod cable;
#[path = "end_to_end/crowd.rs"]
mod crowd;
#[path = "end_to_end/daemon.rs"]
mod daemon;
#[path = "end_to_end/directory.rs"]
mod directory;
#[path = "end_to_end/phases.rs"]
mod phases;
#[path = "end_to_end/process.rs"]
mod process;
#[path = "end_to_end/report.rs"]
mod report;

use cable::Cable;
use daemon::Daemon;
use report::Report;
use std::{error::Error, path::PathBuf};

/// A run that fails says why and ends.
type Outcome<T> = Result<T, Box<dyn Error>>;

/// Where the binaries are.
fn binary(name: &str, built: &str) -> PathBuf {
    std::env::var_os("MSGD_BIN_DIR")
        .map_or_else(|| built.into(), |dir| PathBuf::from(dir).join(name))
}

fn setting(name: &str, default: u64) -> Outcome<u64> {
    match std::env::var(name) {
        Ok(text) => Ok(text.parse()?),
        Err(_) => Ok(default),
    }
}

fn main() -> Outcome<()> {
    // `cargo test --benches` runs every bench for a moment; this one has no short form.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run())
}

async fn run() -> Outcome<()> {
    let msgd = binary("msgd", env!("CARGO_BIN_EXE_msgd"));
    let msgctl = binary("msgctl", env!("CARGO_BIN_EXE_msgctl"));
    let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let memory = tempfile::tempdir()?;
    let cable = Cable::lay()?;
    let mut report = Report::new(&msgd, cable.as_ref());

    phases::msgctl(&msgctl, &mut report).await?;
    let ends = cable.as_ref().map(Cable::ends);
    let place = |name: &str, end: usize| {
        let end = ends.as_ref().map(|ends| ends[end].clone());
        Daemon::new(
            &msgd,
            name,
            &disk.path().join(name),
            &memory.path().join(name),
            end,
        )
    };
    let (mut alice, mut bob) = (place("alice", 0)?, place("bob", 1)?);
    phases::cold_start(&mut alice, &mut bob, &mut report).await?;
    let pair = phases::contact(&alice, &bob, &mut report).await?;
    phases::latency(
        &alice,
        &bob,
        &pair,
        setting("MSGD_BENCH_N", 200)?,
        &mut report,
    )
    .await?;
    phases::burst(&alice, &bob, &pair, &mut report).await?;
    let idle = setting("MSGD_BENCH_IDLE_S", 60)?;
    phases::idle(&alice, &bob, idle, &mut report).await?;
    phases::offline(&alice, &mut bob, &pair, &mut report).await?;
    phases::crash(&alice, &mut bob, &pair, &mut report).await?;
    let contacts = usize::try_from(setting("MSGD_BENCH_CONTACTS", 0)?)?;
    let queued = setting("MSGD_BENCH_QUEUED", u64::try_from(contacts)? * 100)?;
    let queued = usize::try_from(queued)?;
    bob.stop().await?;
    let house = |name: &str| place(name, 1);
    crowd::crowd(&mut alice, house, contacts, queued, &mut report).await?;
    alice.stop().await?;
    let place = |name: &str| {
        let (disk, memory) = (disk.path().join(name), memory.path().join(name));
        Daemon::new(&msgd, name, &disk, &memory, None)
    };
    directory::meet(&mut place("carol")?, &mut place("dave")?, idle, &mut report).await?;
    eprintln!("{report}");
    println!("{}", report.json());
    Ok(())
}
