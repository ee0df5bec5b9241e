//! Models as clients see them: dictionaries whose names never change their meaning.
//!
//! Times are milliseconds since 1970-01-01 UTC (`x`); what is unknown is left out.

use super::{names, options::Extras, words};
use crate::{
    model::{
        Attempt, Contact, Conversation, Event, EventKind, HostedMailbox, Identity, Invite,
        MailboxHostStatus, Message, OutboxEntry, OwnMailbox, Presence, Request, Timestamp,
    },
    service::{Consumer, Finding, Slot, Status},
};
use zbus::{OwnedObjectPath, Variant};

/// An object and its properties.
pub(super) type Row = (OwnedObjectPath, Extras);
/// Something without an object, by its id or name, and what is known about it.
pub(super) type TextRow = (String, Extras);
/// An event: number, time, kind, and the ids that belong to it.
pub(super) type EventRow = (u64, i64, &'static str, Extras);

fn path(path: OwnedObjectPath) -> Variant<'static> {
    Variant::from(path.into_inner())
}

fn time(at: Timestamp) -> Variant<'static> {
    Variant::from(at.0)
}

fn text(text: impl Into<String>) -> Variant<'static> {
    Variant::from(text.into())
}

pub(super) fn status(status: Status) -> Extras {
    let listen: Vec<String> = status.listen.iter().map(ToString::to_string).collect();
    Extras::from([
        ("version", text(status.version)),
        ("profile", text(status.profile)),
        ("pid", Variant::from(status.pid)),
        ("started_at", time(status.started_at)),
        ("vault", text(words::vault_state(status.vault))),
        ("identities", Variant::from(status.identities)),
        ("contacts", Variant::from(status.contacts)),
        ("links", Variant::from(status.links)),
        ("listen", Variant::from(listen)),
        ("outbox", Variant::from(status.outbox)),
        ("unread", Variant::from(status.unread)),
        ("pending_requests", Variant::from(status.pending_requests)),
        ("last_event", Variant::from(status.last_event)),
        ("crypto_backend", text(status.crypto_backend)),
    ])
}

pub(super) fn finding(finding: Finding) -> (&'static str, &'static str, String) {
    (finding.check, words::level(finding.level), finding.text)
}

pub(super) fn slot(slot: Slot) -> (u32, Extras) {
    let fields = Extras::from([
        ("kind", text(words::slot_kind(slot.kind))),
        ("memory_kib", Variant::from(slot.memory_kib)),
        ("passes", Variant::from(slot.passes)),
    ]);
    (slot.number, fields)
}

pub(super) fn identity(identity: Identity) -> Row {
    let fields = Extras::from([
        ("id", text(identity.id.to_string())),
        ("name", text(identity.name)),
        ("fingerprint", text(identity.fingerprint.to_string())),
        (
            "device_fingerprint",
            text(identity.device_fingerprint.to_string()),
        ),
        ("created_at", time(identity.created_at)),
    ]);
    (names::identity(identity.id), fields)
}

pub(super) fn contact(contact: Contact) -> Row {
    let connected = contact.presence == Presence::Connected;
    let fields = Extras::from([
        ("id", text(contact.id.to_string())),
        ("identity", path(names::identity(contact.identity))),
        (
            "conversation",
            path(names::conversation(contact.conversation)),
        ),
        ("name", text(contact.name)),
        ("alias", text(contact.alias)),
        ("fingerprint", text(contact.fingerprint.to_string())),
        ("state", text(words::contact_state(contact.state))),
        (
            "verification",
            text(words::verification(contact.verification)),
        ),
        ("connected", Variant::from(connected)),
        ("created_at", time(contact.created_at)),
    ]);
    (names::contact(contact.id), fields)
}

pub(super) fn request(request: Request) -> Row {
    let mut fields = Extras::from([
        ("id", text(request.id.to_string())),
        ("identity", path(names::identity(request.identity))),
        ("direction", text(words::direction(request.direction))),
        ("name", text(request.name)),
        ("greeting", text(request.greeting)),
        ("fingerprint", text(request.fingerprint.to_string())),
        ("state", text(words::request_state(request.state))),
        ("created_at", time(request.created_at)),
        ("expires_at", time(request.expires_at)),
    ]);
    if let Some(reason) = request.failure {
        fields.insert("failure", text(words::failure(reason)));
    }
    if let Some(invite) = request.invite {
        fields.insert("invite", text(invite.to_string()));
    }
    if let Some(contact) = request.contact {
        fields.insert("contact", path(names::contact(contact)));
    }
    (names::request(request.id), fields)
}

pub(super) fn invite(invite: Invite) -> TextRow {
    let fields = Extras::from([
        ("identity", path(names::identity(invite.identity))),
        ("state", text(words::invite_state(invite.state))),
        ("note", text(invite.note)),
        ("auto_accept", Variant::from(invite.auto_accept)),
        ("created_at", time(invite.created_at)),
        ("expires_at", time(invite.expires_at)),
    ]);
    (invite.id.to_string(), fields)
}

pub(super) fn hosted_mailbox(mailbox: HostedMailbox) -> TextRow {
    let mut fields = Extras::from([
        ("name", text(mailbox.name)),
        ("created_at", time(mailbox.created_at)),
        ("hashes", Variant::from(mailbox.hashes)),
        ("max_hashes", Variant::from(mailbox.max_hashes)),
        ("parcels", Variant::from(mailbox.parcels)),
        ("bytes", Variant::from(mailbox.bytes)),
        ("max_bytes", Variant::from(mailbox.max_bytes)),
        ("links", Variant::from(mailbox.links)),
        ("owner_linked", Variant::from(mailbox.owner_linked)),
    ]);
    if let Some(at) = mailbox.seen_at {
        fields.insert("seen_at", time(at));
    }
    (mailbox.id.to_string(), fields)
}

pub(super) fn own_mailbox(mailbox: OwnMailbox) -> TextRow {
    let mut fields = Extras::from([
        ("identity", path(names::identity(mailbox.identity))),
        ("note", text(mailbox.note)),
        ("created_at", time(mailbox.created_at)),
        ("failing", Variant::from(mailbox.failing)),
    ]);
    if let Some(at) = mailbox.polled_at {
        fields.insert("polled_at", time(at));
    }
    (mailbox.id.to_string(), fields)
}

pub(super) fn mailbox_host_status(status: MailboxHostStatus) -> Extras {
    Extras::from([
        ("mailboxes", Variant::from(status.mailboxes)),
        ("max_mailboxes", Variant::from(status.max_mailboxes)),
        ("parcels", Variant::from(status.parcels)),
        ("bytes", Variant::from(status.bytes)),
        ("max_bytes", Variant::from(status.max_bytes)),
        ("taken", Variant::from(status.taken)),
        ("refused", Variant::from(status.refused)),
    ])
}

pub(super) fn conversation(conversation: Conversation) -> Row {
    let mut fields = Extras::from([
        ("id", text(conversation.id.to_string())),
        ("identity", path(names::identity(conversation.identity))),
        ("contact", path(names::contact(conversation.contact))),
        ("title", text(conversation.title)),
        ("unread", Variant::from(conversation.unread)),
        ("message_count", Variant::from(conversation.message_count)),
    ]);
    if let Some(message) = conversation.last_message {
        fields.insert("last_message", text(message.to_string()));
    }
    if let Some(at) = conversation.last_at {
        fields.insert("last_at", time(at));
    }
    (names::conversation(conversation.id), fields)
}

pub(super) fn message(message: Message) -> TextRow {
    let mut fields = Extras::from([
        (
            "conversation",
            path(names::conversation(message.conversation)),
        ),
        ("index", Variant::from(message.index)),
        ("direction", text(words::direction(message.direction))),
        ("author_device", text(message.author_device.to_string())),
        ("author_seq", Variant::from(message.author_seq)),
        ("written_at", time(message.hlc.timestamp())),
        ("stored_at", time(message.stored_at)),
        ("text", text(message.text)),
        ("state", text(message.state.word())),
    ]);
    if let Some(at) = message.delivered_at {
        fields.insert("delivered_at", time(at));
    }
    (message.id.to_string(), fields)
}

pub(super) fn outbox_entry(entry: OutboxEntry) -> TextRow {
    let mut fields = Extras::from([
        (
            "conversation",
            path(names::conversation(entry.conversation)),
        ),
        ("contact", path(names::contact(entry.contact))),
        ("state", text(entry.state.word())),
        ("attempts", Variant::from(entry.attempts)),
        ("queued_at", time(entry.queued_at)),
        ("expires_at", time(entry.expires_at)),
    ]);
    if let Some(reason) = entry.reason {
        fields.insert("reason", text(words::failure(reason)));
    }
    if let Some(at) = entry.next_attempt_at {
        fields.insert("next_attempt_at", time(at));
    }
    (entry.message.to_string(), fields)
}

pub(super) fn attempt(attempt: &Attempt) -> Extras {
    let mut fields = Extras::from([
        ("at", time(attempt.at)),
        ("path", text(attempt.path.word())),
    ]);
    if let Some(failure) = attempt.failure {
        fields.insert("failure", text(words::failure(failure)));
    }
    fields
}

pub(super) fn consumer(consumer: Consumer) -> TextRow {
    let fields = Extras::from([
        ("acknowledged", Variant::from(consumer.acknowledged)),
        ("at", time(consumer.at)),
    ]);
    (consumer.name, fields)
}

pub(super) fn event(event: &Event) -> EventRow {
    let of_message = |conversation, message: crate::model::MessageId| {
        Extras::from([
            ("conversation", path(names::conversation(conversation))),
            ("message", text(message.to_string())),
        ])
    };
    let fields = match event.kind {
        EventKind::MessageReceived {
            conversation,
            message,
        }
        | EventKind::MessageQueued {
            conversation,
            message,
        } => of_message(conversation, message),
        EventKind::MessageState {
            conversation,
            message,
            state,
        } => {
            let mut fields = of_message(conversation, message);
            fields.insert("state", text(state.word()));
            fields
        }
        EventKind::UnreadChanged {
            conversation,
            unread,
        } => Extras::from([
            ("conversation", path(names::conversation(conversation))),
            ("unread", Variant::from(unread)),
        ]),
        EventKind::ContactAdded { contact } | EventKind::ContactChanged { contact } => {
            Extras::from([("contact", path(names::contact(contact)))])
        }
        EventKind::PresenceChanged { contact, connected } => Extras::from([
            ("contact", path(names::contact(contact))),
            ("connected", Variant::from(connected)),
        ]),
        EventKind::RequestChanged { request } => {
            Extras::from([("request", path(names::request(request)))])
        }
        EventKind::InviteChanged { invite } => Extras::from([("invite", text(invite.to_string()))]),
        EventKind::IdentityChanged { identity } => {
            Extras::from([("identity", path(names::identity(identity)))])
        }
        EventKind::VaultChanged { state } => {
            Extras::from([("state", text(words::vault_state(state)))])
        }
        EventKind::Gap { from, to } => {
            Extras::from([("from", Variant::from(from)), ("to", Variant::from(to))])
        }
    };
    (
        event.seq,
        event.at.0,
        words::event_kind(&event.kind),
        fields,
    )
}
