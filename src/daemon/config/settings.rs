//! The table of settings: one row each, from which the file, the environment, the help
//! text and the example file are read or checked.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::{Config, LogFormat, LogLevel, Role};
use crate::net::{LAN_PORT, LanExclude};

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// `table.key` in the file; `None` for what says where the file is.
    pub key: Option<&'static str>,
    /// Its environment variable.
    pub variable: &'static str,
    /// Its flag.
    pub flag: Option<&'static str>,
    /// Its default, as the help writes it.
    pub default: &'static str,
    /// Its default, as the file writes it.
    pub(super) example: &'static str,
    /// What it means, with its unit.
    pub about: &'static str,
    pub(super) set: fn(&mut Config, Given) -> Result<(), String>,
}

/// A value as it was given: typed by the file, plain text from variables.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Given {
    /// From a variable: what it means depends on the setting.
    Text(String),
    /// A string of the file.
    String(String),
    /// A whole number of the file.
    Integer(i64),
    /// A truth value of the file.
    Bool(bool),
    /// A list of strings of the file.
    List(Vec<String>),
    /// Anything else of the file, by its name.
    Other(&'static str),
}

/// Most nodes of the DHT to begin with.
const MAX_HOSTS: usize = 16;

/// Every setting there is.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: None,
        variable: "MSGD_PROFILE",
        flag: Some("--profile"),
        default: "default",
        example: "",
        about: "Profile to serve.",
        // This and the next four are needed to find the file; `Config::load` reads them.
        set: |_, _| Ok(()),
    },
    Setting {
        key: None,
        variable: "MSGD_CONFIG",
        flag: Some("--config"),
        default: "$XDG_CONFIG_HOME/msgd/config.toml",
        example: "",
        about: "Configuration file.",
        set: |_, _| Ok(()),
    },
    Setting {
        key: None,
        variable: "MSGD_DATA_DIR",
        flag: Some("--data-dir"),
        default: "$XDG_DATA_HOME/msgd/PROFILE",
        example: "",
        about: "Folder of keys and messages.",
        set: |config, given| folder(given).map(|dir| config.paths.data = dir),
    },
    Setting {
        key: None,
        variable: "MSGD_RUNTIME_DIR",
        flag: Some("--runtime-dir"),
        default: "$XDG_RUNTIME_DIR/msgd/PROFILE",
        example: "",
        about: "Folder of the socket and of what lives until logout.",
        set: |config, given| folder(given).map(|dir| config.paths.runtime = dir),
    },
    Setting {
        key: None,
        variable: "MSGD_SOCKET",
        flag: Some("--socket"),
        default: "msgd.sock in the runtime folder",
        example: "",
        about: "Socket that clients connect to.",
        set: |config, given| folder(given).map(|path| config.socket = path),
    },
    Setting {
        key: None,
        variable: "MSGD_ROLE",
        flag: Some("--role"),
        default: "person",
        example: "",
        about: "What the daemon is there for: person, or mailbox to host mailboxes for others \
                and nothing else.",
        set: |config, given| {
            config.role = text(given)?.parse::<Role>()?;
            Ok(())
        },
    },
    Setting {
        key: Some("net.listen"),
        variable: "MSGD_LISTEN",
        flag: Some("--listen"),
        default: "0.0.0.0:0 and [::]:0",
        example: r#"["0.0.0.0:0", "[::]:0"]"#,
        about: "Addresses to listen on for peers, each by QUIC (UDP) and TCP. Port 0: a free \
                port is picked at the first start and kept from then on.",
        set: |config, given| addresses(given).map(|list| config.net.listen = list),
    },
    Setting {
        key: Some("net.advertise"),
        variable: "MSGD_ADVERTISE",
        flag: None,
        default: "the addresses it listens on",
        example: "[]",
        about: "Addresses to put into invites and to tell contacts, such as those of a \
                forwarded port. Empty: the addresses it listens on.",
        set: |config, given| addresses(given).map(|list| config.net.advertise = list),
    },
    Setting {
        key: Some("net.max_links"),
        variable: "MSGD_MAX_LINKS",
        flag: None,
        default: "256",
        example: "256",
        about: "Most links with contacts at one time, 1 to 4096.",
        set: |config, given| {
            config.net.max_links = usize::try_from(integer(given, 1, 4096)?).unwrap_or(256);
            Ok(())
        },
    },
    Setting {
        key: Some("net.epoch_hours"),
        variable: "MSGD_EPOCH_HOURS",
        flag: None,
        default: "24",
        example: "24",
        about: "After how many hours the address on the network is exchanged for a fresh \
                one, 1 to 168.",
        set: |config, given| {
            config.net.epoch = Duration::from_secs(integer(given, 1, 168)? * 3600);
            Ok(())
        },
    },
    Setting {
        key: Some("lan.enabled"),
        variable: "MSGD_LAN",
        flag: None,
        default: "true",
        example: "true",
        about: "Whether to look for contacts on the local network, and to answer those who \
                look for this daemon: true or false.",
        set: |config, given| boolean(given).map(|on| config.lan.enabled = on),
    },
    Setting {
        key: Some("lan.exclude"),
        variable: "MSGD_LAN_EXCLUDE",
        flag: None,
        default: "none",
        example: "[]",
        about: "Local networks to leave alone: interfaces by name, as wlan0 or docker*, or by \
                the range of an address of theirs, as 192.0.2.0/24.",
        set: |config, given| networks(given).map(|list| config.lan.exclude = list),
    },
    Setting {
        key: Some("lan.loopback"),
        variable: "MSGD_LAN_LOOPBACK",
        flag: None,
        default: "false",
        example: "false",
        about: "Whether to look for contacts on this machine, too: true or false.",
        set: |config, given| boolean(given).map(|on| config.lan.loopback = on),
    },
    Setting {
        key: Some("lan.port"),
        variable: "MSGD_LAN_PORT",
        flag: None,
        default: "21773",
        example: "21773",
        about: "UDP port on which contacts look for each other on the local network, 1024 to \
                65535; the same for all of them.",
        set: |config, given| {
            config.lan.port = u16::try_from(integer(given, 1024, 65_535)?).unwrap_or(LAN_PORT);
            Ok(())
        },
    },
    Setting {
        key: Some("dht.mode"),
        variable: "MSGD_DHT",
        flag: None,
        default: "on",
        example: r#""on""#,
        about: "Whether to find contacts whose addresses are not known through the DHT of \
                BitTorrent: on or off. Off: nothing is ever sent to it.",
        set: |config, given| {
            config.dht.on = match text(given)?.as_str() {
                "on" => true,
                "off" => false,
                other => return Err(format!("expected on or off, found {other:?}")),
            };
            Ok(())
        },
    },
    Setting {
        key: Some("dht.bootstrap"),
        variable: "MSGD_DHT_BOOTSTRAP",
        flag: None,
        default: "nodes of the public network",
        example: "[]",
        about: "Nodes of the DHT to begin with, each as host:port. A network of your own \
                names its own and touches no other. Empty: nodes of the public network.",
        set: |config, given| hosts(given).map(|list| config.dht.bootstrap = list),
    },
    Setting {
        key: Some("log.level"),
        variable: "MSGD_LOG",
        flag: Some("--log"),
        default: "info",
        example: r#""info""#,
        about: "How much to log: error, warn, info, debug or trace.",
        set: |config, given| {
            config.log.level = text(given)?.parse::<LogLevel>()?;
            Ok(())
        },
    },
    Setting {
        key: Some("log.format"),
        variable: "MSGD_LOG_FORMAT",
        flag: Some("--log-format"),
        default: "auto",
        example: r#""auto""#,
        about: "Where and how to log: text goes to standard error, journal to the systemd \
                journal, auto to the journal where standard error already is.",
        set: |config, given| {
            config.log.format = text(given)?.parse::<LogFormat>()?;
            Ok(())
        },
    },
    Setting {
        key: Some("dbus.enabled"),
        variable: "MSGD_DBUS",
        flag: Some("--no-dbus"),
        default: "true",
        example: "true",
        about: "Whether to offer org.msgd.Msgd1 on the session bus, and to hear on the system bus \
                of sleep and of metered networks: true or false.",
        set: |config, given| boolean(given).map(|on| config.dbus.enabled = on),
    },
    Setting {
        key: Some("store.reserve_mib"),
        variable: "MSGD_RESERVE_MIB",
        flag: None,
        default: "16",
        example: "16",
        about: "Free space, in MiB, below which nothing more is written, 1 to 1048576.",
        set: |config, given| {
            config.store.reserve_bytes = integer(given, 1, 1 << 20)? << 20;
            Ok(())
        },
    },
    Setting {
        key: Some("mailbox.host_mib"),
        variable: "MSGD_MAILBOX_HOST_MIB",
        flag: None,
        default: "1024",
        example: "1024",
        about: "Most MiB that all mailboxes hosted here for others may hold together, 1 to \
                1048576.",
        set: |config, given| {
            config.mailbox.host_bytes = integer(given, 1, 1 << 20)? << 20;
            Ok(())
        },
    },
    Setting {
        key: Some("mailbox.poll_seconds"),
        variable: "MSGD_MAILBOX_POLL_SECONDS",
        flag: None,
        default: "300",
        example: "300",
        about: "How often own mailboxes are asked, at random times: the mean of seconds in \
                between, 5 to 86400. Without own mailboxes nobody is asked.",
        set: |config, given| {
            config.mailbox.poll = Duration::from_secs(integer(given, 5, 86_400)?);
            Ok(())
        },
    },
    Setting {
        key: Some("mailbox.receipt_seconds"),
        variable: "MSGD_MAILBOX_RECEIPT_SECONDS",
        flag: None,
        default: "20",
        example: "20",
        about: "After how long a receipt is left at a contact's mailbox if nothing else is, at \
                random: the mean in seconds, 1 to 3600. The shorter, the better a contact can \
                tell when this machine is on.",
        set: |config, given| {
            config.mailbox.receipt = Duration::from_secs(integer(given, 1, 3600)?);
            Ok(())
        },
    },
];

fn folder(given: Given) -> Result<PathBuf, String> {
    let path = PathBuf::from(text(given)?);
    // What is relative depends on where the daemon was started; for a service that is nowhere.
    std::path::absolute(&path).map_err(|error| format!("{}: {error}", path.display()))
}

fn text(given: Given) -> Result<String, String> {
    match given {
        Given::Text(text) | Given::String(text) => Ok(text),
        other => Err(format!("expected a string, found {}", other.name())),
    }
}

fn boolean(given: Given) -> Result<bool, String> {
    match given {
        Given::Bool(value) => Ok(value),
        Given::Text(text) => text
            .parse()
            .map_err(|_| format!("expected true or false, found {text:?}")),
        other => Err(format!("expected true or false, found {}", other.name())),
    }
}

fn integer(given: Given, least: u64, most: u64) -> Result<u64, String> {
    let (value, seen) = match given {
        Given::Integer(value) => (u64::try_from(value).ok(), value.to_string()),
        Given::Text(text) => (text.parse().ok(), format!("{text:?}")),
        other => (None, other.name().to_owned()),
    };
    value
        .filter(|value| (least..=most).contains(value))
        .ok_or_else(|| format!("expected a whole number from {least} to {most}, found {seen}"))
}

fn list(given: Given) -> Result<Vec<String>, String> {
    match given {
        Given::List(list) => Ok(list),
        Given::Text(text) => Ok(text.split(',').map(|part| part.trim().to_owned()).collect()),
        other => Err(format!(
            "expected a list of strings, found {}",
            other.name()
        )),
    }
}

fn networks(given: Given) -> Result<Vec<LanExclude>, String> {
    list(given)?.iter().map(|one| one.parse()).collect()
}

fn addresses(given: Given) -> Result<Vec<SocketAddr>, String> {
    list(given)?
        .iter()
        .map(|one| {
            one.parse()
                .map_err(|_| format!("{one:?} is not an IP address with a port, as 192.0.2.1:4000 or [2001:db8::1]:4000"))
        })
        .collect()
}

fn hosts(given: Given) -> Result<Vec<String>, String> {
    let hosts = list(given)?;
    if hosts.len() > MAX_HOSTS {
        return Err(format!("expected at most {MAX_HOSTS} hosts"));
    }
    let sound = |one: &String| {
        one.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && port.parse::<u16>().is_ok_and(|p| p > 0)
        })
    };
    match hosts.iter().find(|one| !sound(one)) {
        None => Ok(hosts),
        Some(one) => Err(format!(
            "{one:?} is not a host with a port, as dht.example.org:6881"
        )),
    }
}

impl Given {
    fn name(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::String(_) => "a string",
            Self::Integer(_) => "a whole number",
            Self::Bool(_) => "true or false",
            Self::List(_) => "a list of strings",
            Self::Other(name) => name,
        }
    }
}
