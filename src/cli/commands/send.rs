//! `msgctl send`: sends a message, and waits for it if asked.

use crate::{
    cli::{
        context::{Context, ask, full},
        exit_code::Failure,
        input, span, view,
    },
    ipc::grpc::proto::v1::{self as proto, DeliveryState},
    model::{ErrorCode, limits::MAX_IDEMPOTENCY_KEY_BYTES},
};
use clap::{Args, ValueEnum};
use std::time::Duration;

/// Send a message.
///
/// Returns once the message is safely on disk and prints its id; the daemon then tries until it
/// is delivered, taken back or 30 days old.
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// Contact or conversation: name, alias or id
    to: String,
    /// The text, or `-` to read it from standard input, less one final line break
    #[arg(value_name = "TEXT|-")]
    text: String,
    /// Wait until the message got this far
    #[arg(long, value_name = "STATE")]
    wait: Option<Until>,
    /// How long to wait at most
    #[arg(long, value_name = "SPAN", default_value = "30s", value_parser = span::parse, requires = "wait")]
    timeout: Duration,
    /// Send once, however often this is called with the same key within a day [default: random]
    #[arg(long, value_name = "KEY", value_parser = idempotency_key)]
    idempotency_key: Option<String>,
}

/// How far a message can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Until {
    /// On its way over a link
    Sending,
    /// Kept for them, unopened
    Stored,
    /// Their device has it
    Delivered,
    /// They said that they read it
    Read,
}

fn idempotency_key(key: &str) -> Result<String, String> {
    if key.is_empty() || key.len() > MAX_IDEMPOTENCY_KEY_BYTES {
        return Err(format!("use 1 to {MAX_IDEMPOTENCY_KEY_BYTES} bytes"));
    }
    Ok(key.to_owned())
}

impl Send {
    pub(crate) async fn run(self, on: &mut Context) -> Result<(), Failure> {
        let text = input::text(self.text)?;
        let idempotency_key = match self.idempotency_key {
            Some(key) => key,
            None => on.key()?,
        };
        let request = proto::SendMessageRequest {
            to: self.to,
            text,
            idempotency_key,
        };
        let message = full(ask!(on, messages.send_message(request)).message)?;
        // With --json there is one document: the message as it is after the waiting.
        let json = on.output.style().json;
        if !json {
            on.output.raw(&format!("{}\n", message.id))?;
        }
        let waited = match self.wait {
            Some(until) => wait(&message, until, self.timeout, on).await,
            None => Ok(message.clone()),
        };
        if json {
            let latest = waited.as_ref().unwrap_or(&message).clone();
            on.output.json(&view::Message::from(latest))?;
        }
        let message = waited?;
        match self.wait {
            Some(until) => reached(&message, until),
            None => Ok(()),
        }
    }
}

async fn wait(
    message: &proto::Message,
    until: Until,
    limit: Duration,
    on: &mut Context,
) -> Result<proto::Message, Failure> {
    let request = proto::WaitMessageRequest {
        message: message.id.clone(),
        until: until.state().into(),
        limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
    };
    full(ask!(on, messages.wait_message(request)).message)
}

/// Whether a message that was waited for got as far as that.
fn reached(message: &proto::Message, until: Until) -> Result<(), Failure> {
    let rank = |state: DeliveryState| match state {
        DeliveryState::Unspecified | DeliveryState::Queued => 0,
        DeliveryState::Sending => 1,
        DeliveryState::Stored => 2,
        DeliveryState::Delivered => 3,
        DeliveryState::Read => 4,
        DeliveryState::Failed | DeliveryState::Expired | DeliveryState::Cancelled => -1,
    };
    let state = rank(message.state());
    if state >= rank(until.state()) {
        return Ok(());
    }
    let word = view::Message::from(message.clone()).state().to_owned();
    let advice = format!("ask why: msgctl msg why {}", message.id);
    Err(if state < 0 {
        Failure::new(
            ErrorCode::Failed,
            format!("the message is {word}. {advice}"),
        )
    } else {
        Failure::new(
            ErrorCode::Timeout,
            format!("the message is only {word} as yet and goes on. {advice}"),
        )
    })
}

impl Until {
    fn state(self) -> DeliveryState {
        match self {
            Self::Sending => DeliveryState::Sending,
            Self::Stored => DeliveryState::Stored,
            Self::Delivered => DeliveryState::Delivered,
            Self::Read => DeliveryState::Read,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{args::Cli, commands::Command};
    use clap::Parser;

    fn parse(line: &[&str]) -> Result<Send, clap::Error> {
        let words = ["msgctl", "send"].iter().chain(line);
        Cli::try_parse_from(words).map(|cli| match cli.command {
            Command::Send(send) => send,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn flags_may_follow_the_text() {
        let send = parse(&[
            "alice",
            "-",
            "--wait",
            "delivered",
            "--timeout",
            "5m",
            "--idempotency-key",
            "job-7",
        ]);
        let send = send.unwrap();
        assert_eq!((send.to.as_str(), send.text.as_str()), ("alice", "-"));
        assert_eq!(send.wait, Some(Until::Delivered));
        assert_eq!(send.timeout, Duration::from_secs(300));
        assert_eq!(send.idempotency_key.as_deref(), Some("job-7"));
    }

    #[test]
    fn a_text_that_looks_like_a_flag_follows_two_dashes() {
        assert_eq!(parse(&["alice", "--", "--wait"]).unwrap().text, "--wait");
    }

    #[test]
    fn wrong_words_are_refused_before_the_daemon_is_asked() {
        let long = "k".repeat(MAX_IDEMPOTENCY_KEY_BYTES + 1);
        for line in [
            &["alice"][..],
            &["alice", "hi", "--wait", "queued"],
            &["alice", "hi", "--wait", "read", "--timeout", "soon"],
            &["alice", "hi", "--timeout", "5s"],
            &["alice", "hi", "--idempotency-key", ""],
            &["alice", "hi", "--idempotency-key", &long],
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line:?}");
        }
    }

    #[test]
    fn waiting_ends_well_only_as_far_as_wanted() {
        let code = |state: DeliveryState, until| {
            let message = proto::Message {
                state: state.into(),
                ..proto::Message::default()
            };
            reached(&message, until).map_or_else(|failure| failure.exit_code(), |()| 0)
        };
        assert_eq!(code(DeliveryState::Delivered, Until::Delivered), 0);
        assert_eq!(code(DeliveryState::Read, Until::Stored), 0);
        assert_eq!(code(DeliveryState::Delivered, Until::Read), 8);
        assert_eq!(code(DeliveryState::Queued, Until::Sending), 8);
        assert_eq!(code(DeliveryState::Expired, Until::Delivered), 10);
        assert_eq!(code(DeliveryState::Cancelled, Until::Sending), 10);
    }
}
