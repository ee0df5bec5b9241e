//! Nothing that the service or the gRPC door can do is missing on D-Bus.

use std::{collections::BTreeSet, fs, path::Path};

/// Where a call of the service is found on D-Bus.
enum Twin {
    /// A method or property below `org.msgd.Msgd1.`.
    Member(&'static str),
    /// On several: by selector at the root, and on the object itself.
    Members(&'static [&'static str]),
}

use Twin::{Member, Members};

/// Every call: its gRPC service, its name, its twin. None is without one; the first that shall
/// be gets a variant of its own here, with the reason.
const CALLS: &[(&str, &str, Twin)] = &[
    ("Daemon", "GetStatus", Member("Daemon.GetStatus")),
    ("Daemon", "RunDoctor", Member("Daemon.RunDoctor")),
    ("Daemon", "StopDaemon", Member("Daemon.StopDaemon")),
    (
        "Vault",
        "VaultState",
        Members(&["Vault.State", "Daemon.VaultState"]),
    ),
    ("Vault", "CreateVault", Member("Vault.Create")),
    ("Vault", "UnlockVault", Member("Vault.Unlock")),
    ("Vault", "LockVault", Member("Vault.Lock")),
    (
        "Vault",
        "ChangePassphrase",
        Member("Vault.ChangePassphrase"),
    ),
    ("Vault", "ListSlots", Member("Vault.ListSlots")),
    ("Vault", "AddSlot", Member("Vault.AddSlot")),
    ("Vault", "RemoveSlot", Member("Vault.RemoveSlot")),
    (
        "Identity",
        "CreateIdentity",
        Member("Identities.CreateIdentity"),
    ),
    ("Identity", "GetIdentity", Member("Identities.GetIdentity")),
    (
        "Identity",
        "ListIdentities",
        Member("Identities.ListIdentities"),
    ),
    (
        "Identity",
        "RenameIdentity",
        Members(&["Identity.Rename", "Identity.Name"]),
    ),
    ("Invite", "CreateInvite", Member("Invites.CreateInvite")),
    ("Invite", "ListInvites", Member("Invites.ListInvites")),
    ("Invite", "RevokeInvite", Member("Invites.RevokeInvite")),
    ("Contact", "AddContact", Member("Contacts.AddContact")),
    ("Contact", "GetContact", Member("Contacts.GetContact")),
    ("Contact", "ListContacts", Member("Contacts.ListContacts")),
    (
        "Contact",
        "RenameContact",
        Members(&["Contact.Rename", "Contact.Alias"]),
    ),
    ("Contact", "BlockContact", Member("Contact.Block")),
    ("Contact", "UnblockContact", Member("Contact.Unblock")),
    ("Contact", "VerifyContact", Member("Contact.Verify")),
    (
        "Contact",
        "GetSafetyNumber",
        Member("Contact.GetSafetyNumber"),
    ),
    ("Request", "GetRequest", Member("Requests.GetRequest")),
    ("Request", "ListRequests", Member("Requests.ListRequests")),
    ("Request", "AcceptRequest", Member("Request.Accept")),
    ("Request", "DeclineRequest", Member("Request.Decline")),
    (
        "Conversation",
        "GetConversation",
        Member("Conversations.GetConversation"),
    ),
    (
        "Conversation",
        "ListConversations",
        Member("Conversations.ListConversations"),
    ),
    ("Conversation", "MarkRead", Member("Conversation.MarkRead")),
    (
        "Message",
        "SendMessage",
        Members(&["Messages.SendMessage", "Contact.Send", "Conversation.Send"]),
    ),
    ("Message", "GetMessage", Member("Messages.GetMessage")),
    (
        "Message",
        "ListMessages",
        Members(&["Messages.ListMessages", "Conversation.ListMessages"]),
    ),
    (
        "Message",
        "ExplainMessage",
        Member("Messages.ExplainMessage"),
    ),
    ("Message", "WaitMessage", Member("Messages.WaitMessage")),
    ("Outbox", "ListOutbox", Member("Outbox.ListOutbox")),
    ("Outbox", "RetryOutbox", Member("Outbox.RetryOutbox")),
    ("Outbox", "CancelMessage", Member("Outbox.CancelMessage")),
    ("Mailbox", "OfferMailbox", Member("Mailboxes.OfferMailbox")),
    (
        "Mailbox",
        "ListHostedMailboxes",
        Member("Mailboxes.ListHostedMailboxes"),
    ),
    (
        "Mailbox",
        "RevokeMailbox",
        Member("Mailboxes.RevokeMailbox"),
    ),
    (
        "Mailbox",
        "GetMailboxHostStatus",
        Member("Mailboxes.GetMailboxHostStatus"),
    ),
    (
        "Mailbox",
        "AcceptMailbox",
        Member("Mailboxes.AcceptMailbox"),
    ),
    (
        "Mailbox",
        "ListMailboxes",
        Member("Mailboxes.ListMailboxes"),
    ),
    (
        "Mailbox",
        "RemoveMailbox",
        Member("Mailboxes.RemoveMailbox"),
    ),
    ("Network", "GetNetwork", Member("Network.GetNetwork")),
    // A stream has no place on D-Bus: the log is read in pieces, signals say when.
    (
        "Event",
        "Subscribe",
        Members(&["Events.GetEvents", "Events.EventsPending"]),
    ),
    (
        "Event",
        "AcknowledgeEvents",
        Member("Events.AcknowledgeEvents"),
    ),
    ("Event", "ListConsumers", Member("Events.ListConsumers")),
    ("Event", "RemoveConsumer", Member("Events.RemoveConsumer")),
];

/// `org.msgd.Msgd1.` members of the description, as `Interface.Member`.
fn members() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut interface = String::new();
    for line in super::contract::description().lines().map(str::trim) {
        let name = line.split('"').nth(1).unwrap_or_default();
        if line.starts_with("<interface ") {
            interface = name.rsplit('.').next().unwrap().to_owned();
        } else if ["<method ", "<property ", "<signal "]
            .iter()
            .any(|tag| line.starts_with(tag))
        {
            found.insert(format!("{interface}.{name}"));
        }
    }
    found
}

/// Every file of a folder of the package, one after the other.
fn read(folder: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.is_file())
        .map(|file| fs::read_to_string(file).unwrap() + "\n")
        .collect()
}

fn camel_case(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    };
    name.split('_').map(word).collect()
}

#[test]
fn every_twin_is_really_there() {
    let members = members();
    for (_, call, twin) in CALLS {
        let named: &[&str] = match twin {
            Member(name) => &[*name],
            Members(names) => names,
        };
        for name in named {
            assert!(members.contains(*name), "{call}: no {name}");
        }
    }
}

#[test]
fn every_call_of_the_service_is_in_the_table() {
    let source = read("src/service");
    let mut calls = BTreeSet::new();
    for block in source.split("\nimpl Service {").skip(1) {
        let block = block.split("\n}").next().unwrap();
        for line in block.lines() {
            let line = line.strip_prefix("    pub ").unwrap_or_default();
            let line = line.strip_prefix("async ").unwrap_or(line);
            // Calls take the service itself; what makes one does not.
            let Some((name, rest)) = line.strip_prefix("fn ").and_then(|l| l.split_once('('))
            else {
                continue;
            };
            if rest.is_empty() || rest.starts_with("&self") {
                calls.insert(camel_case(name));
            }
        }
    }
    let table: BTreeSet<String> = CALLS
        .iter()
        .map(|(_, call, _)| (*call).to_owned())
        .collect();
    assert_eq!(calls, table);
}

#[test]
fn every_grpc_call_is_in_the_table() {
    let mut calls = BTreeSet::new();
    let mut service = String::new();
    let source = read("proto/msgd/v1");
    for line in source.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("service ") {
            service = rest.split("Service").next().unwrap().to_owned();
        } else if let Some(rest) = line.strip_prefix("rpc ") {
            calls.insert((service.clone(), rest.split('(').next().unwrap().to_owned()));
        }
    }
    let row = |(service, call, _): &(&str, &str, Twin)| ((*service).to_owned(), (*call).to_owned());
    let table: BTreeSet<_> = CALLS.iter().map(row).collect();
    assert_eq!(calls, table);
}
