//! The description of every interface: a golden file, and the rules that it must keep.

use super::idle_service;
use crate::{
    ipc::dbus::{
        mirror::Mirrored,
        objects::{
            Contacts, Conversations, Daemon, Events, Identities, Invites, Mailboxes, Messages,
            Network, Outbox, Requests, Vault,
        },
        served::{Private, Served},
    },
    model::{
        Contact, ContactId, Conversation, ConversationId, Identity, IdentityId, Request, RequestId,
    },
};
use std::{env, fs, path::Path};
use zbus::object_server::Interface;

const GOLDEN: &str = "tests/goldens/dbus_introspection.xml";

fn describe(object: impl Private) -> String {
    let mut xml = String::new();
    Served::new(object).introspect_to_writer(&mut xml, 2);
    xml
}

pub(super) fn root_interfaces() -> Vec<String> {
    let service = idle_service;
    vec![
        describe(Daemon(service())),
        describe(Vault(service())),
        describe(Identities(service())),
        describe(Invites(service())),
        describe(Requests(service())),
        describe(Contacts(service())),
        describe(Conversations(service())),
        describe(Messages(service())),
        describe(Outbox(service())),
        describe(Mailboxes(service())),
        describe(Network(service())),
        describe(Events(service())),
    ]
}

pub(super) fn description() -> String {
    let service = idle_service;
    let mut all = root_interfaces();
    all.push(describe(Identity::object(service(), IdentityId([0; 16]))));
    all.push(describe(Contact::object(service(), ContactId([0; 16]))));
    let conversation = ConversationId([0; 16]);
    all.push(describe(Conversation::object(service(), conversation)));
    all.push(describe(Request::object(service(), RequestId([0; 16]))));
    format!(
        "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n \
         \"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n<node>\n{}</node>\n",
        all.concat()
    )
}

/// `MSGD_BLESS=1 cargo test` writes the file anew.
#[test]
fn the_description_is_the_golden_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN);
    let is = description();
    if env::var_os("MSGD_BLESS").is_some() {
        fs::write(&path, &is).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap();
    assert_eq!(
        is, golden,
        "clients would notice; if that is meant, bless {GOLDEN}"
    );
}

/// Members with their lines, such as `method Send` and what is inside it.
fn members() -> Vec<(String, Vec<String>)> {
    let mut members: Vec<(String, Vec<String>)> = Vec::new();
    let mut interface = String::new();
    for line in description().lines().map(str::trim) {
        let tag = line.trim_start_matches('<').split(' ').next().unwrap();
        let name = || line.split('"').nth(1).unwrap().to_owned();
        match tag {
            "interface" => interface = name(),
            "method" | "signal" | "property" => {
                members.push((
                    format!("{tag} {interface}.{}", name()),
                    vec![line.to_owned()],
                ));
            }
            "arg" | "annotation" => {
                if let Some((_, lines)) = members.last_mut() {
                    lines.push(line.to_owned());
                }
            }
            _ => {}
        }
    }
    members
}

#[test]
fn every_member_is_documented() {
    let bare: Vec<_> = members()
        .into_iter()
        .filter(|(_, lines)| !lines.iter().any(|line| line.contains("DocString")))
        .map(|(name, _)| name)
        .collect();
    assert!(bare.is_empty(), "{bare:?}");
}

#[test]
fn every_call_reply_and_signal_ends_in_a_dictionary() {
    let dictionary = |line: &&String| line.contains("type=\"a{sv}\"");
    for (name, lines) in members() {
        let args = |direction: &str| {
            let wanted = format!("direction=\"{direction}\"");
            let args = lines.iter().filter(|line| line.starts_with("<arg"));
            args.filter(|line| line.contains(&wanted))
                .collect::<Vec<_>>()
        };
        if name.starts_with("method") {
            assert!(args("in").last().is_some_and(dictionary), "{name}");
            assert!(args("out").last().is_some_and(dictionary), "{name}");
        } else if name.starts_with("signal") {
            let last = lines.iter().rfind(|line| line.starts_with("<arg"));
            assert!(last.as_ref().is_some_and(dictionary), "{name}");
        }
    }
}

#[test]
fn names_texts_and_fingerprints_are_never_broadcast() {
    let told = [
        "Name",
        "Alias",
        "Title",
        "Greeting",
        "Fingerprint",
        "DeviceFingerprint",
    ];
    let mut seen = 0;
    for (name, lines) in members()
        .iter()
        .filter(|(name, _)| name.starts_with("property"))
    {
        let property = name.rsplit('.').next().unwrap();
        if told.contains(&property) {
            seen += 1;
            let quiet = ["\"invalidates\"", "\"const\""];
            let quiet = |line: &String| quiet.iter().any(|word| line.contains(word));
            assert!(lines.iter().any(quiet), "{name}");
        }
    }
    assert_eq!(seen, 10);
}
