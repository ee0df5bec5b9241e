//! Names, errors and introspection, as clients meet them.

use super::{TestBus, client, idle_service};
use crate::ipc::dbus::{BUS_NAME, ROOT, bus_name, options::OptionDict, session};
use zbus::{Connection, fdo};

async fn call<B: serde::Serialize + zbus::DynamicType>(
    client: &Connection,
    interface: &str,
    method: &str,
    body: &B,
) -> zbus::Result<zbus::Message> {
    client
        .call_method(Some(BUS_NAME), ROOT, Some(interface), method, body)
        .await
}

#[tokio::test]
async fn one_daemon_a_profile_owns_the_name() {
    let bus = TestBus::start();
    let first = session::open(&idle_service(), Some(bus.address()))
        .await
        .unwrap();
    let second = session::open(&idle_service(), Some(bus.address()))
        .await
        .unwrap();
    session::claim(&first, BUS_NAME).await.unwrap();
    assert_eq!(
        session::claim(&second, BUS_NAME).await,
        Err(zbus::Error::NameTaken)
    );
    session::claim(&second, &bus_name("bob")).await.unwrap();

    let client = client(&bus).await;
    let names = fdo::DBusProxy::new(&client).await.unwrap();
    let owner = names.get_name_owner(BUS_NAME.try_into().unwrap()).await;
    assert_eq!(Some(&owner.unwrap()), first.unique_name());
}

#[tokio::test]
async fn a_refused_call_answers_with_an_error_from_the_table() {
    let bus = TestBus::start();
    let door = session::open(&idle_service(), Some(bus.address()))
        .await
        .unwrap();
    session::claim(&door, BUS_NAME).await.unwrap();
    let client = client(&bus).await;
    let body = ("carved in stone", b"x".as_slice(), OptionDict::new());
    let refused = call(&client, "org.msgd.Msgd1.Vault", "Create", &body).await;
    let Err(zbus::Error::MethodError(name, Some(text), _)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(name.as_str(), "org.msgd.Msgd1.Error.InvalidArgument");
    assert!(text.contains("passphrase"), "{text}");
}

#[tokio::test]
async fn an_unknown_option_is_refused_and_not_ignored() {
    let bus = TestBus::start();
    let door = session::open(&idle_service(), Some(bus.address()))
        .await
        .unwrap();
    session::claim(&door, BUS_NAME).await.unwrap();
    let client = client(&bus).await;
    let value = zbus::Variant::from("k").try_into_owned().unwrap();
    let options = OptionDict::from([("idempotencykey".to_owned(), value)]);
    let body = ("alice", "hi", options);
    let refused = call(&client, "org.msgd.Msgd1.Messages", "SendMessage", &body).await;
    let Err(zbus::Error::MethodError(name, ..)) = refused else {
        panic!("taken");
    };
    assert_eq!(name.as_str(), "org.msgd.Msgd1.Error.InvalidArgument");
}

#[tokio::test]
async fn introspection_on_the_bus_is_what_the_description_says() {
    let bus = TestBus::start();
    let door = session::open(&idle_service(), Some(bus.address()))
        .await
        .unwrap();
    session::claim(&door, BUS_NAME).await.unwrap();
    let client = client(&bus).await;
    let reply = call(
        &client,
        "org.freedesktop.DBus.Introspectable",
        "Introspect",
        &(),
    )
    .await;
    let xml: String = reply.unwrap().body().deserialize().unwrap();
    for interface in super::contract::root_interfaces() {
        assert!(xml.contains(&interface), "not there:\n{interface}");
    }
    assert!(xml.contains("org.freedesktop.DBus.ObjectManager"));
}
