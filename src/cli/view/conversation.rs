//! Conversations.

use super::{Row, short};
use crate::cli::{
    output::{Show, Style},
    table::{Table, fields},
    text::one_line,
    when,
};
use crate::ipc::grpc::proto::v1 as proto;
use serde::Serialize;

/// A conversation.
#[derive(Debug, Serialize)]
pub(crate) struct Conversation {
    id: String,
    identity: String,
    contact: String,
    pub(crate) title: String,
    unread: u64,
    message_count: u64,
    last_message: String,
    last_at_ms: Option<i64>,
}

impl From<proto::Conversation> for Conversation {
    fn from(conversation: proto::Conversation) -> Self {
        Self {
            id: conversation.id,
            identity: conversation.identity,
            contact: conversation.contact,
            title: conversation.title,
            unread: conversation.unread,
            message_count: conversation.message_count,
            last_message: conversation.last_message,
            last_at_ms: conversation.last_at_ms,
        }
    }
}

impl Show for Conversation {
    fn text(&self, _: Style) -> String {
        fields(&[
            ("id", self.id.clone()),
            ("title", one_line(&self.title)),
            ("unread", self.unread.to_string()),
            ("messages", self.message_count.to_string()),
            ("latest", when::maybe(self.last_at_ms)),
        ])
    }

    fn ids(&self) -> Vec<&str> {
        vec![&self.id]
    }
}

impl Row for Conversation {
    const PLURAL: &'static str = "conversations";
    const NONE: &'static str = "no conversations to list.";

    fn table(rows: &[Self], style: Style) -> String {
        let mut table = Table::new(["ID", "UNREAD", "LATEST", "WITH"]);
        for row in rows {
            table.row([
                short(&row.id),
                row.unread.to_string(),
                when::maybe(row.last_at_ms),
                one_line(&row.title),
            ]);
        }
        table.text(style)
    }

    fn id(&self) -> &str {
        &self.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::view::{List, tests::names};

    #[test]
    fn json_has_the_names_of_the_contract() {
        let conversation = Conversation::from(proto::Conversation::default());
        assert_eq!(
            names(&conversation),
            [
                "contact",
                "id",
                "identity",
                "last_at_ms",
                "last_message",
                "message_count",
                "title",
                "unread"
            ]
        );
    }

    #[test]
    fn a_list_tells_what_is_unread() {
        let bob = proto::Conversation {
            id: "aabbccddeeff00112233445566778899".into(),
            title: "Bob".into(),
            unread: 12,
            ..proto::Conversation::default()
        };
        assert_eq!(
            List(vec![Conversation::from(bob)]).text(Style::default()),
            "ID        UNREAD  LATEST  WITH\naabbccdd  12              Bob\n"
        );
    }
}
