//! Real daemons in scratch homes, and how a test talks to them.
//!
//! # Decisions
//! - Nothing sleeps. A start is waited for by listening where systemd would, everything else by
//!   the event stream: [`Daemon::settles`] looks, and looks again after each event.
//! - A daemon that is dropped is killed and waited for. Its log is printed if the test failed.

use msgd::ipc::grpc::{
    client::{Client, EventStream, reply},
    proto::v1::{self, subscribe_request::Since, subscribe_response::Item},
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{self, File},
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{io::AsyncReadExt, net::UnixDatagram, process::ChildStdout, time::timeout};

/// Longer than anything takes on a busy machine; only a failing test waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
/// Opens the vaults that need one.
pub(crate) const PASSPHRASE: &[u8] = b"correct horse battery";

/// One profile and, most of the time, the daemon that serves it.
pub(crate) struct Daemon {
    name: &'static str,
    home: TempDir,
    /// Where it listens, as it is told.
    listen: String,
    /// The port on which it looks for others on this machine, if it does.
    lan: Option<u16>,
    /// Whether the directory is on or off, and the nodes it begins with.
    directory: (&'static str, String),
    role: &'static str,
    running: Option<Running>,
}

struct Running {
    child: Child,
    client: Client,
    /// Ends when the process does.
    stdout: ChildStdout,
}

impl Daemon {
    /// A home without a vault.
    pub(crate) fn at_home(name: &'static str) -> Self {
        let home = tempfile::tempdir().expect("a scratch home");
        let daemon = Self {
            name,
            home,
            listen: "127.0.0.1:0".to_owned(),
            lan: None,
            directory: ("off", String::new()),
            role: "person",
            running: None,
        };
        fs::create_dir(daemon.runtime_dir()).expect("a runtime folder");
        fs::set_permissions(daemon.runtime_dir(), fs::Permissions::from_mode(0o700))
            .expect("a private runtime folder");
        daemon
    }

    /// A running daemon without a vault.
    pub(crate) async fn fresh(name: &'static str) -> Self {
        let mut daemon = Self::at_home(name);
        daemon.start().await;
        daemon
    }

    /// A running daemon with an identity called `name` in a vault that opens by itself.
    pub(crate) async fn ready(name: &'static str) -> Self {
        let opener = v1::new_slot::Opener::File(v1::new_slot::File {});
        Self::with_slot(name, opener).await
    }

    /// A running daemon with an identity called `name` in a vault that [`PASSPHRASE`] opens.
    pub(crate) async fn guarded(name: &'static str) -> Self {
        let opener = v1::new_slot::Opener::Passphrase(PASSPHRASE.to_vec());
        Self::with_slot(name, opener).await
    }

    /// As [`ready`](Self::ready), listening at `listen`.
    pub(crate) async fn ready_at(name: &'static str, listen: &str) -> Self {
        let mut daemon = Self::at_home(name);
        daemon.moves_to(listen);
        daemon.start().await;
        let opener = v1::new_slot::Opener::File(v1::new_slot::File {});
        daemon.settle_in(opener).await;
        daemon
    }

    /// As [`ready`](Self::ready), for whoever looks at `port` only.
    pub(crate) async fn ready_to_be_found(name: &'static str, port: u16) -> Self {
        let mut daemon = Self::at_home(name);
        daemon.is_found_at(port);
        daemon.start().await;
        let opener = v1::new_slot::Opener::File(v1::new_slot::File {});
        daemon.settle_in(opener).await;
        daemon
    }

    /// As [`ready`](Self::ready), with a directory on this machine that is `on` or `off` and
    /// begins with `nodes`, comma-separated.
    pub(crate) async fn ready_with_directory(
        name: &'static str,
        mode: &'static str,
        nodes: &str,
    ) -> Self {
        let mut daemon = Self::at_home(name);
        daemon.directory = (mode, nodes.to_owned());
        daemon.start().await;
        let opener = v1::new_slot::Opener::File(v1::new_slot::File {});
        daemon.settle_in(opener).await;
        daemon
    }

    async fn with_slot(name: &'static str, opener: v1::new_slot::Opener) -> Self {
        let daemon = Self::fresh(name).await;
        daemon.settle_in(opener).await;
        daemon
    }

    /// A vault and an identity.
    async fn settle_in(&self, opener: v1::new_slot::Opener) {
        let slot = Some(v1::NewSlot {
            opener: Some(opener),
        });
        let create = v1::CreateVaultRequest {
            slot,
            ..Default::default()
        };
        reply(self.client().vault().create_vault(create).await).expect("a vault");
        let create = v1::CreateIdentityRequest {
            name: self.name.to_owned(),
            ..Default::default()
        };
        reply(self.client().identities().create_identity(create).await).expect("an identity");
    }

    /// Has it start in another role.
    pub(crate) fn is_there_for(&mut self, role: &'static str) {
        self.role = role;
    }

    /// Has it listen elsewhere from its next start on.
    pub(crate) fn moves_to(&mut self, listen: &str) {
        listen.clone_into(&mut self.listen);
    }

    /// From its next start on it tells everybody an address where nobody is, and looks for
    /// others on this machine instead, at `port`.
    pub(crate) fn is_found_at(&mut self, port: u16) {
        self.lan = Some(port);
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn runtime_dir(&self) -> PathBuf {
        self.home().join("run")
    }

    /// Where it takes clients.
    pub(crate) fn socket(&self) -> PathBuf {
        self.runtime_dir().join("msgd/default/msgd.sock")
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.home().join(".local/share/msgd/default")
    }

    /// Everything that the daemon has logged.
    pub(crate) fn log_text(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    fn log(&self) -> PathBuf {
        self.home().join("log")
    }

    /// `program` with this profile's surroundings and nothing else.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.home())
            .env("XDG_RUNTIME_DIR", self.runtime_dir())
            // Nothing leaves this machine.
            .env("MSGD_DHT", self.directory.0)
            .env("MSGD_DHT_BOOTSTRAP", &self.directory.1)
            .current_dir(self.home())
            .stdin(Stdio::null());
        command
    }

    /// The daemon's program, not started, as every test starts it.
    pub(crate) fn msgd(&self) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_msgd"));
        command.args(["--listen", &self.listen, "--no-dbus"]);
        command.args(["--role", self.role]);
        if let Some(port) = self.lan {
            command
                .env("MSGD_LAN_LOOPBACK", "true")
                .env("MSGD_LAN_PORT", port.to_string())
                .env("MSGD_ADVERTISE", "127.0.0.1:9");
        }
        command
    }

    /// What `msgctl` says to `line`.
    pub(crate) fn msgctl(&self, line: &[&str]) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_msgctl"));
        command.args(line).output().expect("msgctl runs")
    }

    /// Starts the daemon and returns when it says that it is ready.
    pub(crate) async fn start(&mut self) {
        let notify = self.runtime_dir().join("notify");
        let _ = fs::remove_file(&notify);
        let manager = UnixDatagram::bind(&notify).expect("a socket for notifications");
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .expect("a log");
        let mut child = self
            .msgd()
            .args(["--log", "debug"])
            .env("NOTIFY_SOCKET", &notify)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("msgd starts");
        let stdout = child.stdout.take().expect("piped");
        let mut stdout = ChildStdout::from_std(stdout).expect("a pipe");
        if !said_ready(&manager, &mut stdout).await {
            let _ = child.kill();
            let status = child.wait();
            panic!("{} did not start: {status:?}\n{}", self.name, self.tail());
        }
        let client = Client::connect(&self.socket()).await.expect("a connection");
        self.running = Some(Running {
            child,
            client,
            stdout,
        });
    }

    /// Ends the daemon as a power cut does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.child.kill().expect("killed");
            running.child.wait().expect("gone");
        }
    }

    /// Takes away what a machine forgets when it is switched off; the daemon must not run.
    pub(crate) fn reboots(&self) {
        assert!(self.running.is_none(), "it was killed before");
        for entry in fs::read_dir(self.runtime_dir()).expect("a runtime folder") {
            let path = entry.expect("an entry").path();
            let gone = if path.is_dir() {
                fs::remove_dir_all(path)
            } else {
                fs::remove_file(path)
            };
            gone.expect("gone");
        }
    }

    /// Sends the daemon a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process"), signal).expect("it runs");
    }

    /// Asks the daemon to stop, and waits until it has.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        let mut running = self.running.take().expect("it runs");
        let stop = v1::StopDaemonRequest {};
        reply(running.client.daemon().stop_daemon(stop).await).expect("it stops");
        let mut rest = Vec::new();
        timeout(PATIENCE, running.stdout.read_to_end(&mut rest))
            .await
            .expect("it stops in time")
            .expect("a pipe");
        running.child.wait().expect("gone")
    }

    pub(crate) fn client(&self) -> &Client {
        &self.running.as_ref().expect("it runs").client
    }

    /// Where it listens.
    pub(crate) async fn address(&self) -> SocketAddr {
        let status = v1::GetStatusRequest {};
        let status = reply(self.client().daemon().get_status(status).await).expect("a status");
        let listen = status.status.expect("told").listen;
        listen[0].parse().expect("an address")
    }

    fn pid(&self) -> u32 {
        self.running.as_ref().expect("it runs").child.id()
    }

    /// A figure in KiB of the daemon's memory, by its name in `/proc/PID/status`.
    pub(crate) fn memory_kib(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let status = status.expect("it runs");
        let line = status.lines().find(|line| line.starts_with(name));
        let figure = line.and_then(|line| line.split_whitespace().nth(1));
        figure.expect("a figure").parse().expect("a number")
    }

    /// Names of the daemon's threads.
    pub(crate) fn threads(&self) -> Vec<String> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid())).expect("it runs");
        let name = |thread: std::io::Result<fs::DirEntry>| {
            fs::read_to_string(thread.ok()?.path().join("comm")).ok()
        };
        threads.filter_map(name).collect()
    }

    /// Everything that happens from now on.
    pub(crate) async fn watch(&self) -> Watch {
        self.subscribe(Since::Now(v1::subscribe_request::Now {}))
            .await
    }

    /// Everything that happened after `since`, and what happens.
    pub(crate) async fn subscribe(&self, since: Since) -> Watch {
        let request = v1::SubscribeRequest {
            since: Some(since),
            follow: true,
            ..Default::default()
        };
        let stream = self
            .client()
            .subscribe(request)
            .await
            .expect("a subscription");
        Watch { stream }
    }

    /// Looks, and looks again after each event, until there is something to see.
    pub(crate) async fn settles<T>(
        &self,
        what: &str,
        mut look: impl AsyncFnMut(&Client) -> Option<T>,
    ) -> T {
        let mut watch = self.watch().await;
        let search = async {
            loop {
                if let Some(found) = look(self.client()).await {
                    return found;
                }
                watch.next().await;
            }
        };
        match timeout(PATIENCE, search).await {
            Ok(found) => found,
            Err(_) => panic!("{}: not seen: {what}", self.name),
        }
    }

    fn tail(&self) -> String {
        let log = self.log_text();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(running) = &mut self.running {
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("---- the last words of {}:\n{}", self.name, self.tail());
        }
    }
}

/// The event stream of one daemon.
pub(crate) struct Watch {
    stream: EventStream,
}

impl Watch {
    /// The next event.
    pub(crate) async fn next(&mut self) -> v1::Event {
        self.try_next().await.expect("the stream goes on")
    }

    /// The next event, or `None` when the daemon is gone.
    pub(crate) async fn try_next(&mut self) -> Option<v1::Event> {
        loop {
            match self.stream.next().await {
                Ok(Some(Item::Event(event))) => return Some(event),
                Ok(Some(Item::Lagged(_))) => {}
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// Returns after `count` events, or when the daemon is gone.
    pub(crate) async fn pass(&mut self, count: usize) {
        for _ in 0..count {
            if self.try_next().await.is_none() {
                return;
            }
        }
    }
}

/// Reads what the daemon tells its manager until it is ready; `false` when it ended instead.
async fn said_ready(manager: &UnixDatagram, stdout: &mut ChildStdout) -> bool {
    let mut said = [0; 4096];
    let mut printed = [0; 4096];
    let ready = async {
        loop {
            tokio::select! {
                got = manager.recv(&mut said) => {
                    let got = got.expect("a notification");
                    if said[..got].split(|byte| *byte == b'\n').any(|line| line == b"READY=1") {
                        return true;
                    }
                }
                got = stdout.read(&mut printed) => if got.expect("a pipe") == 0 {
                    return false;
                },
            }
        }
    };
    timeout(PATIENCE, ready).await.unwrap_or(false)
}
