//! The vault and its key slots.

use super::{Row, word};
use crate::cli::{
    output::{Show, Style},
    table::Table,
};
use crate::ipc::grpc::proto::v1 as proto;
use serde::{Serialize, Serializer};

/// The vault's state.
#[derive(Debug, Serialize)]
pub(crate) struct Vault {
    state: String,
}

impl From<proto::VaultState> for Vault {
    fn from(state: proto::VaultState) -> Self {
        Self {
            state: word(state.as_str_name(), "VAULT_STATE_"),
        }
    }
}

impl Show for Vault {
    fn text(&self, _: Style) -> String {
        format!("{}\n", self.state)
    }

    fn ids(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// A key slot.
#[derive(Debug)]
pub(crate) struct Slot {
    slot: proto::Slot,
    number: String,
}

impl From<proto::Slot> for Slot {
    fn from(slot: proto::Slot) -> Self {
        Self {
            number: slot.number.to_string(),
            slot,
        }
    }
}

impl Slot {
    fn kind(&self) -> String {
        word(self.slot.kind().as_str_name(), "SLOT_KIND_")
    }
}

impl Serialize for Slot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shape {
            number: u32,
            kind: String,
            memory_kib: u32,
            passes: u32,
        }
        Shape {
            number: self.slot.number,
            kind: self.kind(),
            memory_kib: self.slot.memory_kib,
            passes: self.slot.passes,
        }
        .serialize(serializer)
    }
}

impl Show for Slot {
    fn text(&self, style: Style) -> String {
        Self::table(std::slice::from_ref(self), style)
    }

    fn ids(&self) -> Vec<&str> {
        vec![&self.number]
    }
}

impl Row for Slot {
    const PLURAL: &'static str = "slots";
    const NONE: &'static str = "no vault yet. make one: msgctl vault create";

    fn table(rows: &[Self], style: Style) -> String {
        let mut table = Table::new(["SLOT", "OPENED BY", "MEMORY", "PASSES"]);
        for row in rows {
            let (memory, passes) = match row.slot.memory_kib {
                0 => (String::new(), String::new()),
                kib => (format!("{} MiB", kib / 1024), row.slot.passes.to_string()),
            };
            table.row([row.number.clone(), row.kind(), memory, passes]);
        }
        table.text(style)
    }

    fn id(&self) -> &str {
        &self.number
    }
}

/// A change that answers with nothing: `{}` for scripts, silence for people.
#[derive(Debug, Serialize)]
pub(crate) struct Done {}

impl Show for Done {
    fn text(&self, _: Style) -> String {
        String::new()
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
        assert_eq!(names(&Vault::from(proto::VaultState::Locked)), ["state"]);
        assert_eq!(
            names(&Slot::from(proto::Slot::default())),
            ["kind", "memory_kib", "number", "passes"]
        );
        assert!(names(&Done {}).is_empty());
    }

    #[test]
    fn a_file_slot_has_no_cost() {
        let slots = List(vec![
            Slot::from(proto::Slot {
                number: 0,
                kind: proto::SlotKind::Passphrase.into(),
                memory_kib: 262_144,
                passes: 3,
            }),
            Slot::from(proto::Slot {
                number: 1,
                kind: proto::SlotKind::File.into(),
                ..proto::Slot::default()
            }),
        ]);
        assert_eq!(
            slots.text(Style::default()),
            "SLOT  OPENED BY   MEMORY   PASSES\n0     passphrase  256 MiB  3\n1     file\n"
        );
    }
}
