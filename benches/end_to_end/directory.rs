//! Two who know no address of each other and meet through a directory: a network of fifty nodes
//! of BitTorrent's DHT in this process, on the loopback.

use crate::{
    Outcome,
    daemon::{Daemon, received},
    phases::{introduce, send, settle_in},
    process,
    report::Report,
};
use mainline::Testnet;
use msgd::{ipc::grpc::proto::v1::EventType, protocol::InviteLink};
use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const NODES: usize = 50;

/// An invite without addresses, the quiet afterwards, and a message after both have moved.
pub(crate) async fn meet(
    carol: &mut Daemon,
    dave: &mut Daemon,
    idle: u64,
    report: &mut Report,
) -> Outcome<()> {
    let network = Testnet::builder(NODES)
        .bind_address(Ipv4Addr::LOCALHOST)
        .build()?;
    let nodes = network.bootstrap[..3].join(",");
    for (daemon, name) in [(&mut *carol, "Carol"), (&mut *dave, "Dave")] {
        daemon.use_directory(&nodes);
        daemon.start().await?;
        settle_in(daemon, name).await?;
    }
    let bare = |link: String| {
        let mut link: InviteLink = link.parse()?;
        link.hints.clear();
        Ok(link.to_string())
    };
    let (pair, took) = introduce(carol, dave, bare).await?;
    report.time("directory_contact", took, 6_000.0);
    let before = Instant::now();
    while runs_node(carol)? || runs_node(dave)? {
        if before.elapsed() > Duration::from_secs(60) {
            return Err("the node of the directory runs on".into());
        }
        sleep(Duration::from_millis(50)).await;
    }
    report.time("directory_rests_after", before.elapsed(), None);
    quiet(carol, idle, report).await?;

    let seen = dave.last_event().await?;
    for daemon in [&mut *carol, &mut *dave] {
        daemon.stop().await?;
        daemon.forget_port()?;
        daemon.start().await?;
    }
    let mut told = dave.events(&[EventType::Message], Some(seen)).await?;
    let before = Instant::now();
    send(carol, &pair, 1).await?;
    let (_, at) = told.next(received).await?;
    report.time("directory_both_moved", at - before, None);
    carol.stop().await?;
    dave.stop().await?;
    Ok(())
}

/// What is left of the directory's cost once nothing needs it.
async fn quiet(daemon: &Daemon, seconds: u64, report: &mut Report) -> Outcome<()> {
    if seconds == 0 {
        return Ok(());
    }
    let woken = || -> Outcome<u64> {
        let threads = process::threads(daemon.pid()?)?;
        Ok(threads.values().map(|thread| thread.switches).sum())
    };
    let (begun, before) = (Instant::now(), woken()?);
    sleep(Duration::from_secs(seconds)).await;
    // A thread that ended meanwhile takes its count with it.
    let woke = woken()?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let rate = woke as f64 / begun.elapsed().as_secs_f64();
    report.add("directory_idle_wakeups", rate, "/s", 1.0);
    Ok(())
}

fn runs_node(daemon: &Daemon) -> Outcome<bool> {
    let threads = process::threads(daemon.pid()?)?;
    let mut names = threads.values().map(|thread| &thread.name);
    Ok(names.any(|name| name.starts_with("Mainline")))
}
