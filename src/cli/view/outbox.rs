//! Messages that are on their way.

use super::{Row, short, spaced, word, word_if_set};
use crate::cli::{
    output::{Show, Style},
    table::Table,
    when,
};
use crate::ipc::grpc::proto::v1 as proto;
use serde::Serialize;

/// An unfinished delivery.
#[derive(Debug, Serialize)]
pub(crate) struct OutboxEntry {
    message: String,
    conversation: String,
    contact: String,
    state: String,
    attempts: u32,
    reason: Option<String>,
    queued_at_ms: i64,
    next_attempt_at_ms: Option<i64>,
    expires_at_ms: i64,
}

impl From<proto::OutboxEntry> for OutboxEntry {
    fn from(entry: proto::OutboxEntry) -> Self {
        Self {
            state: word(entry.state().as_str_name(), "DELIVERY_STATE_"),
            reason: word_if_set(entry.reason().as_str_name(), "FAILURE_REASON_"),
            message: entry.message,
            conversation: entry.conversation,
            contact: entry.contact,
            attempts: entry.attempts,
            queued_at_ms: entry.queued_at_ms,
            next_attempt_at_ms: entry.next_attempt_at_ms,
            expires_at_ms: entry.expires_at_ms,
        }
    }
}

impl OutboxEntry {
    /// The row as part of a longer account.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("tries", self.attempts.to_string()),
            ("obstacle", spaced(self.reason.as_deref())),
            ("next try", self.next()),
            ("given up", when::minute(self.expires_at_ms)),
        ]
    }

    fn next(&self) -> String {
        self.next_attempt_at_ms
            .map_or_else(|| "under way".to_owned(), when::minute)
    }
}

impl Row for OutboxEntry {
    const PLURAL: &'static str = "entries";
    const NONE: &'static str = "nothing is on its way.";

    fn table(rows: &[Self], style: Style) -> String {
        let mut table = Table::new([
            "MESSAGE", "CONTACT", "STATE", "TRIES", "NEXT TRY", "OBSTACLE",
        ]);
        for row in rows {
            table.row([
                short(&row.message),
                short(&row.contact),
                row.state.clone(),
                row.attempts.to_string(),
                row.next(),
                spaced(row.reason.as_deref()),
            ]);
        }
        table.text(style)
    }

    fn id(&self) -> &str {
        &self.message
    }
}

/// How many messages are tried now.
#[derive(Debug, Serialize)]
pub(crate) struct Retried {
    pub(crate) retried: u64,
}

impl Show for Retried {
    fn text(&self, _: Style) -> String {
        format!("{}\n", self.retried)
    }

    fn ids(&self) -> Vec<&str> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::view::{List, tests::names};

    #[test]
    fn json_has_the_names_of_the_contract() {
        let entry = OutboxEntry::from(proto::OutboxEntry::default());
        assert_eq!(
            names(&entry),
            [
                "attempts",
                "contact",
                "conversation",
                "expires_at_ms",
                "message",
                "next_attempt_at_ms",
                "queued_at_ms",
                "reason",
                "state"
            ]
        );
        assert_eq!(entry.reason, None);
        assert_eq!(names(&List(vec![entry])), ["entries"]);
        assert_eq!(names(&Retried { retried: 1 }), ["retried"]);
    }
}
