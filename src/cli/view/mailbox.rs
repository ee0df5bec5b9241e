//! Mailboxes.

use super::{Row, short};
use crate::cli::{
    output::{Show, Style},
    table::{Table, fields},
    text::one_line,
    when,
};
use crate::ipc::grpc::proto::v1 as proto;
use serde::Serialize;

/// A mailbox that is hosted here.
#[derive(Debug, Serialize)]
pub(crate) struct HostedMailbox {
    id: String,
    name: String,
    created_at_ms: i64,
    seen_at_ms: Option<i64>,
    hashes: u64,
    max_hashes: u64,
    parcels: u64,
    bytes: u64,
    max_bytes: u64,
    links: u64,
    owner_linked: bool,
}

impl From<proto::HostedMailbox> for HostedMailbox {
    fn from(mailbox: proto::HostedMailbox) -> Self {
        Self {
            id: mailbox.id,
            name: mailbox.name,
            created_at_ms: mailbox.created_at_ms,
            seen_at_ms: mailbox.seen_at_ms,
            hashes: mailbox.hashes,
            max_hashes: mailbox.max_hashes,
            parcels: mailbox.parcels,
            bytes: mailbox.bytes,
            max_bytes: mailbox.max_bytes,
            links: mailbox.links,
            owner_linked: mailbox.owner_linked,
        }
    }
}

impl Row for HostedMailbox {
    const PLURAL: &'static str = "mailboxes";
    const NONE: &'static str = "no mailboxes are hosted here. offer one: msgctl mailbox offer";

    fn table(rows: &[Self], style: Style) -> String {
        let mut table = Table::new(["ID", "PARCELS", "USED", "QUOTA", "OWNER", "NAME"]);
        for row in rows {
            let owner = match (row.owner_linked, row.seen_at_ms) {
                (true, _) => "here".to_owned(),
                (false, Some(at)) => when::minute(at),
                (false, None) => "never".to_owned(),
            };
            table.row([
                short(&row.id),
                row.parcels.to_string(),
                mib(row.bytes),
                mib(row.max_bytes),
                owner,
                one_line(&row.name),
            ]);
        }
        table.text(style)
    }

    fn id(&self) -> &str {
        &self.id
    }
}

/// A mailbox that somebody keeps for this daemon.
#[derive(Debug, Serialize)]
pub(crate) struct OwnMailbox {
    id: String,
    identity: String,
    note: String,
    created_at_ms: i64,
    polled_at_ms: Option<i64>,
    failing: bool,
}

impl From<proto::OwnMailbox> for OwnMailbox {
    fn from(mailbox: proto::OwnMailbox) -> Self {
        Self {
            id: mailbox.id,
            identity: mailbox.identity,
            note: mailbox.note,
            created_at_ms: mailbox.created_at_ms,
            polled_at_ms: mailbox.polled_at_ms,
            failing: mailbox.failing,
        }
    }
}

impl OwnMailbox {
    fn asked(&self) -> String {
        let at = self
            .polled_at_ms
            .map_or_else(|| "never".to_owned(), when::minute);
        if self.failing {
            format!("{at}, not reached since")
        } else {
            at
        }
    }
}

impl Row for OwnMailbox {
    const PLURAL: &'static str = "mailboxes";
    const NONE: &'static str = "no mailboxes are used. ask a friend for one: msgctl mailbox offer";

    fn table(rows: &[Self], style: Style) -> String {
        let mut table = Table::new(["ID", "ASKED", "NOTE"]);
        for row in rows {
            table.row([short(&row.id), row.asked(), one_line(&row.note)]);
        }
        table.text(style)
    }

    fn id(&self) -> &str {
        &self.id
    }
}

impl Show for OwnMailbox {
    fn text(&self, _: Style) -> String {
        fields(&[
            ("mailbox", self.id.clone()),
            ("note", one_line(&self.note)),
            ("asked", self.asked()),
        ])
    }

    fn ids(&self) -> Vec<&str> {
        vec![&self.id]
    }
}

/// A mailbox that is not used any more.
#[derive(Debug, Serialize)]
pub(crate) struct RemovedMailbox {
    pub(crate) id: String,
}

impl Show for RemovedMailbox {
    fn text(&self, _: Style) -> String {
        fields(&[("removed", self.id.clone())])
    }

    fn ids(&self) -> Vec<&str> {
        vec![&self.id]
    }
}

/// Whole MiB, rounded up.
fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

/// A fresh mailbox with its code. The code is the result: alone on standard output.
#[derive(Serialize)]
pub(crate) struct OfferedMailbox {
    mailbox: HostedMailbox,
    code: String,
}

impl From<proto::OfferMailboxResponse> for OfferedMailbox {
    fn from(answer: proto::OfferMailboxResponse) -> Self {
        Self {
            mailbox: answer.mailbox.unwrap_or_default().into(),
            code: answer.code,
        }
    }
}

impl OfferedMailbox {
    /// What its host should know.
    pub(crate) const ADVICE: &'static str = "for one person; whoever has the code can empty the \
        mailbox, so send it privately. it is not shown again.";
}

impl Show for OfferedMailbox {
    fn text(&self, _: Style) -> String {
        one_line(&self.code) + "\n"
    }

    fn ids(&self) -> Vec<&str> {
        vec![&self.code]
    }
}

/// A mailbox that is no more.
#[derive(Debug, Serialize)]
pub(crate) struct RevokedMailbox {
    pub(crate) id: String,
}

impl Show for RevokedMailbox {
    fn text(&self, _: Style) -> String {
        fields(&[("ended", self.id.clone())])
    }

    fn ids(&self) -> Vec<&str> {
        vec![&self.id]
    }
}

/// What is hosted here, all together.
#[derive(Debug, Serialize)]
pub(crate) struct MailboxHostStatus {
    mailboxes: u64,
    max_mailboxes: u64,
    parcels: u64,
    bytes: u64,
    max_bytes: u64,
    taken: u64,
    refused: u64,
}

impl From<proto::MailboxHostStatus> for MailboxHostStatus {
    fn from(status: proto::MailboxHostStatus) -> Self {
        Self {
            mailboxes: status.mailboxes,
            max_mailboxes: status.max_mailboxes,
            parcels: status.parcels,
            bytes: status.bytes,
            max_bytes: status.max_bytes,
            taken: status.taken,
            refused: status.refused,
        }
    }
}

impl Show for MailboxHostStatus {
    fn text(&self, _: Style) -> String {
        fields(&[
            (
                "mailboxes",
                format!("{} of {}", self.mailboxes, self.max_mailboxes),
            ),
            ("parcels", self.parcels.to_string()),
            (
                "used",
                format!("{} of {}", mib(self.bytes), mib(self.max_bytes)),
            ),
            ("taken", self.taken.to_string()),
            ("refused", self.refused.to_string()),
        ])
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
        let made = OfferedMailbox::from(proto::OfferMailboxResponse::default());
        assert_eq!(names(&made), ["code", "mailbox"]);
        assert_eq!(
            names(&made.mailbox),
            [
                "bytes",
                "created_at_ms",
                "hashes",
                "id",
                "links",
                "max_bytes",
                "max_hashes",
                "name",
                "owner_linked",
                "parcels",
                "seen_at_ms"
            ]
        );
        assert_eq!(names(&List(vec![made.mailbox])), ["mailboxes"]);
        let own = OwnMailbox::from(proto::OwnMailbox::default());
        assert_eq!(
            names(&own),
            [
                "created_at_ms",
                "failing",
                "id",
                "identity",
                "note",
                "polled_at_ms"
            ]
        );
        assert_eq!(names(&List(vec![own])), ["mailboxes"]);
        let status = MailboxHostStatus::from(proto::MailboxHostStatus::default());
        assert_eq!(
            names(&status),
            [
                "bytes",
                "mailboxes",
                "max_bytes",
                "max_mailboxes",
                "parcels",
                "refused",
                "taken"
            ]
        );
    }

    #[test]
    fn a_code_stands_alone_so_that_it_can_be_piped() {
        let made = OfferedMailbox::from(proto::OfferMailboxResponse {
            code: "msgd:m1abc".into(),
            ..proto::OfferMailboxResponse::default()
        });
        assert_eq!(made.text(Style::default()), "msgd:m1abc\n");
    }

    #[test]
    fn sizes_are_rounded_up() {
        assert_eq!(
            (mib(0), mib(1), mib(64 << 20)),
            ("0 MiB".into(), "1 MiB".into(), "64 MiB".into())
        );
    }
}
