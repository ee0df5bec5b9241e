//! Invites.

use super::{Row, short, word};
use crate::cli::{
    output::{Show, Style},
    table::{Table, fields},
    text::one_line,
    when,
};
use crate::ipc::grpc::proto::v1 as proto;
use serde::Serialize;

/// An invite.
#[derive(Debug, Serialize)]
pub(crate) struct Invite {
    id: String,
    identity: String,
    state: String,
    note: String,
    auto_accept: bool,
    created_at_ms: i64,
    expires_at_ms: i64,
}

impl From<proto::Invite> for Invite {
    fn from(invite: proto::Invite) -> Self {
        Self {
            state: word(invite.state().as_str_name(), "INVITE_STATE_"),
            id: invite.id,
            identity: invite.identity,
            note: invite.note,
            auto_accept: invite.auto_accept,
            created_at_ms: invite.created_at_ms,
            expires_at_ms: invite.expires_at_ms,
        }
    }
}

impl Show for Invite {
    fn text(&self, _: Style) -> String {
        fields(&[
            ("id", self.id.clone()),
            ("state", self.state.clone()),
            ("note", one_line(&self.note)),
            ("made", when::minute(self.created_at_ms)),
            ("ends", when::minute(self.expires_at_ms)),
        ])
    }

    fn ids(&self) -> Vec<&str> {
        vec![&self.id]
    }
}

impl Row for Invite {
    const PLURAL: &'static str = "invites";
    const NONE: &'static str = "no invites. make one: msgctl invite";

    fn table(rows: &[Self], style: Style) -> String {
        let mut table = Table::new(["ID", "STATE", "ENDS", "ACCEPTS", "NOTE"]);
        for row in rows {
            let accepts = if row.auto_accept { "by itself" } else { "asks" };
            table.row([
                short(&row.id),
                row.state.clone(),
                when::minute(row.expires_at_ms),
                accepts.to_owned(),
                one_line(&row.note),
            ]);
        }
        table.text(style)
    }

    fn id(&self) -> &str {
        &self.id
    }
}

/// A fresh invite with its link. The link is the result: alone on standard output.
#[derive(Serialize)]
pub(crate) struct CreatedInvite {
    pub(crate) invite: Invite,
    link: String,
    pub(crate) qr_text: String,
}

impl From<proto::CreateInviteResponse> for CreatedInvite {
    fn from(answer: proto::CreateInviteResponse) -> Self {
        Self {
            invite: answer.invite.unwrap_or_default().into(),
            link: answer.link,
            qr_text: answer.qr_text,
        }
    }
}

impl CreatedInvite {
    /// What its maker should know.
    pub(crate) fn advice(&self) -> String {
        format!(
            "good for one person until {}; whoever sees the link can use it, so send it privately.",
            when::minute(self.invite.expires_at_ms)
        )
    }
}

impl Show for CreatedInvite {
    fn text(&self, _: Style) -> String {
        one_line(&self.link) + "\n"
    }

    fn ids(&self) -> Vec<&str> {
        vec![&self.link]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::view::tests::names;

    #[test]
    fn json_has_the_names_of_the_contract() {
        let made = CreatedInvite::from(proto::CreateInviteResponse::default());
        assert_eq!(names(&made), ["invite", "link", "qr_text"]);
        assert_eq!(
            names(&made.invite),
            [
                "auto_accept",
                "created_at_ms",
                "expires_at_ms",
                "id",
                "identity",
                "note",
                "state"
            ]
        );
    }

    #[test]
    fn a_new_link_stands_alone_so_that_it_can_be_piped() {
        let made = CreatedInvite::from(proto::CreateInviteResponse {
            link: "msgd:i1abc".into(),
            ..proto::CreateInviteResponse::default()
        });
        assert_eq!(made.text(Style::default()), "msgd:i1abc\n");
    }
}
