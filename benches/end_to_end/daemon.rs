//! One daemon in a scratch profile, and a client to it.

use crate::{Outcome, cable::End};
use msgd::ipc::grpc::{
    client::{Client, EventStream, reply},
    proto::v1::{
        self, EventType, SubscribeRequest, event::Kind, subscribe_request::Since,
        subscribe_response::Item,
    },
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    net::UnixDatagram,
    process::{Child, Command},
    time::timeout,
};

/// Nothing that is measured may take longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct Daemon {
    program: PathBuf,
    name: String,
    data: PathBuf,
    runtime: PathBuf,
    end: Option<End>,
    /// Nodes of the directory that it uses; none: the directory is off.
    directory: Option<String>,
    manager: UnixDatagram,
    running: Option<(Child, u32, Client)>,
}

/// A start: when the process was asked for, and when it said that it is ready.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Started {
    pub(crate) spawned: Instant,
    pub(crate) ready: Instant,
}

impl Started {
    pub(crate) fn took(&self) -> Duration {
        self.ready - self.spawned
    }
}

impl Daemon {
    pub(crate) fn new(
        program: &Path,
        name: &str,
        data: &Path,
        runtime: &Path,
        end: Option<End>,
    ) -> Outcome<Self> {
        for folder in [data, runtime] {
            fs::create_dir_all(folder)?;
        }
        Ok(Self {
            program: program.to_owned(),
            name: name.to_owned(),
            data: data.to_owned(),
            runtime: runtime.to_owned(),
            end,
            directory: None,
            manager: UnixDatagram::bind(runtime.join("notify"))?,
            running: None,
        })
    }

    /// Has it use the directory that begins with `nodes`, from its next start on.
    pub(crate) fn use_directory(&mut self, nodes: &str) {
        self.directory = Some(nodes.to_owned());
    }

    /// Has it listen on another port from its next start on.
    pub(crate) fn forget_port(&self) -> Outcome<()> {
        Ok(fs::remove_file(self.data.join("port"))?)
    }

    /// Starts it, as a service manager would, and waits for its word that it is ready.
    pub(crate) async fn start(&mut self) -> Outcome<Started> {
        let mut command = match &self.end {
            Some(end) => {
                let mut enter = Command::new("nsenter");
                enter
                    .arg(format!("--net={}", end.file().display()))
                    .arg(&self.program);
                enter
            }
            None => Command::new(&self.program),
        };
        let address = self
            .end
            .as_ref()
            .map_or([127, 0, 0, 1].into(), |end| end.address);
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.runtime.join("log"))?;
        command
            .args([
                "--no-dbus",
                "--log",
                "warn",
                "--listen",
                &format!("{address}:0"),
            ])
            .arg("--data-dir")
            .arg(&self.data)
            .arg("--runtime-dir")
            .arg(&self.runtime)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", &self.data)
            .env(
                "MSGD_DHT",
                if self.directory.is_some() {
                    "on"
                } else {
                    "off"
                },
            )
            .envs(
                self.directory
                    .iter()
                    .map(|nodes| ("MSGD_DHT_BOOTSTRAP", nodes)),
            )
            .env("NOTIFY_SOCKET", self.runtime.join("notify"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true);
        let spawned = Instant::now();
        let child = command.spawn()?;
        let pid = child.id().ok_or("it has ended already")?;
        let mut said = [0; 4096];
        let ready = loop {
            let told = timeout(PATIENCE, self.manager.recv(&mut said));
            let len = told
                .await
                .map_err(|_| self.trouble("it does not become ready"))??;
            let ready = Instant::now();
            if said[..len]
                .split(|byte| *byte == b'\n')
                .any(|line| line == b"READY=1")
            {
                break ready;
            }
        };
        let client = Client::connect(&self.runtime.join("msgd.sock")).await?;
        // Ready is a promise that it serves.
        reply(client.daemon().get_status(v1::GetStatusRequest {}).await)?;
        self.running = Some((child, pid, client));
        Ok(Started { spawned, ready })
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(&mut self) -> Outcome<Duration> {
        let (mut child, pid, _client) = self.running.take().ok_or("it does not run")?;
        let before = Instant::now();
        let process = i32::try_from(pid)?;
        let process = rustix::process::Pid::from_raw(process).ok_or("no such process")?;
        rustix::process::kill_process(process, rustix::process::Signal::TERM)?;
        let ended = timeout(PATIENCE, child.wait()).await??;
        if !ended.success() {
            return Err(self.trouble("it did not end well").into());
        }
        Ok(before.elapsed())
    }

    /// Ends it without a warning.
    pub(crate) async fn kill(&mut self) -> Outcome<()> {
        let (mut child, _, _client) = self.running.take().ok_or("it does not run")?;
        child.kill().await?;
        Ok(())
    }

    pub(crate) fn client(&self) -> Outcome<&Client> {
        Ok(&self.running.as_ref().ok_or("it does not run")?.2)
    }

    pub(crate) fn pid(&self) -> Outcome<u32> {
        Ok(self.running.as_ref().ok_or("it does not run")?.1)
    }

    /// Events of `types` after number `since`; from now on, if there is none.
    pub(crate) async fn events(&self, types: &[EventType], since: Option<u64>) -> Outcome<Events> {
        let since = since.map_or(Since::Now(v1::subscribe_request::Now {}), Since::SinceSeq);
        let request = SubscribeRequest {
            since: Some(since),
            types: types.iter().map(|kind| i32::from(*kind)).collect(),
            follow: true,
        };
        Ok(Events(self.client()?.subscribe(request).await?))
    }

    /// The number of the newest event.
    pub(crate) async fn last_event(&self) -> Outcome<u64> {
        let answer = self
            .client()?
            .daemon()
            .get_status(v1::GetStatusRequest {})
            .await;
        Ok(reply(answer)?.status.ok_or("no status")?.last_event)
    }

    fn trouble(&self, what: &str) -> String {
        let log = fs::read_to_string(self.runtime.join("log")).unwrap_or_default();
        format!("{}: {what}; its log:\n{log}", self.name)
    }
}

/// What a daemon tells.
pub(crate) struct Events(EventStream);

impl Events {
    /// The next event that `pick` wants, what it made of it, and when it came.
    pub(crate) async fn next<T>(
        &mut self,
        mut pick: impl FnMut(Kind) -> Option<T>,
    ) -> Outcome<(T, Instant)> {
        let look = async {
            loop {
                let item = self.0.next().await?.ok_or("no more events")?;
                let at = Instant::now();
                if let Item::Event(event) = item
                    && let Some(found) = event.kind.and_then(&mut pick)
                {
                    return Ok((found, at));
                }
            }
        };
        timeout(PATIENCE, look)
            .await
            .map_err(|_| "what was waited for did not happen")?
    }

    /// Ids of the next `count` messages that came in, and when the last was told.
    pub(crate) async fn messages(&mut self, count: usize) -> Outcome<(Vec<String>, Instant)> {
        let (mut ids, mut last) = (Vec::with_capacity(count), Instant::now());
        while ids.len() < count {
            let (id, at) = self.next(received).await?;
            ids.push(id);
            last = at;
        }
        Ok((ids, last))
    }
}

/// The id of a message that came in.
pub(crate) fn received(kind: Kind) -> Option<String> {
    match kind {
        Kind::MessageReceived(event) => Some(event.message),
        _ => None,
    }
}
