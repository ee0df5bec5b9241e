//! `msgctl tail --exec`: runs a command for an event.

use crate::{
    cli::{exit_code::Failure, output::to_json, view},
    model::ErrorCode,
};
use std::{io::ErrorKind, process::Stdio};
use tokio::{io::AsyncWriteExt, process::Command};

/// Runs `command` with the event's JSON on its standard input.
///
/// Only ids, number and type are in its environment, so that no word of a stranger is ever part
/// of what a shell expands or other processes read.
///
/// # Errors
/// If it cannot be run or does not exit with 0; the event is then not dealt with.
pub(super) async fn run(command: &str, event: &view::Event) -> Result<(), Failure> {
    let seq = event.cursor().unwrap_or_default();
    let failed = |what: String| {
        Failure::new(
            ErrorCode::Failed,
            format!(
                "{what} at event {seq}, which is not acknowledged. mend the command and go on from there"
            ),
        )
    };
    let json = to_json(event)? + "\n";
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(command)
        .stdin(Stdio::piped())
        .kill_on_drop(true);
    for (name, value) in view::VARIABLES.into_iter().zip(event.variables()) {
        match value {
            Some(value) => shell.env(name, value),
            // One inherited from outside would speak of another event.
            None => shell.env_remove(name),
        };
    }
    let mut child = shell
        .spawn()
        .map_err(|error| failed(format!("the command cannot be run ({error})")))?;
    if let Some(mut stdin) = child.stdin.take() {
        match stdin.write_all(json.as_bytes()).await {
            // A command need not read what it is told.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            written => written.map_err(|error| {
                failed(format!("the command cannot be told the event ({error})"))
            })?,
        }
    }
    let ended = child
        .wait()
        .await
        .map_err(|error| failed(format!("the command was lost ({error})")))?;
    if ended.success() {
        Ok(())
    } else {
        Err(failed(format!("the command failed ({ended})")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::grpc::proto::v1::{self as proto, event::Kind};

    fn event() -> view::Event {
        let mut event = view::Event::from(proto::Event {
            seq: 7,
            recorded_at_ms: 1,
            kind: Some(Kind::MessageReceived(proto::MessageReceived {
                conversation: "c0".into(),
                message: "be".into(),
            })),
        });
        event.text = Some("'; touch owned; '".into());
        event
    }

    #[tokio::test]
    async fn a_command_gets_json_and_ids_and_no_strange_words_to_expand() {
        let dir = tempfile::tempdir().unwrap();
        let kept = dir.path().join("kept");
        let command = format!(
            "cd {} && cat > kept && env | grep ^MSGD_EVENT_ | sort >> kept",
            dir.path().display()
        );
        run(&command, &event()).await.unwrap();
        assert_eq!(
            std::fs::read_to_string(kept).unwrap(),
            "{\"seq\":7,\"recorded_at_ms\":1,\"type\":\"message\",\"kind\":\"message_received\",\
             \"conversation\":\"c0\",\"message\":\"be\",\"text\":\"'; touch owned; '\"}\n\
             MSGD_EVENT_CONVERSATION=c0\nMSGD_EVENT_KIND=message_received\nMSGD_EVENT_MESSAGE=be\n\
             MSGD_EVENT_SEQ=7\nMSGD_EVENT_TYPE=message\n"
        );
        assert!(!dir.path().join("owned").exists());
    }

    #[tokio::test]
    async fn a_command_that_fails_stops_the_telling() {
        let failure = run("exit 3", &event()).await.unwrap_err();
        assert_eq!(failure.exit_code(), 10);
        assert!(failure.to_string().contains("at event 7"), "{failure}");
    }

    #[tokio::test]
    async fn a_command_need_not_read() {
        let mut event = event();
        event.text = Some("x".repeat(200_000));
        run("exec <&-; true", &event).await.unwrap();
    }
}
