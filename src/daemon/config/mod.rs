//! The configuration: defaults, then the file, then `MSGD_*`, then flags, merged once.
//!
//! # Decisions
//! - The environment is looked up through a closure, so that a test hands in a map.
//! - A file that was named must exist; the one at its usual place need not.
//! - What users change while the daemon runs lives in the store, not here.

mod file;
mod settings;
#[cfg(test)]
mod tests;
mod words;

use std::{
    ffi::OsString,
    fmt::Write as _,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use super::args::Options;
use crate::{
    base::Paths,
    net::{LAN_PORT, LanExclude},
};
use settings::Given;
pub use settings::{SETTINGS, Setting};
pub use words::{LogFormat, LogLevel, Role};

/// Everything the daemon was told, checked and merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The profile it serves.
    pub profile: String,
    /// Its folders.
    pub paths: Paths,
    /// The gRPC socket; in `paths.runtime` unless told otherwise.
    pub socket: PathBuf,
    /// The file that was read, if there was one.
    pub file: Option<PathBuf>,
    /// `[net]`.
    pub net: NetSettings,
    /// `[lan]`.
    pub lan: LanSettings,
    /// `[dht]`.
    pub dht: DhtSettings,
    /// `[log]`.
    pub log: LogSettings,
    /// `[dbus]`.
    pub dbus: DbusSettings,
    /// `[store]`.
    pub store: StoreSettings,
    /// `[mailbox]`.
    pub mailbox: MailboxSettings,
    /// What it is there for.
    pub role: Role,
}

/// `[net]`: how peers reach this daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetSettings {
    /// Addresses to listen on, each by QUIC and TCP; port 0: pick one once and keep it.
    pub listen: Vec<SocketAddr>,
    /// Addresses to tell contacts; empty: those it listens on.
    pub advertise: Vec<SocketAddr>,
    /// Most links at one time.
    pub max_links: usize,
    /// How long one `PeerId` is used.
    pub epoch: Duration,
}

/// `[dht]`: the public directory in which contacts find each other's new addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DhtSettings {
    /// Whether it is used at all; if not, nothing is ever sent to it.
    pub on: bool,
    /// Nodes to begin with, as `host:port`; empty: those of the public network.
    pub bootstrap: Vec<String>,
}

/// `[lan]`: contacts on the same network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanSettings {
    /// Whether they are looked for and answered.
    pub enabled: bool,
    /// Networks to leave alone.
    pub exclude: Vec<LanExclude>,
    /// Whether this machine alone counts as a network.
    pub loopback: bool,
    /// UDP port of the queries.
    pub port: u16,
}

/// `[log]`: what is logged, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// The least serious level that is logged.
    pub level: LogLevel,
    /// Where and how.
    pub format: LogFormat,
}

/// `[dbus]`: the door on the session bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DbusSettings {
    /// Whether there is one.
    pub enabled: bool,
}

/// `[store]`: the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// Free space that is left to others.
    pub reserve_bytes: u64,
}

/// `[mailbox]`: parcels that wait with others, and others' parcels that wait here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailboxSettings {
    /// Most bytes that all mailboxes hosted here may hold.
    pub host_bytes: u64,
    /// The mean time between two polls of an own mailbox.
    pub poll: Duration,
    /// The mean time after which a receipt is left at a contact's mailbox by itself.
    pub receipt: Duration,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A folder cannot be found.
    #[error("cannot tell where the files of this profile are: {0}")]
    Paths(String),
    /// The file cannot be read.
    #[error("{}: cannot read the configuration", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file says something wrong.
    #[error("{}:{line}: {why}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        why: String,
    },
    /// A variable says something wrong.
    #[error("environment variable {variable}: {why}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A flag says something wrong.
    #[error("{flag}: {why}")]
    Flag {
        /// Its name.
        flag: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

impl Config {
    /// Merges defaults, file, variables (looked up through `env`) and flags.
    ///
    /// # Errors
    /// The first fault found, by file and line, variable or flag.
    pub fn load(
        flags: &Options,
        env: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConfigError> {
        let set = |variable: &str| env(variable).filter(|value| !value.is_empty());
        let profile = match (&flags.profile, text_of("MSGD_PROFILE", set)?) {
            (Some(profile), _) => profile.clone(),
            (None, Some(profile)) => profile,
            (None, None) => crate::base::DEFAULT_PROFILE.to_owned(),
        };
        let paths = Paths::find(&profile, &env).map_err(ConfigError::Paths)?;
        let mut config = Self::defaults(profile, paths);
        let named = flags
            .config
            .clone()
            .or_else(|| set("MSGD_CONFIG").map(PathBuf::from));
        config.read_file(named.as_deref())?;
        for setting in SETTINGS {
            if let Some(text) = text_of(setting.variable, set)? {
                (setting.set)(&mut config, Given::Text(text)).map_err(|why| {
                    ConfigError::Variable {
                        variable: setting.variable,
                        why,
                    }
                })?;
            }
        }
        let socket_named = flags.socket.is_some() || set("MSGD_SOCKET").is_some();
        config.take_flags(flags)?;
        if !socket_named {
            config.socket = config.paths.socket();
        }
        Ok(config)
    }

    fn defaults(profile: String, paths: Paths) -> Self {
        use std::net::{Ipv4Addr, Ipv6Addr};
        Self {
            profile,
            socket: paths.socket(),
            paths,
            file: None,
            net: NetSettings {
                listen: vec![
                    (Ipv4Addr::UNSPECIFIED, 0).into(),
                    (Ipv6Addr::UNSPECIFIED, 0).into(),
                ],
                advertise: Vec::new(),
                max_links: 256,
                epoch: Duration::from_secs(24 * 3600),
            },
            dht: DhtSettings {
                on: true,
                bootstrap: Vec::new(),
            },
            lan: LanSettings {
                enabled: true,
                exclude: Vec::new(),
                loopback: false,
                port: LAN_PORT,
            },
            log: LogSettings {
                level: LogLevel::Info,
                format: LogFormat::Auto,
            },
            dbus: DbusSettings { enabled: true },
            store: StoreSettings {
                reserve_bytes: 16 << 20,
            },
            mailbox: MailboxSettings {
                host_bytes: 1 << 30,
                poll: Duration::from_secs(300),
                receipt: Duration::from_secs(20),
            },
            role: Role::Person,
        }
    }

    fn read_file(&mut self, named: Option<&Path>) -> Result<(), ConfigError> {
        let path = named.map_or_else(|| self.paths.config_file(), Path::to_owned);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                file::apply(self, &path, &text)?;
                self.file = Some(path);
                Ok(())
            }
            Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(ConfigError::Read { file: path, source }),
        }
    }

    fn take_flags(&mut self, flags: &Options) -> Result<(), ConfigError> {
        let places = [
            ("--data-dir", &flags.data_dir, &mut self.paths.data),
            ("--runtime-dir", &flags.runtime_dir, &mut self.paths.runtime),
            ("--socket", &flags.socket, &mut self.socket),
        ];
        for (flag, given, place) in places {
            if let Some(path) = given {
                *place = std::path::absolute(path).map_err(|error| ConfigError::Flag {
                    flag,
                    why: format!("{}: {error}", path.display()),
                })?;
            }
        }
        if !flags.listen.is_empty() {
            self.net.listen.clone_from(&flags.listen);
        }
        self.log.level = flags.log.unwrap_or(self.log.level);
        self.log.format = flags.log_format.unwrap_or(self.log.format);
        self.role = flags.role.unwrap_or(self.role);
        self.dbus.enabled &= !flags.no_dbus;
        Ok(())
    }
}

fn text_of(
    variable: &'static str,
    set: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<String>, ConfigError> {
    set(variable)
        .map(|value| {
            value.into_string().map_err(|_| ConfigError::Variable {
                variable,
                why: "not valid UTF-8".to_owned(),
            })
        })
        .transpose()
}

/// A configuration file that says what holds anyway, every line commented out.
#[must_use]
pub fn example() -> String {
    let mut text = String::from(
        "# Configuration of msgd: $XDG_CONFIG_HOME/msgd/config.toml.\n\
         # Every line shows the default; remove the leading `#` to change it.\n\
         # MSGD_* variables and flags of `msgd run` go before this file.\n",
    );
    let mut table = "";
    for setting in SETTINGS {
        let Some((name, key)) = setting.key.and_then(|key| key.split_once('.')) else {
            continue;
        };
        if name != table {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n[{name}]\n");
            table = name;
        }
        let _ = writeln!(text);
        for line in wrapped(setting.about, 76) {
            let _ = writeln!(text, "# {line}");
        }
        let _ = writeln!(text, "# Environment: {}", setting.variable);
        let _ = writeln!(text, "#{key} = {}", setting.example);
    }
    text
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let full = lines
            .last()
            .is_some_and(|line| !line.is_empty() && line.len() + 1 + word.len() > width);
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
