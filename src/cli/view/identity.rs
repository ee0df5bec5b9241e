//! Own identities.

use super::{Row, short};
use crate::cli::{
    output::{Show, Style},
    table::{Table, fields},
    text::one_line,
    when,
};
use crate::ipc::grpc::proto::v1 as proto;
use serde::Serialize;

/// An identity.
#[derive(Debug, Serialize)]
pub(crate) struct Identity {
    id: String,
    name: String,
    fingerprint: String,
    device_fingerprint: String,
    created_at_ms: i64,
}

impl From<proto::Identity> for Identity {
    fn from(identity: proto::Identity) -> Self {
        Self {
            id: identity.id,
            name: identity.name,
            fingerprint: identity.fingerprint,
            device_fingerprint: identity.device_fingerprint,
            created_at_ms: identity.created_at_ms,
        }
    }
}

impl Show for Identity {
    fn text(&self, _: Style) -> String {
        fields(&[
            ("id", self.id.clone()),
            ("name", one_line(&self.name)),
            ("fingerprint", self.fingerprint.clone()),
            ("this device", self.device_fingerprint.clone()),
            ("since", when::minute(self.created_at_ms)),
        ])
    }

    fn ids(&self) -> Vec<&str> {
        vec![&self.id]
    }
}

impl Row for Identity {
    const PLURAL: &'static str = "identities";
    const NONE: &'static str = "no identity yet. make one: msgctl identity create NAME";

    fn table(rows: &[Self], style: Style) -> String {
        let mut table = Table::new(["ID", "NAME", "SINCE", "FINGERPRINT"]);
        for row in rows {
            table.row([
                short(&row.id),
                one_line(&row.name),
                when::minute(row.created_at_ms),
                row.fingerprint.clone(),
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
            names(&Identity::from(proto::Identity::default())),
            [
                "created_at_ms",
                "device_fingerprint",
                "fingerprint",
                "id",
                "name"
            ]
        );
    }
}
