//! One daemon that knows a great many people, none of whom is there.

use crate::{Outcome, daemon::Daemon, process, report::Report};
use futures::{StreamExt, stream};
use msgd::ipc::grpc::{
    client::reply,
    proto::v1::{self, EventType, event::Kind},
};
use std::time::Duration;
use tokio::time::sleep;

/// Calls under way at a time.
const AT_ONCE: usize = 32;
/// As many identities as one daemon serves.
const IDENTITIES: usize = 32;
/// Whatever a start sets off is over after this.
const SETTLE: Duration = Duration::from_secs(20);

/// `alice` meets `contacts` people, who go away; she leaves `queued` messages for them, and
/// starts again.
pub(crate) async fn crowd(
    alice: &mut Daemon,
    place: impl Fn(&str) -> Outcome<Daemon>,
    contacts: usize,
    queued: usize,
    report: &mut Report,
) -> Outcome<()> {
    if contacts == 0 {
        return Ok(());
    }
    let mut known = Vec::new();
    while known.len() < contacts {
        let mut house = place(&format!("house-{}", known.len()))?;
        house.start().await?;
        for _ in 0..IDENTITIES.min(contacts - known.len()) {
            known.push(meet(alice, &house, known.len()).await?);
        }
        house.stop().await?;
    }
    let sends =
        (0..queued).map(|number| {
            let request = v1::SendMessageRequest {
                to: known[number % known.len()].clone(),
                text: format!("Message number {number}, about as long as people write them."),
                idempotency_key: String::new(),
            };
            let alice = &*alice;
            async move {
                reply(alice.client()?.messages().send_message(request).await).map_err(Into::into)
            }
        });
    let sent: Vec<Outcome<_>> = stream::iter(sends)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    sent.into_iter().collect::<Outcome<Vec<_>>>()?;
    alice.stop().await?;
    let started = alice.start().await?;
    report.time("crowd_start", started.took(), 1_000.0);
    sleep(SETTLE).await;
    measure(alice, report, ["crowd_pss", "crowd_wakeups", "crowd_cpu"]).await
}

async fn measure(daemon: &Daemon, report: &mut Report, names: [&'static str; 3]) -> Outcome<()> {
    let pid = daemon.pid()?;
    let switches = || -> Outcome<u64> {
        Ok(process::threads(pid)?
            .values()
            .map(|thread| thread.switches)
            .sum())
    };
    let (woken, cpu) = (switches()?, process::cpu(pid)?);
    let span = Duration::from_secs(60);
    sleep(span).await;
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    {
        let woken = switches()?.saturating_sub(woken) as f64 / span.as_secs_f64();
        if let Ok(kib) = process::memory_kib(pid, "Pss:") {
            report.add(names[0], kib as f64 / 1024.0, "MiB", 64.0);
        }
        report.add(names[1], woken, "/s", None);
    }
    let cpu = process::cpu(pid)?.saturating_sub(cpu);
    report.add(
        names[2],
        cpu.as_secs_f64() / span.as_secs_f64() * 100.0,
        "%",
        None,
    );
    Ok(())
}

/// Makes one more contact; returns `alice`'s name for it.
async fn meet(alice: &Daemon, bob: &Daemon, number: usize) -> Outcome<String> {
    let key = |what: &str| format!("bench-crowd-{what}-{number}");
    if number.is_multiple_of(IDENTITIES) {
        let opener = v1::new_slot::Opener::File(v1::new_slot::File {});
        let vault = v1::CreateVaultRequest {
            slot: Some(v1::NewSlot {
                opener: Some(opener),
            }),
            idempotency_key: key("vault"),
        };
        reply(bob.client()?.vault().create_vault(vault).await)?;
    }
    let identity = v1::CreateIdentityRequest {
        name: format!("Person {number}"),
        idempotency_key: key("identity"),
    };
    let identity = reply(bob.client()?.identities().create_identity(identity).await)?;
    let invite = v1::CreateInviteRequest {
        auto_accept: true,
        idempotency_key: key("invite"),
        ..v1::CreateInviteRequest::default()
    };
    let link = reply(alice.client()?.invites().create_invite(invite).await)?.link;
    let mut told = alice.events(&[EventType::Contact], None).await?;
    let add = v1::AddContactRequest {
        identity: identity.identity.ok_or("no identity")?.id,
        link,
        idempotency_key: key("contact"),
        ..v1::AddContactRequest::default()
    };
    reply(bob.client()?.contacts().add_contact(add).await)?;
    let added = |kind| match kind {
        Kind::ContactAdded(event) => Some(event.contact),
        _ => None,
    };
    Ok(told.next(added).await?.0)
}
