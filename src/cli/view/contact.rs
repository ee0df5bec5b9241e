//! Contacts.

use super::{Row, short, word};
use crate::cli::{
    output::{Show, Style},
    table::{Table, fields},
    text::one_line,
    when,
};
use crate::ipc::grpc::proto::v1 as proto;
use serde::Serialize;

/// A contact.
#[derive(Debug, Serialize)]
pub(crate) struct Contact {
    id: String,
    identity: String,
    conversation: String,
    name: String,
    alias: String,
    fingerprint: String,
    state: String,
    verification: String,
    presence: String,
    created_at_ms: i64,
}

impl From<proto::Contact> for Contact {
    fn from(contact: proto::Contact) -> Self {
        Self {
            state: word(contact.state().as_str_name(), "CONTACT_STATE_"),
            verification: word(
                contact.verification().as_str_name(),
                "CONTACT_VERIFICATION_",
            ),
            presence: word(contact.presence().as_str_name(), "PRESENCE_"),
            id: contact.id,
            identity: contact.identity,
            conversation: contact.conversation,
            name: contact.name,
            alias: contact.alias,
            fingerprint: contact.fingerprint,
            created_at_ms: contact.created_at_ms,
        }
    }
}

impl Contact {
    fn shown_name(&self) -> String {
        one_line(if self.alias.is_empty() {
            &self.name
        } else {
            &self.alias
        })
    }
}

impl Show for Contact {
    fn text(&self, _: Style) -> String {
        fields(&[
            ("id", self.id.clone()),
            ("name", one_line(&self.name)),
            ("alias", one_line(&self.alias)),
            ("state", self.state.clone()),
            ("verified by", self.verification.clone()),
            ("presence", self.presence.clone()),
            ("fingerprint", self.fingerprint.clone()),
            ("identity", self.identity.clone()),
            ("conversation", self.conversation.clone()),
            ("since", when::minute(self.created_at_ms)),
        ])
    }

    fn ids(&self) -> Vec<&str> {
        vec![&self.id]
    }
}

impl Row for Contact {
    const PLURAL: &'static str = "contacts";
    const NONE: &'static str = "no contacts yet. hand somebody an invite: msgctl invite";

    fn table(rows: &[Self], style: Style) -> String {
        let mut table = Table::new(["ID", "NAME", "STATE", "VERIFIED BY", "PRESENCE"]);
        for row in rows {
            table.row([
                short(&row.id),
                row.shown_name(),
                row.state.clone(),
                row.verification.clone(),
                row.presence.clone(),
            ]);
        }
        table.text(style)
    }

    fn id(&self) -> &str {
        &self.id
    }
}

/// A safety number.
#[derive(Debug, Serialize)]
pub(crate) struct SafetyNumber {
    safety_number: String,
}

impl From<proto::GetSafetyNumberResponse> for SafetyNumber {
    fn from(answer: proto::GetSafetyNumberResponse) -> Self {
        Self {
            safety_number: answer.safety_number,
        }
    }
}

/// Twelve groups of five digits, four a line: short enough to read out and compare.
impl Show for SafetyNumber {
    fn text(&self, _: Style) -> String {
        let digits: Vec<char> = self.safety_number.chars().collect();
        let groups: Vec<String> = digits.chunks(5).map(|five| five.iter().collect()).collect();
        groups
            .chunks(4)
            .map(|line| one_line(&line.join(" ")) + "\n")
            .collect()
    }

    fn ids(&self) -> Vec<&str> {
        vec![&self.safety_number]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::view::{List, tests::names};

    fn alice() -> Contact {
        proto::Contact {
            id: "0a1b2c3d4e5f60718293a4b5c6d7e8f9".into(),
            name: "Alice \u{1b}[31m".into(),
            state: proto::ContactState::Active.into(),
            verification: proto::ContactVerification::Link.into(),
            presence: proto::Presence::Connected.into(),
            ..proto::Contact::default()
        }
        .into()
    }

    #[test]
    fn json_has_the_names_of_the_contract() {
        assert_eq!(
            names(&alice()),
            [
                "alias",
                "conversation",
                "created_at_ms",
                "fingerprint",
                "id",
                "identity",
                "name",
                "presence",
                "state",
                "verification"
            ]
        );
    }

    #[test]
    fn a_name_cannot_colour_the_list() {
        assert_eq!(
            List(vec![alice()]).text(Style::default()),
            "ID        NAME         STATE   VERIFIED BY  PRESENCE\n\
             0a1b2c3d  Alice \u{241b}[31m  active  link         connected\n"
        );
    }

    #[test]
    fn a_safety_number_is_shown_in_groups() {
        let number = SafetyNumber {
            safety_number: "0123456789".repeat(6),
        };
        assert_eq!(
            number.text(Style::default()),
            "01234 56789 01234 56789\n".repeat(3)
        );
    }
}
