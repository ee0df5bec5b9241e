//! What the daemon answers, as `msgctl` shows it: JSON by `Serialize`, text by [`Show`].
//!
//! # Decisions
//! - JSON field names are those of `proto/msgd/v1`. They are written out here and not derived
//!   from the generated code, so that no change of the contract renames them by accident.
//! - Enum values are short lower-case words. What is unknown or does not apply is `null`, and
//!   an id that names nothing is empty, as in the contract. Fields are added, never taken away.

mod consumer;
mod contact;
mod conversation;
mod daemon;
mod event;
mod identity;
mod invite;
mod mailbox;
mod message;
mod network;
mod outbox;
mod request;
mod vault;

pub(crate) use consumer::Consumer;
pub(crate) use contact::{Contact, SafetyNumber};
pub(crate) use conversation::Conversation;
pub(crate) use daemon::{Doctor, Status};
pub(crate) use event::{Event, VARIABLES};
pub(crate) use identity::Identity;
pub(crate) use invite::{CreatedInvite, Invite};
pub(crate) use mailbox::{
    HostedMailbox, MailboxHostStatus, OfferedMailbox, OwnMailbox, RemovedMailbox, RevokedMailbox,
};
pub(crate) use message::{History, Message, Why};
pub(crate) use network::Network;
pub(crate) use outbox::{OutboxEntry, Retried};
pub(crate) use request::Request;
pub(crate) use vault::{Done, Slot, Vault};

use super::output::{Show, Style};
use serde::{Serialize, Serializer, ser::SerializeMap};

/// Something that is listed.
pub(crate) trait Row: Serialize {
    /// Name of the list in JSON: that of the repeated field in the contract.
    const PLURAL: &'static str;
    /// What a person is told when there are none.
    const NONE: &'static str;

    /// The rows as a table.
    fn table(rows: &[Self], style: Style) -> String
    where
        Self: Sized;

    /// The row's id.
    fn id(&self) -> &str;
}

/// A whole list.
#[derive(Debug)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T: Row> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(T::PLURAL, &self.0)?;
        map.end()
    }
}

impl<T: Row> Show for List<T> {
    fn text(&self, style: Style) -> String {
        T::table(&self.0, style)
    }

    fn ids(&self) -> Vec<&str> {
        self.0.iter().map(T::id).collect()
    }

    fn remark(&self) -> Option<&'static str> {
        self.0.is_empty().then_some(T::NONE)
    }
}

/// The word for an enum value of the contract: `DELIVERY_STATE_QUEUED` is `queued`.
fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix)
        .unwrap_or(name)
        .to_ascii_lowercase()
}

/// The same, for values whose zero means that there is nothing to say.
fn word_if_set(name: &str, prefix: &str) -> Option<String> {
    Some(word(name, prefix)).filter(|word| word != "unspecified")
}

/// Enough of an id to type; the daemon takes any unique prefix.
fn short(id: &str) -> String {
    id.chars().take(8).collect()
}

/// `no_address` as a person reads it.
fn spaced(word: Option<&str>) -> String {
    word.unwrap_or_default().replace('_', " ")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Field names of a JSON object, in order.
    pub(crate) fn names(thing: &impl Serialize) -> Vec<String> {
        let json = serde_json::to_value(thing).unwrap();
        json.as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn enum_values_become_short_words() {
        assert_eq!(word("DELIVERY_STATE_QUEUED", "DELIVERY_STATE_"), "queued");
        assert_eq!(
            word_if_set("FAILURE_REASON_UNSPECIFIED", "FAILURE_REASON_"),
            None
        );
        assert_eq!(spaced(Some("no_address")), "no address");
        assert_eq!(spaced(None), "");
    }

    #[test]
    fn a_list_is_one_object_with_one_array() {
        let list = List(Vec::<Contact>::new());
        assert_eq!(serde_json::to_string(&list).unwrap(), "{\"contacts\":[]}");
        assert!(list.remark().is_some());
    }
}
