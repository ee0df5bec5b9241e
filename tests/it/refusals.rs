//! What does not go says why, and breaks nothing.

use crate::world::{Daemon, PASSPHRASE};
use msgd::{
    ipc::grpc::{client::reply, proto::v1},
    model::ErrorCode,
};
use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::Path,
};

#[tokio::test]
async fn a_second_daemon_says_who_holds_the_profile() {
    let alice = Daemon::fresh("Alice").await;
    let status = v1::GetStatusRequest {};
    let status = reply(alice.client().daemon().get_status(status).await).expect("a status");
    let pid = status.status.expect("told").pid;
    let second = alice.msgd().output().expect("it runs");
    assert_eq!(second.status.code(), Some(10));
    let said = String::from_utf8(second.stderr).expect("text");
    assert!(said.contains(&pid.to_string()), "{said}");
    // The first one goes on.
    assert_eq!(alice.vault_state().await, v1::VaultState::Missing);
}

#[tokio::test]
async fn another_user_is_kept_out_by_the_daemons_folder_and_denied_behind_it() {
    const NOBODY: &str = "65534";
    let alice = Daemon::ready("Alice").await;
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: only root can become another user");
        return;
    }
    let as_nobody = || {
        let mut command = alice.command("setpriv");
        command
            .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"])
            .arg(env!("CARGO_BIN_EXE_msgctl"))
            .arg("status")
            .output()
            .expect("setpriv runs")
    };
    let open = |path: &Path| {
        fs::set_permissions(path, Permissions::from_mode(0o777)).expect("opened");
    };
    // The way to what the daemon made is open; that is not.
    open(alice.home());
    open(&alice.runtime_dir());
    let refused = as_nobody();
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    // Somebody opens the rest too: the two ends ask the kernel who the other one is.
    let below = alice.runtime_dir().join("msgd");
    for part in ["", "default", "default/msgd.sock"] {
        open(&below.join(part));
    }
    let denied = as_nobody();
    assert_eq!(denied.status.code(), Some(9), "{denied:?}");
    assert!(denied.stdout.is_empty(), "{denied:?}");
    let own = alice.msgctl(&["status"]);
    assert!(own.status.success(), "{own:?}");
}

#[test]
fn a_socket_that_somebody_else_answers_on_is_left_alone() {
    let alice = Daemon::at_home("Alice");
    let folder = alice.runtime_dir().join("msgd/default");
    fs::create_dir_all(&folder).expect("a folder");
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).expect("closed");
    let socket = folder.join("msgd.sock");
    let _other = UnixListener::bind(&socket).expect("bound");
    let refused = alice.msgd().output().expect("it runs");
    assert_eq!(refused.status.code(), Some(10), "{refused:?}");
    let said = String::from_utf8(refused.stderr).expect("text");
    assert!(said.contains(&socket.display().to_string()), "{said}");
}

#[test]
fn an_unknown_key_in_the_configuration_is_wrong_usage() {
    let alice = Daemon::at_home("Alice");
    let folder = alice.home().join(".config/msgd");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("config.toml"), "[net]\nlissten = []\n").expect("written");
    let refused = alice.msgd().output().expect("it runs");
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).expect("text");
    assert!(said.contains("lissten"), "{said}");
}

#[tokio::test]
async fn a_mistyped_invite_is_not_taken() {
    let (alice, bob) = tokio::join!(Daemon::ready("Alice"), Daemon::ready("Bob"));
    let (_, link) = alice.invite(true).await;
    let own = alice.add(&link).await.expect_err("their own");
    assert_eq!(own.code, ErrorCode::InvalidArgument);
    let at = link.len() - 4;
    let other = if &link[at..=at] == "q" { "p" } else { "q" };
    let mistyped = format!("{}{other}{}", &link[..at], &link[at + 1..]);
    for bad in [mistyped.as_str(), &link[..link.len() - 1], "hello", ""] {
        let refused = bob.add(bad).await.expect_err("mistyped");
        assert_eq!(refused.code, ErrorCode::InvalidArgument, "{bad}");
    }
    bob.add(&link).await.expect("untouched");
    let twice = bob.add(&link).await.expect_err("used");
    assert_eq!(twice.code, ErrorCode::Conflict);
}

#[tokio::test]
async fn a_revoked_invite_lets_nobody_in() {
    let (alice, bob) = tokio::join!(Daemon::ready("Alice"), Daemon::ready("Bob"));
    let (id, revoked) = alice.invite(true).await;
    let revoke = v1::RevokeInviteRequest {
        invite: id,
        ..Default::default()
    };
    let gone = reply(alice.client().invites().revoke_invite(revoke).await);
    let gone = gone.expect("revoked").invite.expect("told");
    assert_eq!(gone.state(), v1::InviteState::Revoked);
    let dead = bob
        .add(&revoked)
        .await
        .expect("it cannot be seen from the link");
    // A good link, used later, has long been answered when the dead one has not.
    let (_, good) = alice.invite(true).await;
    bob.add(&good).await.expect("the link is good");
    alice.knows("Bob").await;
    let get = v1::GetRequestRequest { request: dead.id };
    let state = reply(bob.client().requests().get_request(get).await);
    let state = state.expect("found").request.expect("told").state();
    assert_eq!(state, v1::RequestState::Pending);
}

#[tokio::test]
async fn an_invite_that_was_used_says_so_to_the_next() {
    let (alice, bob) = tokio::join!(Daemon::ready("Alice"), Daemon::ready("Bob"));
    let eve = Daemon::ready("Eve").await;
    let (_, link) = alice.invite(true).await;
    bob.add(&link).await.expect("the link is good");
    alice.knows("Bob").await;
    bob.knows("Alice").await;
    let late = eve
        .add(&link)
        .await
        .expect("it cannot be seen from the link");
    let told = eve
        .settles("why the request gets no answer", async |client| {
            let get = v1::GetRequestRequest {
                request: late.id.clone(),
            };
            let request = reply(client.requests().get_request(get).await);
            let request = request.expect("found").request.expect("told");
            (request.failure() != v1::FailureReason::Unspecified).then_some(request)
        })
        .await;
    assert_eq!(told.failure(), v1::FailureReason::NotThem);
    assert_eq!(told.state(), v1::RequestState::Pending);
    // The same from a person's side.
    let (_, used) = alice.invite(true).await;
    let carol = Daemon::ready("Carol").await;
    carol.add(&used).await.expect("the link is good");
    alice.knows("Carol").await;
    carol.knows("Alice").await;
    let refused = eve.msgctl(&["contact", "add", &used]);
    assert_eq!(refused.status.code(), Some(10), "{refused:?}");
    let said = String::from_utf8(refused.stderr).expect("text");
    assert!(said.contains("it was used before"), "{said}");
}

#[tokio::test]
async fn an_invite_that_two_present_is_compromised() {
    let (alice, bob) = tokio::join!(Daemon::ready("Alice"), Daemon::ready("Bob"));
    let eve = Daemon::ready("Eve").await;
    let (id, link) = alice.invite(false).await;
    bob.add(&link).await.expect("the link is good");
    invite_becomes(&alice, &id, v1::InviteState::Used).await;
    eve.add(&link).await.expect("the link is good");
    invite_becomes(&alice, &id, v1::InviteState::Compromised).await;
    let list = v1::ListRequestsRequest::default();
    let page = reply(alice.client().requests().list_requests(list).await).expect("a list");
    let states: Vec<_> = page
        .requests
        .iter()
        .map(v1::ContactRequest::state)
        .collect();
    assert_eq!(states, [v1::RequestState::Frozen]);
}

async fn invite_becomes(daemon: &Daemon, id: &str, state: v1::InviteState) {
    daemon
        .settles(&format!("an invite that is {state:?}"), async |client| {
            let list = v1::ListInvitesRequest::default();
            let page = reply(client.invites().list_invites(list).await).expect("a list");
            let found = page.invites.into_iter().find(|invite| invite.id == id)?;
            (found.state() == state).then_some(())
        })
        .await;
}

#[tokio::test]
async fn a_wrong_passphrase_is_denied() {
    let bob = Daemon::guarded("Bob").await;
    bob.lock().await;
    let wrong = bob.unlock(b"wrong horse battery").await;
    assert_eq!(wrong.expect_err("wrong").code, ErrorCode::Denied);
    assert_eq!(bob.vault_state().await, v1::VaultState::Locked);
    assert_eq!(bob.unlock(PASSPHRASE).await, Ok(v1::VaultState::Unlocked));
}

#[tokio::test]
async fn a_truncated_keyring_keeps_the_daemon_from_starting_and_loses_nothing() {
    let mut alice = Daemon::ready("Alice").await;
    assert!(alice.stop().await.success());
    let path = alice.data_dir().join("keyring.v1");
    let whole = fs::read(&path).expect("a keyring");
    fs::write(&path, &whole[..whole.len() / 2]).expect("written");
    let before = keys_in(&alice.data_dir());
    let refused = alice.msgd().output().expect("it runs");
    assert_eq!(refused.status.code(), Some(10));
    let said = String::from_utf8(refused.stderr).expect("text");
    assert!(said.contains("keyring"), "{said}");
    assert_eq!(keys_in(&alice.data_dir()), before);

    // Nor does a new keyring take the place of one that is gone: it would open none of the keys.
    fs::remove_file(&path).expect("removed");
    let refused = alice.msgd().output().expect("it runs");
    assert_eq!(refused.status.code(), Some(10));
    let said = String::from_utf8(refused.stderr).expect("text");
    assert!(said.contains("keyring.v1 is missing"), "{said}");
    fs::write(&path, whole).expect("written");
    alice.start().await;
    assert_eq!(alice.vault_state().await, v1::VaultState::Unlocked);
}

#[tokio::test]
async fn a_store_of_a_later_version_is_left_alone() {
    let mut alice = Daemon::ready("Alice").await;
    assert!(alice.stop().await.success());
    let schema = alice.data_dir().join("store/schema");
    let ours = fs::read(&schema).expect("a schema");
    fs::write(&schema, "999\n").expect("written");
    let before = files_in(&alice.data_dir());
    let refused = alice.msgd().output().expect("it runs");
    assert_eq!(refused.status.code(), Some(10));
    let said = String::from_utf8(refused.stderr).expect("text");
    assert!(said.contains("999"), "{said}");
    assert_eq!(files_in(&alice.data_dir()), before);
    fs::write(&schema, ours).expect("written");
    alice.start().await;
    assert_eq!(alice.vault_state().await, v1::VaultState::Unlocked);
}

/// Every file below `folder` but the lock, which names its holder.
fn files_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path
                .strip_prefix(folder)
                .expect("below")
                .display()
                .to_string();
            if path.is_dir() {
                folders.push(path);
            } else if !name.contains("lock") {
                files.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    files
}

/// The files that hold keys: everything outside the store's folder.
fn keys_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = files_in(folder);
    files.retain(|name, _| !name.starts_with("store/"));
    files
}
