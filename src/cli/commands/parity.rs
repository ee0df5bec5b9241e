//! Every call of the contract has a command.

use crate::cli::args::Cli;
use clap::Parser;
use std::{collections::BTreeSet, fs, path::Path};

/// Each call with a command line that makes it. A call that gets none is to say here why.
const CALLS: &[(&str, &str)] = &[
    ("AcceptMailbox", "mailbox accept CODE"),
    ("AcceptRequest", "request accept NAME"),
    ("AcknowledgeEvents", "tail --consumer NAME"),
    ("AddContact", "contact add LINK"),
    ("AddSlot", "vault slots add"),
    ("BlockContact", "contact block NAME"),
    ("CancelMessage", "msg cancel ID"),
    ("ChangePassphrase", "vault passphrase"),
    ("CreateIdentity", "identity create NAME"),
    ("CreateInvite", "invite"),
    ("CreateVault", "vault create"),
    ("DeclineRequest", "request decline NAME"),
    ("ExplainMessage", "msg why ID"),
    ("GetContact", "contact show NAME"),
    ("GetConversation", "read NAME"),
    ("GetIdentity", "identity show"),
    ("GetMailboxHostStatus", "mailbox stat"),
    ("GetMessage", "msg info ID"),
    ("GetNetwork", "net"),
    ("GetRequest", "request show NAME"),
    ("GetSafetyNumber", "contact safety-number NAME"),
    ("GetStatus", "status"),
    ("ListConsumers", "consumer ls"),
    ("ListContacts", "contact ls"),
    ("ListConversations", "ls"),
    ("ListHostedMailboxes", "mailbox hosted"),
    ("ListIdentities", "identity ls"),
    ("ListInvites", "invite ls"),
    ("ListMailboxes", "mailbox ls"),
    ("ListMessages", "read NAME"),
    ("ListOutbox", "outbox ls"),
    ("ListRequests", "request ls"),
    ("ListSlots", "vault slots ls"),
    ("LockVault", "vault lock"),
    ("MarkRead", "read NAME --mark-read"),
    ("OfferMailbox", "mailbox offer NAME"),
    ("RemoveConsumer", "consumer rm NAME"),
    ("RemoveMailbox", "mailbox remove NAME"),
    ("RemoveSlot", "vault slots remove 1"),
    ("RenameContact", "contact rename NAME ALIAS"),
    ("RenameIdentity", "identity rename NAME NEW"),
    ("RetryOutbox", "outbox retry"),
    ("RevokeInvite", "invite revoke ID"),
    ("RevokeMailbox", "mailbox revoke NAME"),
    ("RunDoctor", "doctor"),
    ("SendMessage", "send NAME TEXT"),
    ("StopDaemon", "stop"),
    ("Subscribe", "tail"),
    ("UnblockContact", "contact unblock NAME"),
    ("UnlockVault", "vault unlock"),
    // `status` has it for people; `vault` asks before it asks for a passphrase.
    ("VaultState", "vault unlock"),
    ("VerifyContact", "contact verify NAME"),
    ("WaitMessage", "send NAME TEXT --wait delivered"),
];

fn read(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let text = |file: fs::DirEntry| {
        let name = file.file_name().into_string().unwrap();
        (name, fs::read_to_string(file.path()).unwrap())
    };
    files.map(text).collect()
}

/// `GetStatus` as `get_status`.
fn snake(name: &str) -> String {
    let lower = |text: String, letter: char| match letter {
        letter if letter.is_uppercase() && !text.is_empty() => {
            format!("{text}_{}", letter.to_ascii_lowercase())
        }
        letter => format!("{text}{}", letter.to_ascii_lowercase()),
    };
    name.chars().fold(String::new(), lower)
}

#[test]
fn every_call_is_in_the_table() {
    let mut calls = BTreeSet::new();
    for (_, text) in read("proto/msgd/v1") {
        let named = |line: &str| {
            let rest = line.trim().strip_prefix("rpc ")?;
            rest.split('(').next().map(str::to_owned)
        };
        calls.extend(text.lines().filter_map(named));
    }
    let table: BTreeSet<String> = CALLS.iter().map(|(call, _)| (*call).to_owned()).collect();
    assert_eq!(calls, table);
}

#[test]
fn every_command_line_of_the_table_is_one() {
    for (call, line) in CALLS {
        let words = ["msgctl"].into_iter().chain(line.split(' '));
        assert!(Cli::try_parse_from(words).is_ok(), "{call}: {line}");
    }
}

#[test]
fn every_call_is_made_by_the_command_that_the_table_names() {
    let sources = read("src/cli/commands");
    for (call, line) in CALLS {
        // The noun is the file; a conversation has none, as `ls` and `read` are its verbs.
        let noun = match line.split(' ').next().unwrap() {
            "ls" | "read" => "conversation",
            noun => noun,
        };
        let made = format!("{}(", snake(call));
        let found =
            |(name, text): &(String, String)| *name == format!("{noun}.rs") && text.contains(&made);
        assert!(
            sources.iter().any(found),
            "`msgctl {line}` never asks {call}"
        );
    }
}
