//! The real `msgctl`: what it exits with, and what it prints.

use crate::deeds::alice_and_bob;
use crate::world::Daemon;
use std::process::Output;

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(text).expect("text")
}

#[tokio::test]
async fn exit_codes_are_those_of_the_table() {
    let (alice, mut bob) = alice_and_bob().await;
    let exits = |line: &[&str], expected: i32| {
        let output = alice.msgctl(line);
        assert_eq!(code(&output), expected, "{line:?}: {}", said(&output));
    };
    exits(&["status"], 0);
    exits(&["send", "Bob", "hello", "--wait", "delivered"], 0);
    exits(&["sned", "Bob", "hello"], 2);
    exits(&["send", "Bob", ""], 2);
    exits(&["send", "Carol", "hello"], 4);
    exits(&["contact", "add", "msgd:i1nonsense"], 2);
    exits(&["vault", "create", "--insecure-store"], 10);
    let long = "x".repeat(64 * 1024 + 1);
    exits(&["send", "Bob", &long], 11);
    bob.kill();
    exits(
        &[
            "send",
            "Bob",
            "later",
            "--wait",
            "delivered",
            "--timeout",
            "1s",
        ],
        8,
    );
    exits(&["vault", "lock"], 0);
    exits(&["send", "Bob", "hello"], 6);
    let away = Daemon::at_home("Nobody");
    assert_eq!(code(&away.msgctl(&["status"])), 3);
}

#[tokio::test]
async fn a_conversation_is_held_by_the_command_alone() {
    let (alice, bob) = tokio::join!(Daemon::fresh("Alice"), Daemon::fresh("Bob"));
    let run = |daemon: &Daemon, line: &[&str]| {
        let output = daemon.msgctl(line);
        assert_eq!(code(&output), 0, "{line:?}: {}", said(&output));
        String::from_utf8(output.stdout).expect("text")
    };
    for (daemon, name) in [(&alice, "Alice"), (&bob, "Bob")] {
        run(daemon, &["vault", "create", "--insecure-store"]);
        run(daemon, &["identity", "create", name]);
    }
    let printed = run(&alice, &["invite", "--auto-accept"]);
    let link = printed
        .split_whitespace()
        .find(|word| word.starts_with("msgd:i1"));
    run(&bob, &["contact", "add", link.expect("a link")]);
    bob.knows("Alice").await;
    let id = run(
        &bob,
        &["send", "Alice", "from a shell", "--wait", "delivered"],
    );
    assert_eq!(id.trim().len(), 64);
    let read = run(&alice, &["read", "Bob"]);
    assert!(read.contains("from a shell"), "{read}");
    let json = run(&alice, &["read", "Bob", "--json"]);
    let json: serde_json::Value = serde_json::from_str(json.trim()).expect("one document");
    assert!(json.to_string().contains(id.trim()), "{json}");
}
