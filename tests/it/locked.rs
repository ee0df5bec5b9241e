//! A locked daemon keeps what comes, and shows it when it is unlocked.

use crate::deeds::introduce;
use crate::world::{Daemon, PASSPHRASE};
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

#[tokio::test]
async fn a_locked_host_tells_what_it_knows_and_a_sealed_one_that_it_knows_nothing() {
    let mut host = Daemon::guarded("Host").await;
    let offered = host.msgctl(&["mailbox", "offer", "mum"]);
    assert!(offered.status.success(), "{offered:?}");
    let code = |host: &Daemon, line: &[&str]| {
        let output = host.msgctl(&[&["mailbox"], line].concat());
        output.status.code().expect("an end")
    };
    host.lock().await;
    let stat = host.msgctl(&["mailbox", "stat", "--json"]);
    assert!(String::from_utf8_lossy(&stat.stdout).contains("\"mailboxes\":1"));
    // It may be called so, which cannot be read now.
    assert_eq!(code(&host, &["revoke", "mum"]), 6);
    host.kill();
    host.reboots();
    host.start().await;
    assert_eq!(host.vault_state().await, VaultState::Sealed);
    for line in [&["stat"][..], &["hosted"], &["revoke", "mum"]] {
        assert_eq!(code(&host, line), 6, "{line:?}");
    }
    assert_eq!(host.unlock(PASSPHRASE).await, Ok(VaultState::Unlocked));
    assert_eq!(code(&host, &["revoke", "dad"]), 4);
    assert_eq!(code(&host, &["revoke", "mum"]), 0);
}

#[tokio::test]
async fn after_a_reboot_the_vault_is_sealed_and_unlocking_it_brings_and_sends_all_that_waits() {
    let (mut alice, mut bob) = alice_and_guarded_bob().await;
    assert!(alice.stop().await.success());
    let waiting = bob.send("Alice", "written before the power went").await;
    bob.kill();
    bob.reboots();
    alice.start().await;
    let for_bob = alice.send("Bob", "written to a dark house").await;
    bob.start().await;
    assert_eq!(bob.vault_state().await, VaultState::Sealed);
    let status = bob.msgctl(&["status"]);
    let said = String::from_utf8(status.stdout).expect("text");
    assert!(status.status.success() && said.contains("sealed"), "{said}");
    let refused = bob.try_send("Alice", "not now", "").await;
    assert_eq!(refused.expect_err("sealed").code, ErrorCode::Locked);
    // Nobody is recognised, so nobody is told that anything was kept.
    let state = alice.messages("Bob").await[0].state();
    assert!(state < DeliveryState::Stored, "{state:?}");

    assert_eq!(bob.unlock(PASSPHRASE).await, Ok(VaultState::Unlocked));
    bob.hears("Alice", &["written to a dark house"]).await;
    alice.hears("Bob", &["written before the power went"]).await;
    alice.is_delivered(&for_bob).await;
    bob.is_delivered(&waiting).await;
}
