//! Objects that come, change and go, and what the bus is told of it.

use super::{TestBus, client, idle_service};
use crate::{
    ipc::dbus::{
        names,
        objects::{ContactObject, IdentityObject},
        served::{Private, Served, knowing, once},
        session,
        shelf::Shelf,
        signals,
    },
    model::{
        Contact, ContactId, ContactState, ContactVerification, ConversationId, DeliveryState,
        Direction, Event, EventKind, Fingerprint, IdentityId, InviteId, MessageId, Presence,
        Request, RequestId, RequestState, Timestamp, VaultState,
    },
};
use futures::StreamExt;
use std::{
    collections::HashMap,
    sync::atomic::{AtomicU32, Ordering},
};
use zbus::{
    MatchRule, MessageStream, OwnedObjectPath, OwnedVariant, message::Type,
    object_server::Interface,
};

type Interfaces = HashMap<String, HashMap<String, OwnedVariant>>;

fn contact() -> Contact {
    Contact {
        id: ContactId([1; 16]),
        identity: IdentityId([2; 16]),
        conversation: ConversationId([3; 16]),
        name: "Annabel".to_owned(),
        alias: String::new(),
        fingerprint: Fingerprint([4; 32]),
        state: ContactState::Active,
        verification: ContactVerification::Link,
        presence: Presence::Unknown,
        created_at: Timestamp(5),
    }
}

fn request() -> Request {
    Request {
        id: RequestId([6; 16]),
        identity: IdentityId([2; 16]),
        direction: Direction::Incoming,
        invite: None,
        name: "Annabel".to_owned(),
        greeting: "Hello!".to_owned(),
        fingerprint: Fingerprint([4; 32]),
        state: RequestState::Pending,
        contact: None,
        created_at: Timestamp(5),
        expires_at: Timestamp(6),
        failure: None,
    }
}

/// A door, and everything it broadcasts.
async fn door_and_signals(bus: &TestBus) -> (zbus::Connection, MessageStream) {
    let door = session::open(&idle_service(), Some(bus.address()))
        .await
        .unwrap();
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(door.unique_name().unwrap().to_owned())
        .build()
        .unwrap();
    let client = client(bus).await;
    let signals = MessageStream::for_match_rule(rule, &client, std::num::NonZeroUsize::new(64))
        .await
        .unwrap();
    (door, signals)
}

async fn next(signals: &mut MessageStream, member: &str) -> zbus::Message {
    let message = signals.next().await.unwrap().unwrap();
    assert_eq!(message.header().member().unwrap().as_str(), member);
    let body = message.body();
    for secret in [
        "Annabel",
        "Aunt",
        "Hello!",
        &Fingerprint([4; 32]).to_string(),
    ] {
        let found = body
            .data()
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!found, "{member} tells {secret:?}");
    }
    message
}

#[tokio::test]
async fn a_contact_comes_changes_and_goes_without_its_name_being_told() {
    let bus = TestBus::start();
    let (door, mut signals) = door_and_signals(&bus).await;
    let mut shelf = Shelf::<Contact>::new(&door, &idle_service());

    shelf.put(contact()).await.unwrap();
    let added = next(&mut signals, "InterfacesAdded").await;
    let (path, interfaces): (OwnedObjectPath, Interfaces) = added.body().deserialize().unwrap();
    assert_eq!(path, names::contact(contact().id));
    let told = &interfaces["org.msgd.Msgd1.Contact"];
    assert_eq!(<&str>::try_from(&told["State"]), Ok("active"));
    for private in ContactObject::PRIVATE {
        assert!(!told.contains_key(*private), "{private}");
    }

    let mut changed = contact();
    changed.alias = "Aunt".to_owned();
    changed.presence = Presence::Connected;
    shelf.put(changed.clone()).await.unwrap();
    let told = next(&mut signals, "PropertiesChanged").await;
    let (interface, values, invalidated): (String, HashMap<String, OwnedVariant>, Vec<String>) =
        told.body().deserialize().unwrap();
    assert_eq!(interface, "org.msgd.Msgd1.Contact");
    assert_eq!(values.len(), 1);
    assert_eq!(bool::try_from(&values["Connected"]), Ok(true));
    assert_eq!(invalidated, ["Alias"]);

    // Nothing new is not told: the next signal is the removal.
    shelf.put(changed).await.unwrap();
    shelf.replace(Vec::new()).await.unwrap();
    let removed = next(&mut signals, "InterfacesRemoved").await;
    let (path, interfaces): (OwnedObjectPath, Vec<String>) = removed.body().deserialize().unwrap();
    assert_eq!(path, names::contact(contact().id));
    assert_eq!(interfaces, ["org.msgd.Msgd1.Contact"]);
}

#[tokio::test]
async fn a_decided_request_is_no_object_any_more() {
    let bus = TestBus::start();
    let (door, mut signals) = door_and_signals(&bus).await;
    let mut shelf = Shelf::<Request>::new(&door, &idle_service());
    shelf.put(request()).await.unwrap();
    next(&mut signals, "InterfacesAdded").await;
    let mut frozen = request();
    frozen.state = RequestState::Frozen;
    shelf.put(frozen.clone()).await.unwrap();
    next(&mut signals, "PropertiesChanged").await;
    frozen.state = RequestState::Declined;
    shelf.put(frozen).await.unwrap();
    next(&mut signals, "InterfacesRemoved").await;
    assert!(shelf.get(request().id).is_none());
}

#[tokio::test]
async fn every_event_but_those_with_a_property_has_its_signal() {
    let bus = TestBus::start();
    let (door, mut signals) = door_and_signals(&bus).await;
    let conversation = ConversationId([3; 16]);
    let message = MessageId([7; 32]);
    let state = DeliveryState::Delivered;
    let (contact, request) = (contact().id, request().id);
    let told = [
        (
            EventKind::MessageReceived {
                conversation,
                message,
            },
            "MessageReceived",
        ),
        (
            EventKind::MessageQueued {
                conversation,
                message,
            },
            "MessageQueued",
        ),
        (
            EventKind::MessageState {
                conversation,
                message,
                state,
            },
            "MessageState",
        ),
        (EventKind::ContactAdded { contact }, "ContactAdded"),
        (EventKind::ContactChanged { contact }, "ContactChanged"),
        (EventKind::RequestChanged { request }, "RequestChanged"),
        (
            EventKind::InviteChanged {
                invite: InviteId([8; 16]),
            },
            "InviteChanged",
        ),
        (
            EventKind::IdentityChanged {
                identity: IdentityId([2; 16]),
            },
            "IdentityChanged",
        ),
    ];
    let untold = [
        EventKind::UnreadChanged {
            conversation,
            unread: 1,
        },
        EventKind::PresenceChanged {
            contact,
            connected: true,
        },
        EventKind::VaultChanged {
            state: VaultState::Locked,
        },
        EventKind::Gap { from: 1, to: 2 },
    ];
    let at = Timestamp(0);
    for kind in untold {
        signals::emit(&door, &Event { seq: 1, at, kind })
            .await
            .unwrap();
    }
    for (seq, (kind, name)) in (2..).zip(told) {
        signals::emit(&door, &Event { seq, at, kind })
            .await
            .unwrap();
        let message = next(&mut signals, name).await;
        let signature = message.body().signature().to_string();
        assert!(
            signature.starts_with('t') || signature.starts_with("(t"),
            "{signature}"
        );
        let body = message.body();
        let body = body.data().to_vec();
        assert!(
            body.windows(8)
                .any(|part| part == seq.to_ne_bytes().as_slice()),
            "{name}"
        );
    }
    signals::pending(&door, 10).await.unwrap();
    let hint = next(&mut signals, "EventsPending").await;
    let (seq, extras): (u64, HashMap<String, OwnedVariant>) = hint.body().deserialize().unwrap();
    assert_eq!((seq, extras.len()), (10, 0));
}

#[tokio::test]
async fn what_is_known_is_not_read_again() {
    let reads = AtomicU32::new(0);
    let read = || async {
        reads.fetch_add(1, Ordering::SeqCst);
        Ok(contact())
    };
    assert_eq!(once(read()).await.unwrap(), contact());
    assert_eq!(reads.load(Ordering::SeqCst), 1);
    knowing(contact(), async {
        once(read()).await.unwrap();
        once(read()).await.unwrap();
    })
    .await;
    assert_eq!(reads.load(Ordering::SeqCst), 1);
}

#[test]
fn zbus_announces_nothing_of_what_is_set_so_that_the_shelf_alone_does() {
    let (service, id) = (idle_service(), contact().id);
    let contact = twice(ContactObject { service, id });
    let (service, id) = (idle_service(), IdentityId([2; 16]));
    let identity = twice(IdentityObject { service, id });
    let mut settable = Vec::new();
    for (told_to_zbus, told_to_clients) in [contact, identity] {
        let mut lines = told_to_zbus.lines().map(str::trim);
        while let Some(line) = lines.next() {
            if line.contains("access=\"readwrite\"") {
                let announced = lines.next().unwrap();
                assert!(announced.ends_with("value=\"false\"/>"), "{announced}");
                settable.push(line.split('"').nth(1).unwrap().to_owned());
            }
        }
        assert!(!told_to_clients.contains("value=\"false\""));
    }
    assert_eq!(settable, ["Alias", "Name"]);
    let others = super::contract::description();
    assert_eq!(others.matches("access=\"readwrite\"").count(), 2);
    assert!(!others.contains("access=\"write\""));
}

/// Introspection of one object, as zbus makes it and as clients get it.
fn twice(object: impl Private) -> (String, String) {
    let (mut plain, mut served) = (String::new(), String::new());
    object.introspect_to_writer(&mut plain, 0);
    Served::new(object).introspect_to_writer(&mut served, 0);
    (plain, served)
}
