//! `msgctl tail`: tells what happened and what happens, and loses nothing.
//!
//! The cursor is the number of the last event that was dealt with: printed and flushed, or handed
//! to a command that ended well. After a break it is where the daemon is asked to go on from, and
//! with `--consumer` the daemon keeps it too.

use crate::{
    base::Backoff,
    cli::{
        commands::hook,
        context::{Context, ask, full, is_lost},
        exit_code::Failure,
        span, view,
    },
    ipc::grpc::proto::v1::{
        self as proto, EventType, VaultState, subscribe_request::Since as Asked,
        subscribe_response::Item,
    },
    model::ErrorCode,
};
use clap::{Args, ValueEnum};
use std::{collections::HashMap, time::Duration};

/// How many stored events are told when nothing else is asked for.
const LATEST: u64 = 10;
/// Waits between attempts to come back to a daemon that went away.
const RETURN: Backoff = Backoff {
    first: Duration::from_millis(200),
    cap: Duration::from_secs(5),
};

/// Tell what happens, or what happened.
///
/// Without --since and --consumer: the latest ten events, or with --follow what happens from now
/// on. Comes back by itself when the daemon restarts, and misses nothing.
#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// Go on as things happen
    #[arg(long, short)]
    follow: bool,
    /// From after this event number, from that long ago (such as 1h), or from `now`
    #[arg(long, value_name = "SEQ|SPAN|now", value_parser = since, conflicts_with = "consumer")]
    since: Option<Since>,
    /// From where this named reader left off; remembers how far it gets. A new name starts now
    #[arg(long, value_name = "NAME")]
    consumer: Option<String>,
    /// Only these types
    #[arg(long = "type", value_name = "TYPE", value_enum, value_delimiter = ',')]
    types: Vec<Type>,
    /// Run CMD with `sh -c` for each event instead of printing it: its JSON on standard input,
    /// its ids, number and type in MSGD_EVENT_*. If CMD fails, stop; the event is not acknowledged
    #[arg(long, value_name = "CMD")]
    exec: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    Now,
    Seq(u64),
    Ago(Duration),
}

fn since(text: &str) -> Result<Since, String> {
    if text == "now" {
        return Ok(Since::Now);
    }
    if let Ok(seq) = text.parse() {
        return Ok(Since::Seq(seq));
    }
    span::parse(text)
        .map(Since::Ago)
        .map_err(|_| "write an event number, a span such as 1h, or `now`".to_owned())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Type {
    /// Messages in and out
    Message,
    /// Delivery states
    Receipt,
    /// Unread counts
    Unread,
    /// Contacts
    Contact,
    /// Links up and down
    Presence,
    /// Contact requests
    Request,
    /// Invites
    Invite,
    /// Own identities
    Identity,
    /// The vault
    Vault,
}

impl From<Type> for EventType {
    fn from(it: Type) -> Self {
        match it {
            Type::Message => Self::Message,
            Type::Receipt => Self::Receipt,
            Type::Unread => Self::Unread,
            Type::Contact => Self::Contact,
            Type::Presence => Self::Presence,
            Type::Request => Self::Request,
            Type::Invite => Self::Invite,
            Type::Identity => Self::Identity,
            Type::Vault => Self::Vault,
        }
    }
}

/// How far the telling has come.
struct Progress {
    /// Where to begin while nothing was dealt with.
    start: Asked,
    /// The last event that was dealt with.
    dealt_with: Option<u64>,
    /// How far the daemon knows it.
    acknowledged: Option<u64>,
    /// Titles of conversations, by id.
    titles: HashMap<String, String>,
}

impl Tail {
    pub(crate) async fn run(self, on: &mut Context) -> Result<(), Failure> {
        let mut progress = Progress {
            start: self.start(on).await?,
            dealt_with: None,
            acknowledged: None,
            titles: HashMap::new(),
        };
        let mut broken = 0_u32;
        loop {
            let before = progress.dealt_with;
            let failure = match self.tell(&mut progress, on).await {
                Ok(()) if !self.follow => return Ok(()),
                // Whoever follows is told until one side goes, so the daemon went.
                Ok(()) => None,
                Err(failure) if self.follow && passes(&failure, broken > 0) => Some(failure),
                Err(failure) => return Err(failure),
            };
            if progress.dealt_with != before {
                broken = 0;
            }
            if broken == 0 {
                let locked = failure.is_some_and(|it| it.code() == Some(ErrorCode::Locked));
                on.output.remark(if locked {
                    "the daemon is back and locked; waiting. run: msgctl vault unlock"
                } else {
                    "the daemon went away; waiting for it to come back."
                });
            }
            on.disconnect();
            on.clock.sleep(RETURN.wait(broken, random()?)).await;
            broken = broken.saturating_add(1);
        }
    }

    /// Where to begin. Fixed as a number where it can be, so that a break right at the beginning
    /// loses nothing either.
    async fn start(&self, on: &mut Context) -> Result<Asked, Failure> {
        if let Some(consumer) = &self.consumer {
            return Ok(Asked::Consumer(consumer.clone()));
        }
        let back = match (self.since, self.follow) {
            (Some(Since::Seq(seq)), _) => return Ok(Asked::SinceSeq(seq)),
            (Some(Since::Ago(span)), _) => {
                let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
                return Ok(Asked::SinceTimeMs(on.clock.wall_ms().saturating_sub(span)));
            }
            (Some(Since::Now), _) | (None, true) => 0,
            (None, false) => LATEST,
        };
        let status = full(ask!(on, daemon.get_status(proto::GetStatusRequest {})).status)?;
        if back == 0 && !matches!(status.vault(), VaultState::Locked | VaultState::Unlocked) {
            // Nobody can tell the number yet, and 0 would mean from the beginning.
            return Ok(Asked::Now(proto::subscribe_request::Now {}));
        }
        Ok(Asked::SinceSeq(status.last_event.saturating_sub(back)))
    }

    /// Tells until the stream ends.
    async fn tell(&self, progress: &mut Progress, on: &mut Context) -> Result<(), Failure> {
        self.acknowledge(progress, on).await?;
        let since = progress
            .dealt_with
            .map_or_else(|| progress.start.clone(), Asked::SinceSeq);
        let request = proto::SubscribeRequest {
            since: Some(since),
            types: self
                .types
                .iter()
                .map(|&it| EventType::from(it).into())
                .collect(),
            follow: self.follow,
        };
        let mut events = on
            .ask(request, async |client, request| {
                client.subscribe(request).await
            })
            .await?;
        while let Some(item) = events.next().await? {
            let event = match item {
                Item::Event(event) => self.complete(event.into(), progress, on).await?,
                Item::Lagged(lagged) => lagged.into(),
            };
            self.deal_with(&event, on).await?;
            progress.dealt_with = progress.dealt_with.max(event.cursor());
            self.acknowledge(progress, on).await?;
        }
        Ok(())
    }

    /// Adds what an event only names: a message's text and its conversation's title.
    async fn complete(
        &self,
        mut event: view::Event,
        progress: &mut Progress,
        on: &mut Context,
    ) -> Result<view::Event, Failure> {
        let (true, Some(message), Some(conversation)) =
            (event.is_message(), &event.message, &event.conversation)
        else {
            if event.is_contact() {
                // They may be called something else from now on.
                progress.titles.clear();
            }
            return Ok(event);
        };
        let request = proto::GetMessageRequest {
            message: message.clone(),
        };
        event.text = available(get_text(request, on).await)?;
        if let Some(known) = progress.titles.get(conversation) {
            event.title = Some(known.clone());
        } else {
            let request = proto::GetConversationRequest {
                conversation: conversation.clone(),
            };
            event.title = available(get_title(request, on).await)?;
            if let Some(title) = &event.title {
                progress.titles.insert(conversation.clone(), title.clone());
            }
        }
        Ok(event)
    }

    async fn deal_with(&self, event: &view::Event, on: &mut Context) -> Result<(), Failure> {
        match &self.exec {
            Some(command) if event.cursor().is_some() => hook::run(command, event).await,
            Some(_) => {
                // No event, but a word about events: nothing for the command.
                use crate::cli::output::Show;
                on.output.remark(event.text(on.output.style()).trim_end());
                Ok(())
            }
            None => on.output.show(event),
        }
    }

    /// Tells the daemon how far the named reader came, if it does not know yet.
    async fn acknowledge(&self, progress: &mut Progress, on: &mut Context) -> Result<(), Failure> {
        let (Some(consumer), Some(seq)) = (&self.consumer, progress.dealt_with) else {
            return Ok(());
        };
        if progress.acknowledged < Some(seq) {
            let request = proto::AcknowledgeEventsRequest {
                consumer: consumer.clone(),
                seq,
                idempotency_key: on.key()?,
            };
            ask!(on, events.acknowledge_events(request));
            progress.acknowledged = Some(seq);
        }
        Ok(())
    }
}

async fn get_text(request: proto::GetMessageRequest, on: &mut Context) -> Result<String, Failure> {
    Ok(full(ask!(on, messages.get_message(request)).message)?.text)
}

async fn get_title(
    request: proto::GetConversationRequest,
    on: &mut Context,
) -> Result<String, Failure> {
    Ok(full(ask!(on, conversations.get_conversation(request)).conversation)?.title)
}

/// What was fetched, or nothing if it cannot be read now: deleted meanwhile, or locked away.
fn available(fetched: Result<String, Failure>) -> Result<Option<String>, Failure> {
    match fetched {
        Ok(text) => Ok(Some(text)),
        Err(failure) => match failure.code() {
            Some(ErrorCode::NotFound | ErrorCode::Locked) => Ok(None),
            _ => Err(failure),
        },
    }
}

/// Whether waiting helps: the daemon is away, or came `back` and is locked still.
fn passes(failure: &Failure, back: bool) -> bool {
    failure
        .code()
        .is_some_and(|code| is_lost(code) || (back && code == ErrorCode::Locked))
}

fn random() -> Result<u64, Failure> {
    getrandom::u64().map_err(|error| {
        Failure::new(
            ErrorCode::Internal,
            format!("the system gives no random numbers ({error}). check /dev/urandom"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{args::Cli, commands::Command};
    use clap::Parser;

    fn parse(line: &str) -> Result<Tail, clap::Error> {
        let words = ["msgctl", "tail"]
            .into_iter()
            .chain(line.split_terminator(' '));
        Cli::try_parse_from(words).map(|cli| match cli.command {
            Command::Tail(tail) => tail,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn a_beginning_is_a_number_a_span_or_now() {
        let since = |line| parse(line).unwrap().since;
        assert_eq!(since(""), None);
        assert_eq!(since("-f --since now"), Some(Since::Now));
        assert_eq!(since("--since 0"), Some(Since::Seq(0)));
        assert_eq!(since("--since 12034"), Some(Since::Seq(12_034)));
        assert_eq!(
            since("--since 1h"),
            Some(Since::Ago(Duration::from_secs(3_600)))
        );
        for wrong in ["--since -1", "--since yesterday", "--since 3 --consumer x"] {
            assert_eq!(parse(wrong).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }

    #[test]
    fn types_are_listed_with_commas() {
        let tail = parse("--type message,receipt --consumer backup --exec true").unwrap();
        assert_eq!(tail.types, [Type::Message, Type::Receipt]);
        assert!(parse("--type messages").is_err());
    }

    #[test]
    fn a_follower_waits_for_a_daemon_that_is_away_or_locked_after_a_restart() {
        let failure = |code| Failure::new(code, "x");
        for code in [ErrorCode::Unreachable, ErrorCode::Unavailable] {
            assert!(passes(&failure(code), false));
        }
        assert!(!passes(&failure(ErrorCode::Locked), false));
        assert!(passes(&failure(ErrorCode::Locked), true));
        assert!(!passes(&failure(ErrorCode::Failed), true));
        assert!(!passes(&Failure::Closed, true));
    }

    #[test]
    fn a_text_that_is_gone_is_left_out_and_other_trouble_is_told() {
        let gone = available(Err(Failure::new(ErrorCode::NotFound, "x")));
        assert_eq!(gone.unwrap(), None);
        assert!(available(Err(Failure::new(ErrorCode::Internal, "x"))).is_err());
    }
}
