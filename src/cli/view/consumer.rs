//! Named readers of the event log.

use super::Row;
use crate::cli::{output::Style, table::Table, text::one_line, when};
use crate::ipc::grpc::proto::v1 as proto;
use serde::Serialize;

/// A named reader and how far it got.
#[derive(Debug, Serialize)]
pub(crate) struct Consumer {
    name: String,
    acknowledged: u64,
    acknowledged_at_ms: i64,
}

impl From<proto::Consumer> for Consumer {
    fn from(consumer: proto::Consumer) -> Self {
        Self {
            name: consumer.name,
            acknowledged: consumer.acknowledged,
            acknowledged_at_ms: consumer.acknowledged_at_ms,
        }
    }
}

impl Row for Consumer {
    const PLURAL: &'static str = "consumers";
    const NONE: &'static str = "no named readers.";

    fn table(rows: &[Self], style: Style) -> String {
        let mut table = Table::new(["NAME", "DEALT WITH", "SINCE"]);
        for row in rows {
            table.row([
                one_line(&row.name),
                row.acknowledged.to_string(),
                when::minute(row.acknowledged_at_ms),
            ]);
        }
        table.text(style)
    }

    fn id(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::view::{List, tests::names};

    #[test]
    fn json_has_the_names_of_the_contract() {
        let consumer = Consumer::from(proto::Consumer::default());
        assert_eq!(
            names(&consumer),
            ["acknowledged", "acknowledged_at_ms", "name"]
        );
        assert_eq!(names(&List(vec![consumer])), ["consumers"]);
    }
}
