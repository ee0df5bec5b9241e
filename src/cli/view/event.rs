//! Events as `tail` tells them.

use super::{short, word};
use crate::cli::{
    output::{Show, Style},
    text::{indented, one_line},
    when,
};
use crate::ipc::grpc::proto::v1::{self as proto, event::Kind};
use serde::Serialize;

/// An event, or a word about events that were missed. Only what its kind has is set.
#[derive(Default, Serialize)]
pub(crate) struct Event {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded_at_ms: Option<i64>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind_type: Option<&'static str>,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) conversation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invite: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connected: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missed: Option<u64>,
    /// Of a message's conversation, fetched by its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    /// Of a message, fetched by its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
}

impl From<proto::Event> for Event {
    fn from(event: proto::Event) -> Self {
        Self {
            seq: Some(event.seq),
            recorded_at_ms: Some(event.recorded_at_ms),
            ..event.kind.map(of_kind).unwrap_or_else(unknown)
        }
    }
}

impl From<proto::Lagged> for Event {
    fn from(lagged: proto::Lagged) -> Self {
        Self {
            kind: "lagged",
            missed: Some(lagged.missed),
            ..Self::default()
        }
    }
}

/// A kind that a later daemon knows and this program does not.
fn unknown() -> Event {
    Event {
        kind: "unknown",
        ..Event::default()
    }
}

fn of_kind(kind: Kind) -> Event {
    let plain = |kind_type, kind| Event {
        kind_type: Some(kind_type),
        kind,
        ..Event::default()
    };
    let message = |kind, conversation, message| Event {
        conversation: Some(conversation),
        message: Some(message),
        ..plain("message", kind)
    };
    match kind {
        Kind::MessageReceived(it) => message("message_received", it.conversation, it.message),
        Kind::MessageQueued(it) => message("message_queued", it.conversation, it.message),
        Kind::MessageStateChanged(it) => Event {
            state: Some(word(it.state().as_str_name(), "DELIVERY_STATE_")),
            conversation: Some(it.conversation),
            message: Some(it.message),
            ..plain("receipt", "message_state_changed")
        },
        Kind::UnreadChanged(it) => Event {
            conversation: Some(it.conversation),
            unread: Some(it.unread),
            ..plain("unread", "unread_changed")
        },
        Kind::ContactAdded(it) => Event {
            contact: Some(it.contact),
            ..plain("contact", "contact_added")
        },
        Kind::ContactChanged(it) => Event {
            contact: Some(it.contact),
            ..plain("contact", "contact_changed")
        },
        Kind::PresenceChanged(it) => Event {
            contact: Some(it.contact),
            connected: Some(it.connected),
            ..plain("presence", "presence_changed")
        },
        Kind::RequestChanged(it) => Event {
            request: Some(it.request),
            ..plain("request", "request_changed")
        },
        Kind::InviteChanged(it) => Event {
            invite: Some(it.invite),
            ..plain("invite", "invite_changed")
        },
        Kind::IdentityChanged(it) => Event {
            identity: Some(it.identity),
            ..plain("identity", "identity_changed")
        },
        Kind::VaultChanged(it) => Event {
            state: Some(word(it.state().as_str_name(), "VAULT_STATE_")),
            ..plain("vault", "vault_changed")
        },
        Kind::Gap(it) => Event {
            from_seq: Some(it.from_seq),
            to_seq: Some(it.to_seq),
            kind: "gap",
            ..Event::default()
        },
    }
}

/// Variables that `--exec` sets, in the order of [`Event::variables`].
pub(crate) const VARIABLES: [&str; 9] = [
    "MSGD_EVENT_SEQ",
    "MSGD_EVENT_TYPE",
    "MSGD_EVENT_KIND",
    "MSGD_EVENT_CONVERSATION",
    "MSGD_EVENT_MESSAGE",
    "MSGD_EVENT_CONTACT",
    "MSGD_EVENT_REQUEST",
    "MSGD_EVENT_INVITE",
    "MSGD_EVENT_IDENTITY",
];

impl Event {
    /// Whether it is about a message whose text can be fetched.
    pub(crate) fn is_message(&self) -> bool {
        self.kind_type == Some("message")
    }

    /// Whether it is about a contact, whose name may have changed.
    pub(crate) fn is_contact(&self) -> bool {
        self.kind_type == Some("contact")
    }

    /// The highest number this item deals with; none for a [`Lagged`](proto::Lagged).
    pub(crate) fn cursor(&self) -> Option<u64> {
        self.seq.max(self.to_seq)
    }

    /// The values of [`VARIABLES`]: ids, number and type, and nothing a stranger wrote, because
    /// the environment of a process can be read by others of the same user.
    pub(crate) fn variables(&self) -> [Option<String>; 9] {
        [
            self.seq.map(|seq| seq.to_string()),
            self.kind_type.map(str::to_owned),
            Some(self.kind.to_owned()),
            self.conversation.clone(),
            self.message.clone(),
            self.contact.clone(),
            self.request.clone(),
            self.invite.clone(),
            self.identity.clone(),
        ]
    }

    /// What it says after its time.
    fn words(&self) -> String {
        let id = |id: &Option<String>| short(id.as_deref().unwrap_or_default());
        let state = self.state.as_deref().unwrap_or_default();
        match self.kind {
            "message_received" => format!("from {}: {}", self.who(), self.said()),
            "message_queued" => format!("to {}: {}", self.who(), self.said()),
            "message_state_changed" => format!("message {} is {state}", id(&self.message)),
            "unread_changed" => format!(
                "{} unread in conversation {}",
                self.unread.unwrap_or_default(),
                id(&self.conversation)
            ),
            "contact_added" => format!("contact {} added", id(&self.contact)),
            "contact_changed" => format!("contact {} changed", id(&self.contact)),
            "presence_changed" if self.connected == Some(true) => {
                format!("contact {} is connected", id(&self.contact))
            }
            "presence_changed" => format!("the link to contact {} is down", id(&self.contact)),
            "request_changed" => format!("contact request {} changed", id(&self.request)),
            "invite_changed" => format!("invite {} changed", id(&self.invite)),
            "identity_changed" => format!("identity {} changed", id(&self.identity)),
            "vault_changed" => format!("the vault is {state}"),
            "gap" => format!(
                "events {} to {} are no longer stored",
                self.from_seq.unwrap_or_default(),
                self.to_seq.unwrap_or_default()
            ),
            "lagged" => format!(
                "too slow for {} events; they follow from the log",
                self.missed.unwrap_or_default()
            ),
            other => format!("{other} event"),
        }
    }

    fn who(&self) -> String {
        let id = self.conversation.as_deref().unwrap_or_default();
        self.title.as_deref().map_or_else(|| short(id), one_line)
    }

    fn said(&self) -> String {
        self.text.as_deref().map_or_else(
            || {
                format!(
                    "[message {}]",
                    short(self.message.as_deref().unwrap_or_default())
                )
            },
            |text| indented(text, "    "),
        )
    }
}

impl Show for Event {
    fn text(&self, style: Style) -> String {
        let number = self
            .seq
            .map_or_else(|| "-".to_owned(), |seq| seq.to_string());
        let time = self
            .recorded_at_ms
            .map(when::second_of_day)
            .unwrap_or_default();
        let head = format!("{number} {time}");
        format!("{} {}\n", style.faint(head.trim_end()), self.words())
    }

    fn ids(&self) -> Vec<&str> {
        self.message.as_deref().into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: Kind) -> Event {
        proto::Event {
            seq: 7,
            recorded_at_ms: i64::MAX,
            kind: Some(kind),
        }
        .into()
    }

    fn received() -> Event {
        event(Kind::MessageReceived(proto::MessageReceived {
            conversation: "c0ffee0011223344".into(),
            message: "beef001122334455".into(),
        }))
    }

    #[test]
    fn json_has_only_what_the_kind_has() {
        let json = serde_json::to_string(&event(Kind::PresenceChanged(proto::PresenceChanged {
            contact: "aa".into(),
            connected: true,
        })));
        assert_eq!(
            json.unwrap(),
            "{\"seq\":7,\"recorded_at_ms\":9223372036854775807,\"type\":\"presence\",\
             \"kind\":\"presence_changed\",\"contact\":\"aa\",\"connected\":true}"
        );
        let lagged = Event::from(proto::Lagged { missed: 3 });
        assert_eq!(
            serde_json::to_string(&lagged).unwrap(),
            "{\"kind\":\"lagged\",\"missed\":3}"
        );
    }

    #[test]
    fn a_gap_moves_the_cursor_and_a_lag_does_not() {
        let gap = event(Kind::Gap(proto::Gap {
            from_seq: 3,
            to_seq: 9,
        }));
        assert_eq!(gap.cursor(), Some(9));
        assert_eq!(Event::from(proto::Lagged { missed: 3 }).cursor(), None);
        assert_eq!(received().cursor(), Some(7));
    }

    #[test]
    fn a_message_is_told_with_its_text_or_by_its_id() {
        let mut event = received();
        assert_eq!(
            event.text(Style::default()),
            "7 from c0ffee00: [message beef0011]\n"
        );
        event.title = Some("Bob\u{1b}".into());
        event.text = Some("one\ntwo".into());
        assert_eq!(
            event.text(Style::default()),
            "7 from Bob\u{241b}: one\n    two\n"
        );
    }

    #[test]
    fn variables_hold_nothing_a_stranger_wrote() {
        let mut event = received();
        event.title = Some("$(reboot)".into());
        event.text = Some("$(reboot)".into());
        let values: Vec<String> = event.variables().into_iter().flatten().collect();
        assert_eq!(
            values,
            [
                "7",
                "message",
                "message_received",
                "c0ffee0011223344",
                "beef001122334455"
            ]
        );
    }

    #[test]
    fn a_kind_from_the_future_is_told_and_passed() {
        let event = Event::from(proto::Event {
            seq: 8,
            ..proto::Event::default()
        });
        assert_eq!((event.cursor(), event.kind), (Some(8), "unknown"));
    }
}
