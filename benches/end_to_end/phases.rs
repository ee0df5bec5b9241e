//! What is measured, one function for each phase.

use crate::{
    Outcome,
    cable::wire_bytes,
    daemon::{Daemon, received},
    process,
    report::Report,
};
use futures::{StreamExt, stream::FuturesOrdered};
use msgd::ipc::grpc::{
    client::reply,
    proto::v1::{self, EventType, event::Kind},
};
use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// Between two messages that are sent one at a time.
const PAUSE: Duration = Duration::from_millis(20);
/// Messages handed over without waiting.
const BURST: usize = 1_000;
/// Messages sent to one who is away.
const AWAY: usize = 10;
/// What a phase leaves behind (receipts, threads that linger) is over after this.
const SETTLE: Duration = Duration::from_secs(15);

/// Whom Alice writes to.
pub(crate) struct Pair {
    contact: String,
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

/// How long a command of the user's takes before it does anything.
pub(crate) async fn msgctl(program: &Path, report: &mut Report) -> Outcome<()> {
    let mut times = Vec::new();
    for _ in 0..20 {
        let before = Instant::now();
        let mut command = tokio::process::Command::new(program);
        let ended = command
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .await?;
        times.push(before.elapsed());
        if !ended.success() {
            return Err("msgctl --version failed".into());
        }
    }
    times.sort_unstable();
    report.time("msgctl_version_p50", percentile(&times, 50), 20.0);
    Ok(())
}

/// First start of an empty profile, then one of a profile with a vault and an identity.
pub(crate) async fn cold_start(
    alice: &mut Daemon,
    bob: &mut Daemon,
    report: &mut Report,
) -> Outcome<()> {
    let first = alice.start().await?;
    report.time("cold_start_empty", first.took(), 150.0);
    bob.start().await?;
    for (daemon, name) in [(&*alice, "Alice"), (&*bob, "Bob")] {
        let before = Instant::now();
        settle_in(daemon, name).await?;
        if name == "Alice" {
            report.time("vault_and_identity", before.elapsed(), None);
        }
    }
    let mut times = Vec::new();
    for _ in 0..5 {
        sleep(PAUSE).await;
        let stopped = alice.stop().await?;
        times.push((alice.start().await?.took(), stopped));
    }
    times.sort_unstable();
    report.time("cold_start", times[2].0, 150.0);
    report.time(
        "stop",
        times.iter().map(|time| time.1).max().unwrap_or_default(),
        None,
    );
    Ok(())
}

/// Gives a fresh daemon a vault that opens by itself, and an identity.
pub(crate) async fn settle_in(daemon: &Daemon, name: &str) -> Outcome<()> {
    let client = daemon.client()?;
    let opener = v1::new_slot::Opener::File(v1::new_slot::File {});
    let slot = v1::NewSlot {
        opener: Some(opener),
    };
    let vault = v1::CreateVaultRequest {
        slot: Some(slot),
        idempotency_key: "bench-vault".into(),
    };
    reply(client.vault().create_vault(vault).await)?;
    let identity = v1::CreateIdentityRequest {
        name: name.into(),
        idempotency_key: "bench-identity".into(),
    };
    reply(client.identities().create_identity(identity).await)?;
    Ok(())
}

/// From the use of an invite to both sides' word that there is a contact.
pub(crate) async fn contact(alice: &Daemon, bob: &Daemon, report: &mut Report) -> Outcome<Pair> {
    let (pair, took) = introduce(alice, bob, Ok).await?;
    report.time("contact", took, 500.0);
    let mut told = bob.events(&[EventType::Message], None).await?;
    let before = Instant::now();
    send(alice, &pair, 0).await?;
    let (_, at) = told.next(received).await?;
    report.time("first_message", at - before, None);
    Ok(pair)
}

/// Has Bob use an invite of Alice's, changed by `change`; how long until both have a contact.
pub(crate) async fn introduce(
    alice: &Daemon,
    bob: &Daemon,
    change: impl FnOnce(String) -> Outcome<String>,
) -> Outcome<(Pair, Duration)> {
    let whose = async |daemon: &Daemon| -> Outcome<String> {
        let request = v1::ListIdentitiesRequest::default();
        let listed = reply(daemon.client()?.identities().list_identities(request).await)?;
        Ok(listed.identities.first().ok_or("no identity")?.id.clone())
    };
    let invite = v1::CreateInviteRequest {
        identity: whose(alice).await?,
        ttl_ms: 3_600_000,
        auto_accept: true,
        idempotency_key: "bench-invite".into(),
        ..v1::CreateInviteRequest::default()
    };
    let link = reply(alice.client()?.invites().create_invite(invite).await)?.link;
    let link = change(link)?;
    let mut alices = alice.events(&[EventType::Contact], None).await?;
    let mut bobs = bob.events(&[EventType::Contact], None).await?;
    let add = v1::AddContactRequest {
        identity: whose(bob).await?,
        link,
        idempotency_key: "bench-contact".into(),
        ..v1::AddContactRequest::default()
    };
    let before = Instant::now();
    reply(bob.client()?.contacts().add_contact(add).await)?;
    let added = |kind| match kind {
        Kind::ContactAdded(event) => Some(event.contact),
        _ => None,
    };
    let (contact, at_alice) = alices.next(added).await?;
    let (_, at_bob) = bobs.next(added).await?;
    Ok((Pair { contact }, at_alice.max(at_bob) - before))
}

pub(crate) async fn send(from: &Daemon, pair: &Pair, number: usize) -> Outcome<v1::Message> {
    let request = v1::SendMessageRequest {
        to: pair.contact.clone(),
        text: format!("Message number {number}, about as long as people write them."),
        idempotency_key: String::new(),
    };
    let answer = from.client()?.messages().send_message(request).await;
    Ok(reply(answer)?.message.ok_or("no message")?)
}

/// One message at a time: until it is safe here, and until it is told there.
pub(crate) async fn latency(
    alice: &Daemon,
    bob: &Daemon,
    pair: &Pair,
    count: u64,
    report: &mut Report,
) -> Outcome<()> {
    let mut told = bob.events(&[EventType::Message], None).await?;
    let (mut sends, mut one_way) = (Vec::new(), Vec::new());
    for number in 0..usize::try_from(count)? {
        let before = Instant::now();
        let sent = async {
            let message = send(alice, pair, number).await?;
            Ok::<_, Box<dyn std::error::Error>>((message, Instant::now()))
        };
        let (sent, received) = tokio::join!(sent, told.next(received));
        let ((message, sent_at), (id, told_at)) = (sent?, received?);
        if message.id != id {
            return Err("another message came".into());
        }
        sends.push(sent_at - before);
        one_way.push(told_at - before);
        sleep(PAUSE).await;
    }
    sends.sort_unstable();
    one_way.sort_unstable();
    report.time("send_p50", percentile(&sends, 50), 2.0);
    report.time("send_p99", percentile(&sends, 99), None);
    report.time("latency_p50", percentile(&one_way, 50), 5.0);
    report.time("latency_p90", percentile(&one_way, 90), None);
    report.time("latency_p99", percentile(&one_way, 99), 20.0);
    Ok(())
}

/// A thousand messages handed over without waiting for any.
pub(crate) async fn burst(
    alice: &Daemon,
    bob: &Daemon,
    pair: &Pair,
    report: &mut Report,
) -> Outcome<()> {
    let mut told = bob.events(&[EventType::Message], None).await?;
    let cpu = || -> Outcome<_> { Ok((process::cpu(alice.pid()?)?, process::cpu(bob.pid()?)?)) };
    let used = cpu()?;
    let before = Instant::now();
    let calls: FuturesOrdered<_> = (0..BURST).map(|number| send(alice, pair, number)).collect();
    let all_sent = async {
        let sent = calls.collect::<Vec<_>>().await;
        (sent, Instant::now())
    };
    let ((sent, sent_at), told) = tokio::join!(all_sent, told.messages(BURST));
    let (arrived, told_at) = told?;
    let sent = sent.into_iter().collect::<Outcome<Vec<_>>>()?;
    let used_now = cpu()?;
    report.time("burst_sent", sent_at - before, None);
    report.time("burst_last", told_at - before, 1_000.0);
    let by_call: Vec<&String> = sent.iter().map(|message| &message.id).collect();
    let mut stored: Vec<&v1::Message> = sent.iter().collect();
    stored.sort_by_key(|message| message.index);
    let as_stored = stored.iter().map(|message| &message.id).eq(&arrived);
    let as_called = by_call.into_iter().eq(&arrived);
    report.note("burst_told_in_stored_order", as_stored);
    report.note("burst_told_in_call_order", as_called);
    report.time("burst_cpu_a", used_now.0 - used.0, None);
    report.time("burst_cpu_b", used_now.1 - used.1, None);
    Ok(())
}

/// What two connected daemons cost while nobody writes; a client of each listens.
pub(crate) async fn idle(
    alice: &Daemon,
    bob: &Daemon,
    seconds: u64,
    report: &mut Report,
) -> Outcome<()> {
    if seconds == 0 {
        return Ok(());
    }
    let _listeners = (alice.events(&[], None).await?, bob.events(&[], None).await?);
    sleep(SETTLE).await;
    let pid = alice.pid()?;
    let look =
        || Ok::<_, Box<dyn std::error::Error>>((process::threads(pid)?, wire_bytes(pid).ok()));
    let begun = Instant::now();
    let (threads, wire) = look()?;
    sleep(Duration::from_secs(seconds)).await;
    let (later, wire_later) = look()?;
    let span = begun.elapsed().as_secs_f64();
    let (mut cpu, mut switches) = (Duration::ZERO, 0);
    let mut by_name: BTreeMap<&str, u64> = BTreeMap::new();
    for (id, thread) in &later {
        let was = threads.get(id).cloned().unwrap_or_default();
        cpu += thread.cpu.saturating_sub(was.cpu);
        let woke = thread.switches.saturating_sub(was.switches);
        switches += woke;
        *by_name.entry(&thread.name).or_default() += woke;
    }
    report.add("idle_cpu", cpu.as_secs_f64() / span * 100.0, "%", 0.03);
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    {
        report.add("idle_wakeups", switches as f64 / span, "/s", 1.0);
        if report.namespaces()
            && let (Some(wire), Some(later)) = (wire, wire_later)
        {
            let per_minute = (later - wire) as f64 / span * 60.0;
            report.add("idle_wire", per_minute, "B/min", 2_000.0);
        }
        for (name, key, limit) in [("pss", "Pss:", Some(20.0)), ("rss", "Rss:", None)] {
            // Only the superuser may look into a process that is closed to others.
            if let Ok(kib) = process::memory_kib(pid, key) {
                report.add(name, kib as f64 / 1024.0, "MiB", limit);
            }
        }
    }
    report.note("idle_wakeups_by_thread", serde_json::json!(by_name));
    report.note("threads", later.len());
    Ok(())
}

/// Bob is stopped, Alice writes, Bob is started.
pub(crate) async fn offline(
    alice: &Daemon,
    bob: &mut Daemon,
    pair: &Pair,
    report: &mut Report,
) -> Outcome<()> {
    let seen = bob.last_event().await?;
    bob.stop().await?;
    for number in 0..AWAY {
        send(alice, pair, number).await?;
    }
    back(bob, seen, ["offline", "offline_from_spawn"], 500.0, report).await
}

/// Bob is killed while connected, Alice writes at once, Bob comes back.
pub(crate) async fn crash(
    alice: &Daemon,
    bob: &mut Daemon,
    pair: &Pair,
    report: &mut Report,
) -> Outcome<()> {
    let asked = v1::GetContactRequest {
        contact: pair.contact.clone(),
    };
    let contact = reply(alice.client()?.contacts().get_contact(asked).await)?.contact;
    if contact.ok_or("no contact")?.presence() != v1::Presence::Connected {
        return Err("there is no link to lose".into());
    }
    let seen = bob.last_event().await?;
    bob.kill().await?;
    for number in 0..AWAY {
        send(alice, pair, number).await?;
    }
    back(bob, seen, ["crash", "crash_from_spawn"], 1_000.0, report).await
}

async fn back(
    bob: &mut Daemon,
    seen: u64,
    names: [&'static str; 2],
    limit: f64,
    report: &mut Report,
) -> Outcome<()> {
    let started = bob.start().await?;
    let mut told = bob.events(&[EventType::Message], Some(seen)).await?;
    let (ids, last) = told.messages(AWAY).await?;
    if ids.iter().collect::<HashSet<_>>().len() != AWAY {
        return Err("a message came twice".into());
    }
    report.time(names[0], last - started.ready, limit);
    report.time(names[1], last - started.spawned, None);
    Ok(())
}
