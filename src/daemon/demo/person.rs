//! One person of the demonstration: a daemon of theirs and a client of it.

use super::DemoError;
use crate::{
    base::{Clock, Paths},
    ipc::grpc::{
        client::{Client, EventStream, reply},
        proto::v1::{self, event::Kind, subscribe_response::Item},
    },
};
use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// For each step. All of them together take about a second on a quiet machine.
const DEADLINE_S: u64 = 20;
/// Between two looks for the socket of a child that is starting.
const LOOK: Duration = Duration::from_millis(5);

pub(super) struct Person {
    pub(super) name: &'static str,
    dir: PathBuf,
    clock: Clock,
    daemon: Child,
    client: Client,
    events: EventStream,
    keep: bool,
}

impl Person {
    /// Starts a daemon in a folder of its own below `scratch`.
    pub(super) async fn start(
        name: &'static str,
        scratch: &Path,
        clock: &Clock,
    ) -> Result<Self, DemoError> {
        let dir = scratch.join(name.to_lowercase());
        Paths::create_private(&dir).map_err(|source| DemoError::Scratch {
            path: dir.clone(),
            source,
        })?;
        let mut daemon = spawn(&dir)?;
        match meet(&dir, clock).await {
            Ok((client, events)) => Ok(Self {
                name,
                dir,
                clock: clock.clone(),
                daemon,
                client,
                events,
                keep: false,
            }),
            Err(error) => {
                // It may have ended by itself; the error says what was missing.
                let _ = daemon.kill();
                let _ = daemon.wait();
                Err(error)
            }
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn pid(&self) -> u32 {
        self.daemon.id()
    }

    pub(super) fn socket(&self) -> PathBuf {
        socket(&self.dir)
    }

    /// Leaves the daemon running when this value goes.
    pub(super) fn keep(&mut self) {
        self.keep = true;
    }

    /// SIGKILL: no goodbye, no last write.
    pub(super) fn kill(&mut self) -> Result<(), DemoError> {
        self.daemon.kill().map_err(DemoError::Child)?;
        self.daemon.wait().map(drop).map_err(DemoError::Child)
    }

    /// Starts the daemon again over the same folder.
    pub(super) async fn restart(&mut self) -> Result<(), DemoError> {
        self.daemon = spawn(&self.dir)?;
        (self.client, self.events) = meet(&self.dir, &self.clock).await?;
        Ok(())
    }

    /// A vault and an identity.
    pub(super) async fn settle(&mut self) -> Result<(), DemoError> {
        let slot = v1::NewSlot {
            opener: Some(v1::new_slot::Opener::File(v1::new_slot::File {})),
        };
        let request = v1::CreateVaultRequest {
            slot: Some(slot),
            ..Default::default()
        };
        call(
            "making a vault",
            reply(self.client.vault().create_vault(request).await),
        )?;
        let request = v1::CreateIdentityRequest {
            name: self.name.to_owned(),
            ..Default::default()
        };
        call(
            "making an identity",
            reply(self.client.identities().create_identity(request).await),
        )?;
        Ok(())
    }

    /// Sends a text; returned means that it is on disk.
    pub(super) async fn send(&self, to: &str, text: &str) -> Result<v1::Message, DemoError> {
        let request = v1::SendMessageRequest {
            to: to.to_owned(),
            text: text.to_owned(),
            ..Default::default()
        };
        let answer = call(
            "sending",
            reply(self.client.messages().send_message(request).await),
        )?;
        answer
            .message
            .ok_or(DemoError::Unexpected("a sent message came back empty"))
    }

    /// The next message that comes in.
    pub(super) async fn receive(&mut self) -> Result<v1::Message, DemoError> {
        let message = self
            .wait("a message", |kind| match kind {
                Kind::MessageReceived(received) => Some(received.message),
                _ => None,
            })
            .await?;
        let request = v1::GetMessageRequest { message };
        let answer = call(
            "reading",
            reply(self.client.messages().get_message(request).await),
        )?;
        answer
            .message
            .ok_or(DemoError::Unexpected("a received message came back empty"))
    }

    /// Waits until the other side's device has signed for `message`.
    pub(super) async fn delivered(&self, message: &v1::Message) -> Result<(), DemoError> {
        let request = v1::WaitMessageRequest {
            message: message.id.clone(),
            until: v1::DeliveryState::Delivered.into(),
            limit_ms: DEADLINE_S * 1000,
        };
        let answer = call(
            "waiting for delivery",
            reply(self.client.messages().wait_message(request).await),
        )?;
        match answer.message.map(|message| message.state()) {
            Some(v1::DeliveryState::Delivered | v1::DeliveryState::Read) => Ok(()),
            _ => Err(DemoError::Unexpected(
                "a message ended without being delivered",
            )),
        }
    }

    /// The first event from here on for which `pick` finds something.
    pub(super) async fn wait<T>(
        &mut self,
        what: &'static str,
        pick: impl Fn(Kind) -> Option<T>,
    ) -> Result<T, DemoError> {
        let events = &mut self.events;
        let found = async {
            loop {
                let item = call("listening for events", events.next().await)?;
                let Some(item) = item else {
                    return Err(DemoError::Unexpected("the stream of events ended"));
                };
                if let Item::Event(event) = item
                    && let Some(found) = event.kind.and_then(&pick)
                {
                    return Ok(found);
                }
            }
        };
        tokio::select! {
            found = found => found,
            () = self.clock.sleep(Duration::from_secs(DEADLINE_S)) => {
                Err(DemoError::Late { what, seconds: DEADLINE_S })
            }
        }
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        if !self.keep {
            // It may be gone already, as after `kill`.
            let _ = self.daemon.kill();
            let _ = self.daemon.wait();
        }
    }
}

pub(super) fn call<T>(
    step: &'static str,
    answer: Result<T, crate::ipc::grpc::client::ClientError>,
) -> Result<T, DemoError> {
    answer.map_err(|source| DemoError::Call { step, source })
}

fn socket(dir: &Path) -> PathBuf {
    dir.join("run/msgd.sock")
}

fn spawn(dir: &Path) -> Result<Child, DemoError> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(dir.join("log"))
        .map_err(DemoError::Child)?;
    Command::new(std::env::current_exe().map_err(DemoError::Child)?)
        .arg("run")
        .arg("--data-dir")
        .arg(dir.join("data"))
        .arg("--runtime-dir")
        .arg(dir.join("run"))
        .args([
            "--listen",
            "127.0.0.1:0",
            "--no-dbus",
            "--log-format",
            "text",
        ])
        .env_clear()
        .env("HOME", dir)
        // A demo is nobody else's business.
        .env("MSGD_DHT", "off")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(DemoError::Child)
}

/// Connects as soon as the daemon answers, and listens to what happens from then on.
async fn meet(dir: &Path, clock: &Clock) -> Result<(Client, EventStream), DemoError> {
    let deadline = clock.steady_ms() + DEADLINE_S * 1000;
    let client = loop {
        match Client::connect(&socket(dir)).await {
            Ok(client) => break client,
            Err(_) if clock.steady_ms() < deadline => clock.sleep(LOOK).await,
            Err(source) => {
                return Err(DemoError::Call {
                    step: "connecting",
                    source,
                });
            }
        }
    };
    let request = v1::SubscribeRequest {
        since: Some(v1::subscribe_request::Since::SinceSeq(
            last_event(&client).await?,
        )),
        types: Vec::new(),
        follow: true,
    };
    let events = call("subscribing", client.subscribe(request).await)?;
    Ok((client, events))
}

async fn last_event(client: &Client) -> Result<u64, DemoError> {
    let answer = call(
        "asking for the status",
        reply(client.daemon().get_status(v1::GetStatusRequest {}).await),
    )?;
    Ok(answer.status.map_or(0, |status| status.last_event))
}
