//! What happens in the demonstration, and how it is told.

use super::{
    DemoError,
    person::{Person, call},
};
use crate::{
    base::Clock,
    ipc::grpc::{
        client::reply,
        proto::v1::{self, event::Kind},
    },
};
use std::{io::Write, path::Path};

/// Writes lines with the time since the beginning.
struct Teller {
    clock: Clock,
    began_ms: u64,
}

impl Teller {
    fn say(&self, text: &str) -> Result<(), DemoError> {
        let ms = self.clock.steady_ms() - self.began_ms;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{:>3}.{:03} s  {text}", ms / 1000, ms % 1000)
            .and_then(|()| out.flush())
            .map_err(DemoError::Print)
    }

    fn blank(&self) -> Result<(), DemoError> {
        writeln!(std::io::stdout().lock()).map_err(DemoError::Print)
    }
}

/// How many messages were sent, and how many of them arrived, were read and were signed for.
#[derive(Default)]
struct Count {
    sent: usize,
    delivered: usize,
}

pub(super) async fn tell(scratch: &Path, clock: Clock, keep: bool) -> Result<(), DemoError> {
    let teller = Teller {
        began_ms: clock.steady_ms(),
        clock: clock.clone(),
    };
    teller
        .say("Two daemons start, each in a scratch profile of its own. No server, no account.")?;
    let mut alice = Person::start("Alice", scratch, &clock).await?;
    let mut bob = Person::start("Bob", scratch, &clock).await?;
    alice.settle().await?;
    bob.settle().await?;
    teller.say("Alice and Bob have keys now; nobody else knows that they exist.")?;
    teller.blank()?;
    befriend(&teller, &mut alice, &mut bob).await?;
    teller.blank()?;
    let mut count = Count::default();
    talk(&teller, &mut alice, &mut bob, &mut count).await?;
    teller.blank()?;
    crash(&teller, &mut alice, &mut bob, &mut count).await?;
    teller.blank()?;
    if count.delivered != count.sent {
        return Err(DemoError::Unexpected("not every message was delivered"));
    }
    if keep {
        alice.keep();
        bob.keep();
        teller.say("Both daemons go on running. To play with them:")?;
        for (me, other) in [(&alice, "Bob"), (&bob, "Alice")] {
            teller.say(&format!(
                "  msgctl --socket {} send {other} \"hello\"",
                me.socket().display()
            ))?;
        }
        teller.say(&format!("To end them: kill {} {}", alice.pid(), bob.pid()))?;
    }
    teller.say(&format!(
        "{} of {} messages delivered, in order, each once.",
        count.delivered, count.sent
    ))
}

async fn befriend(teller: &Teller, alice: &mut Person, bob: &mut Person) -> Result<(), DemoError> {
    let answer = alice
        .client()
        .invites()
        .create_invite(v1::CreateInviteRequest::default())
        .await;
    let link = call("making an invite", reply(answer))?.link;
    teller.say("Alice makes an invite, good for one person:")?;
    teller.say(&format!("  {link}"))?;
    let request = v1::AddContactRequest {
        link,
        greeting: "It is me, Bob.".to_owned(),
        ..Default::default()
    };
    call(
        "using the invite",
        reply(bob.client().contacts().add_contact(request).await),
    )?;
    let request = alice
        .wait("Bob's request", |kind| match kind {
            Kind::RequestChanged(changed) => Some(changed.request),
            _ => None,
        })
        .await?;
    let answer = alice
        .client()
        .requests()
        .get_request(v1::GetRequestRequest {
            request: request.clone(),
        })
        .await;
    let asked = call("reading the request", reply(answer))?
        .request
        .unwrap_or_default();
    teller.say(&format!(
        "Alice is asked: {} says \"{}\". She accepts.",
        asked.name, asked.greeting
    ))?;
    let accept = v1::AcceptRequestRequest {
        request,
        ..Default::default()
    };
    call(
        "accepting",
        reply(alice.client().requests().accept_request(accept).await),
    )?;
    let added = |kind| matches!(kind, Kind::ContactAdded(_)).then_some(());
    alice.wait("the contact on Alice's side", added).await?;
    bob.wait("the contact on Bob's side", added).await?;
    teller.say("Both are told that they are contacts. The link is worthless from now on.")
}

async fn talk(
    teller: &Teller,
    alice: &mut Person,
    bob: &mut Person,
    count: &mut Count,
) -> Result<(), DemoError> {
    let lines = [
        (true, "Hello Bob, is this really only us?"),
        (
            false,
            "Only us. Your words went from your disk to mine, sealed all the way.",
        ),
        (true, "And who knows that we talk?"),
        (false, "Nobody who keeps a list."),
    ];
    for (from_alice, text) in lines {
        let (from, to) = if from_alice {
            (&mut *alice, &mut *bob)
        } else {
            (&mut *bob, &mut *alice)
        };
        let began = teller.clock.steady_ms();
        let sent = from.send(to.name, text).await?;
        count.sent += 1;
        let received = to.receive().await?;
        let took = teller.clock.steady_ms() - began;
        if received.text != text || received.id != sent.id {
            return Err(DemoError::Unexpected(
                "another message arrived than was sent",
            ));
        }
        from.delivered(&sent).await?;
        count.delivered += 1;
        teller.say(&format!(
            "{:>5}: {text}   ({took} ms, signed for)",
            from.name
        ))?;
    }
    Ok(())
}

async fn crash(
    teller: &Teller,
    alice: &mut Person,
    bob: &mut Person,
    count: &mut Count,
) -> Result<(), DemoError> {
    bob.kill()?;
    teller.say("Bob's daemon is killed: SIGKILL, no goodbye.")?;
    let texts: Vec<String> = (1..=5)
        .map(|n| format!("Are you still there? ({n})"))
        .collect();
    let mut sent = Vec::new();
    for text in &texts {
        sent.push(alice.send(bob.name, text).await?);
        count.sent += 1;
    }
    teller.say(&format!(
        "Alice writes {} messages to him all the same. They wait on her disk, sealed.",
        sent.len()
    ))?;
    let began = teller.clock.steady_ms();
    bob.restart().await?;
    teller.say("Bob's daemon is back.")?;
    let messages = newest(bob, texts.len()).await?;
    let took = teller.clock.steady_ms() - began;
    if messages != texts {
        return Err(DemoError::Unexpected(
            "messages are missing or out of order",
        ));
    }
    for text in &messages {
        teller.say(&format!("Alice: {text}"))?;
    }
    for message in &sent {
        alice.delivered(message).await?;
        count.delivered += 1;
    }
    teller.say(&format!(
        "All of them arrived {took} ms after his daemon was started, and he signed for them."
    ))
}

/// The texts of the newest `n` messages from Alice, once there are that many new ones.
async fn newest(bob: &mut Person, n: usize) -> Result<Vec<String>, DemoError> {
    // Some may have come before the event stream was open, so the list decides, not the events.
    loop {
        let request = v1::ListMessagesRequest {
            conversation: "Alice".to_owned(),
            page_size: u32::try_from(n).unwrap_or(u32::MAX),
            ..Default::default()
        };
        let answer = call(
            "reading",
            reply(bob.client().messages().list_messages(request).await),
        )?;
        let mut texts: Vec<String> = answer
            .messages
            .into_iter()
            .map(|message| message.text)
            .collect();
        texts.reverse();
        if texts
            .last()
            .is_some_and(|last| last.ends_with(&format!("({n})")))
        {
            return Ok(texts);
        }
        bob.wait("the queued messages", |kind| {
            matches!(kind, Kind::MessageReceived(_)).then_some(())
        })
        .await?;
    }
}
