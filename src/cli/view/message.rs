//! Messages, and what is known about their way.

use super::{OutboxEntry, spaced, word, word_if_set};
use crate::cli::{
    output::{Show, Style},
    table::{Table, fields},
    text::{indented, one_line},
    when,
};
use crate::ipc::grpc::proto::v1 as proto;
use serde::{Serialize, Serializer, ser::SerializeMap};

/// A message.
#[derive(Serialize)]
pub(crate) struct Message {
    pub(crate) id: String,
    conversation: String,
    index: u64,
    direction: String,
    author_device: String,
    author_seq: u64,
    written_at_ms: i64,
    stored_at_ms: i64,
    text: String,
    state: String,
    delivered_at_ms: Option<i64>,
}

impl From<proto::Message> for Message {
    fn from(message: proto::Message) -> Self {
        Self {
            direction: word(message.direction().as_str_name(), "DIRECTION_"),
            state: word(message.state().as_str_name(), "DELIVERY_STATE_"),
            id: message.id,
            conversation: message.conversation,
            index: message.index,
            author_device: message.author_device,
            author_seq: message.author_seq,
            written_at_ms: message.written_at_ms,
            stored_at_ms: message.stored_at_ms,
            text: message.text,
            delivered_at_ms: message.delivered_at_ms,
        }
    }
}

impl Message {
    /// How far it got, as a word.
    pub(crate) fn state(&self) -> &str {
        &self.state
    }

    /// One message of a history: a heading, and further lines of the text indented below it.
    fn line(&self, title: &str, style: Style) -> String {
        let outgoing = self.direction == "outgoing";
        let who = if outgoing {
            "me".to_owned()
        } else {
            one_line(title)
        };
        let state = if outgoing {
            style.faint(&format!(" [{}]", self.state))
        } else {
            String::new()
        };
        format!(
            "{} {}{state} {}\n",
            style.faint(&when::minute(self.stored_at_ms)),
            style.strong(&format!("{who}:")),
            indented(&self.text, "    ")
        )
    }
}

impl Show for Message {
    fn text(&self, _: Style) -> String {
        fields(&[
            ("id", self.id.clone()),
            ("conversation", self.conversation.clone()),
            ("direction", self.direction.clone()),
            ("state", self.state.clone()),
            ("written", when::minute(self.written_at_ms)),
            ("stored here", when::minute(self.stored_at_ms)),
            ("delivered", when::maybe(self.delivered_at_ms)),
            ("author device", self.author_device.clone()),
            ("text", indented(&self.text, "    ")),
        ])
    }

    fn ids(&self) -> Vec<&str> {
        vec![&self.id]
    }
}

/// Messages of one conversation, the oldest first, as people read.
pub(crate) struct History {
    /// What the conversation is called.
    pub(crate) title: String,
    /// The oldest first.
    pub(crate) messages: Vec<Message>,
}

impl Serialize for History {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("messages", &self.messages)?;
        map.end()
    }
}

impl Show for History {
    fn text(&self, style: Style) -> String {
        let line = |message: &Message| message.line(&self.title, style);
        self.messages.iter().map(line).collect()
    }

    fn ids(&self) -> Vec<&str> {
        self.messages.iter().map(|message| &*message.id).collect()
    }

    fn remark(&self) -> Option<&'static str> {
        self.messages.is_empty().then_some("no messages yet.")
    }
}

/// One try at delivering a message.
#[derive(Serialize)]
struct Attempt {
    started_at_ms: i64,
    path: String,
    failure: Option<String>,
}

impl From<proto::Attempt> for Attempt {
    fn from(attempt: proto::Attempt) -> Self {
        Self {
            started_at_ms: attempt.started_at_ms,
            path: word(attempt.path().as_str_name(), "PATH_KIND_"),
            failure: word_if_set(attempt.failure().as_str_name(), "FAILURE_REASON_"),
        }
    }
}

/// Where a message is and why it is not further.
#[derive(Serialize)]
pub(crate) struct Why {
    message: Message,
    entry: Option<OutboxEntry>,
    attempts: Vec<Attempt>,
}

impl From<proto::ExplainMessageResponse> for Why {
    fn from(answer: proto::ExplainMessageResponse) -> Self {
        Self {
            message: answer.message.unwrap_or_default().into(),
            entry: answer.entry.map(Into::into),
            attempts: answer.attempts.into_iter().map(Into::into).collect(),
        }
    }
}

impl Show for Why {
    fn text(&self, style: Style) -> String {
        let mut rows = vec![
            ("message", self.message.id.clone()),
            ("state", self.message.state.clone()),
            ("written", when::minute(self.message.written_at_ms)),
            ("delivered", when::maybe(self.message.delivered_at_ms)),
        ];
        if let Some(entry) = &self.entry {
            rows.extend(entry.fields());
        }
        let mut table = Table::new(["TRIED", "BY", "OUTCOME"]);
        for attempt in &self.attempts {
            let outcome = attempt.failure.as_deref().unwrap_or("no failure");
            table.row([
                when::minute(attempt.started_at_ms),
                attempt.path.clone(),
                spaced(Some(outcome)),
            ]);
        }
        fields(&rows) + &table.text(style)
    }

    fn ids(&self) -> Vec<&str> {
        vec![&self.message.id]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::view::tests::names;

    fn message(direction: proto::Direction, text: &str) -> Message {
        proto::Message {
            id: "ab".repeat(32),
            direction: direction.into(),
            state: proto::DeliveryState::Delivered.into(),
            stored_at_ms: i64::MAX,
            text: text.into(),
            ..proto::Message::default()
        }
        .into()
    }

    #[test]
    fn json_has_the_names_of_the_contract() {
        assert_eq!(
            names(&message(proto::Direction::Incoming, "hi")),
            [
                "author_device",
                "author_seq",
                "conversation",
                "delivered_at_ms",
                "direction",
                "id",
                "index",
                "state",
                "stored_at_ms",
                "text",
                "written_at_ms"
            ]
        );
        let why = Why::from(proto::ExplainMessageResponse {
            attempts: vec![proto::Attempt::default()],
            ..proto::ExplainMessageResponse::default()
        });
        assert_eq!(names(&why), ["attempts", "entry", "message"]);
        assert_eq!(
            names(&why.attempts[0]),
            ["failure", "path", "started_at_ms"]
        );
    }

    #[test]
    fn a_text_cannot_pass_for_another_message() {
        let history = History {
            title: "Bob\n".into(),
            messages: vec![
                message(
                    proto::Direction::Incoming,
                    "hi\n2026-01-01 10:00 me: yes\u{9b}2J",
                ),
                message(proto::Direction::Outgoing, "no"),
            ],
        };
        assert_eq!(
            history.text(Style::default()),
            " Bob : hi\n    2026-01-01 10:00 me: yes\u{fffd}2J\n me: [delivered] no\n"
        );
    }

    #[test]
    fn why_tells_every_attempt() {
        let why = Why::from(proto::ExplainMessageResponse {
            message: Some(proto::Message {
                state: proto::DeliveryState::Queued.into(),
                ..proto::Message::default()
            }),
            entry: None,
            attempts: vec![proto::Attempt {
                started_at_ms: 0,
                path: proto::PathKind::Direct.into(),
                failure: proto::FailureReason::NoAddress.into(),
            }],
        });
        let text = why.text(Style::default());
        assert!(text.contains("state      queued\n"), "{text}");
        assert!(text.ends_with("direct  no address\n"), "{text}");
    }
}
