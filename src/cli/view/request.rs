//! Contact requests.

use super::{Row, short, spaced, word, word_if_set};
use crate::cli::{
    output::{Show, Style},
    table::{Table, fields},
    text::one_line,
    when,
};
use crate::ipc::grpc::proto::v1 as proto;
use serde::Serialize;

/// A contact request.
#[derive(Debug, Serialize)]
pub(crate) struct Request {
    id: String,
    identity: String,
    direction: String,
    invite: String,
    name: String,
    greeting: String,
    fingerprint: String,
    state: String,
    contact: String,
    created_at_ms: i64,
    expires_at_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

impl From<proto::ContactRequest> for Request {
    fn from(request: proto::ContactRequest) -> Self {
        Self {
            direction: word(request.direction().as_str_name(), "DIRECTION_"),
            state: word(request.state().as_str_name(), "REQUEST_STATE_"),
            failure: word_if_set(request.failure().as_str_name(), "FAILURE_REASON_"),
            id: request.id,
            identity: request.identity,
            invite: request.invite,
            name: request.name,
            greeting: request.greeting,
            fingerprint: request.fingerprint,
            contact: request.contact,
            created_at_ms: request.created_at_ms,
            expires_at_ms: request.expires_at_ms,
        }
    }
}

impl Show for Request {
    fn text(&self, _: Style) -> String {
        fields(&[
            ("id", self.id.clone()),
            ("direction", self.direction.clone()),
            ("state", self.state.clone()),
            ("last try", spaced(self.failure.as_deref())),
            ("name", one_line(&self.name)),
            ("greeting", one_line(&self.greeting)),
            ("fingerprint", self.fingerprint.clone()),
            ("contact", self.contact.clone()),
            ("made", when::minute(self.created_at_ms)),
            ("ends", when::minute(self.expires_at_ms)),
        ])
    }

    fn ids(&self) -> Vec<&str> {
        vec![&self.id]
    }
}

impl Row for Request {
    const PLURAL: &'static str = "requests";
    const NONE: &'static str = "no contact requests.";

    fn table(rows: &[Self], style: Style) -> String {
        let mut table = Table::new(["ID", "DIRECTION", "STATE", "ENDS", "NAME", "GREETING"]);
        for row in rows {
            table.row([
                short(&row.id),
                row.direction.clone(),
                row.state.clone(),
                when::minute(row.expires_at_ms),
                one_line(&row.name),
                one_line(&row.greeting),
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
    use crate::cli::view::tests::names;

    #[test]
    fn json_has_the_names_of_the_contract() {
        assert_eq!(
            names(&Request::from(proto::ContactRequest::default())),
            [
                "contact",
                "created_at_ms",
                "direction",
                "expires_at_ms",
                "fingerprint",
                "greeting",
                "id",
                "identity",
                "invite",
                "name",
                "state"
            ]
        );
    }
}
