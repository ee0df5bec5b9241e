//! A call that is repeated because its answer got lost has its effect once.

use crate::deeds::alice_and_bob;
use crate::world::Daemon;
use msgd::{
    ipc::grpc::{
        client::{ClientError, reply},
        proto::v1,
    },
    model::ErrorCode,
};

async fn rename(daemon: &Daemon, who: &str, alias: &str, key: &str) -> Result<String, ClientError> {
    let request = v1::RenameContactRequest {
        contact: who.into(),
        alias: alias.into(),
        idempotency_key: key.into(),
    };
    let renamed = reply(daemon.client().contacts().rename_contact(request).await)?;
    Ok(renamed.contact.expect("told").alias)
}

#[tokio::test]
async fn a_repeated_change_does_not_undo_a_later_one() {
    let (mut alice, _bob) = alice_and_bob().await;
    assert_eq!(
        rename(&alice, "Bob", "Rob", "1").await.expect("renamed"),
        "Rob"
    );
    assert_eq!(
        rename(&alice, "Rob", "Bert", "2").await.expect("renamed"),
        "Bert"
    );
    alice.kill();
    alice.start().await;
    // Nobody is called Rob by now, and the first answer was lost.
    assert_eq!(
        rename(&alice, "Bob", "Rob", "1").await.expect("known"),
        "Bert"
    );
    let other = rename(&alice, "Bob", "Robert", "1").await;
    assert_eq!(
        other.expect_err("another request").code,
        ErrorCode::Conflict
    );
}

#[tokio::test]
async fn a_repeated_removal_is_no_error() {
    let alice = Daemon::guarded("Alice").await;
    let file = v1::new_slot::Opener::File(v1::new_slot::File {});
    let add = v1::AddSlotRequest {
        slot: Some(v1::NewSlot { opener: Some(file) }),
        ..Default::default()
    };
    let added = reply(alice.client().vault().add_slot(add).await).expect("added");
    let remove = |key: &str| v1::RemoveSlotRequest {
        number: added.slot.expect("told").number,
        idempotency_key: key.into(),
    };
    let vault = || alice.client().vault();
    reply(vault().remove_slot(remove("1")).await).expect("removed");
    reply(vault().remove_slot(remove("1")).await).expect("known");
    let again = reply(vault().remove_slot(remove("2")).await);
    // Under another key it is another removal: of the last slot, or of none.
    let code = again.expect_err("refused").code;
    assert!(
        matches!(code, ErrorCode::NotFound | ErrorCode::Conflict),
        "{code:?}"
    );
}

#[tokio::test]
async fn a_repeated_mark_leaves_what_came_since_unread() {
    let (alice, bob) = alice_and_bob().await;
    bob.send("Alice", "one").await;
    alice.hears("Bob", &["one"]).await;
    let mark = async |key: &str| {
        let request = v1::MarkReadRequest {
            conversation: "Bob".into(),
            idempotency_key: key.into(),
            ..Default::default()
        };
        let marked = alice.client().conversations().mark_read(request).await;
        let marked = reply(marked).expect("marked");
        marked.conversation.expect("told").unread
    };
    assert_eq!(mark("1").await, 0);
    bob.send("Alice", "two").await;
    alice.hears("Bob", &["one", "two"]).await;
    assert_eq!(mark("1").await, 1);
    assert_eq!(mark("2").await, 0);
}
