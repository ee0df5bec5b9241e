//! A locked daemon keeps what comes, and shows it when it is unlocked.

use crate::world::{Daemon, PASSPHRASE, introduce};
use msgd::{
    ipc::grpc::proto::v1::{DeliveryState, VaultState},
    model::ErrorCode,
};

async fn alice_and_guarded_bob() -> (Daemon, Daemon) {
    let (alice, bob) = tokio::join!(Daemon::ready("Alice"), Daemon::guarded("Bob"));
    introduce(&alice, &bob).await;
    (alice, bob)
}

#[tokio::test]
async fn what_comes_while_locked_is_stored_and_shown_after_unlocking() {
    let (alice, bob) = alice_and_guarded_bob().await;
    bob.lock().await;
    assert_eq!(bob.vault_state().await, VaultState::Locked);
    let message = alice.send("Bob", "are you there?").await;
    let state = alice.wait(&message.id, DeliveryState::Stored).await;
    assert_eq!(state, DeliveryState::Stored);
    let refused = bob.try_send("Alice", "not now", "").await;
    assert_eq!(refused.expect_err("locked").code, ErrorCode::Locked);

    let wrong = bob.unlock(b"wrong horse battery").await;
    assert_eq!(wrong.expect_err("wrong").code, ErrorCode::Denied);
    assert_eq!(bob.vault_state().await, VaultState::Locked);
    assert_eq!(bob.unlock(PASSPHRASE).await, Ok(VaultState::Unlocked));
    bob.hears("Alice", &["are you there?"]).await;
    alice.is_delivered(&message).await;
}

#[tokio::test]
async fn a_restart_while_locked_still_recognises_contacts() {
    let (alice, mut bob) = alice_and_guarded_bob().await;
    bob.lock().await;
    bob.kill();
    let message = alice.send("Bob", "and now?").await;
    bob.start().await;
    assert_eq!(bob.vault_state().await, VaultState::Locked);
    let state = alice.wait(&message.id, DeliveryState::Stored).await;
    assert_eq!(state, DeliveryState::Stored);
    assert_eq!(bob.unlock(PASSPHRASE).await, Ok(VaultState::Unlocked));
    bob.hears("Alice", &["and now?"]).await;
    alice.is_delivered(&message).await;
}
