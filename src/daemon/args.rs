//! The command line of `msgd`: the only file of this room that knows clap.
//!
//! Flags are only *read* here; [`Config::load`](super::Config::load) merges them with the
//! file and the environment. The help text of each flag names its variable and its default,
//! and a test compares both with the table of settings.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf};

use clap::{CommandFactory, Parser, Subcommand};

use super::config::{LogFormat, LogLevel, Role};

/// Write to people with nobody in between: the daemon, which `msgctl` drives
#[derive(Debug, Parser)]
#[command(
    name = "msgd",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Every setting comes from, in rising order: its default, the file \
        $XDG_CONFIG_HOME/msgd/config.toml, the MSGD_* variable, the flag. \
        An empty variable counts as unset.\n\n\
        Only in the file or the environment:\n  \
        [net] advertise       MSGD_ADVERTISE     default: the addresses it listens on\n  \
        [net] max_links       MSGD_MAX_LINKS     default: 256\n  \
        [net] epoch_hours     MSGD_EPOCH_HOURS   default: 24\n  \
        [lan] enabled         MSGD_LAN           default: true\n  \
        [lan] exclude         MSGD_LAN_EXCLUDE   default: none\n  \
        [lan] loopback        MSGD_LAN_LOOPBACK  default: false\n  \
        [lan] port            MSGD_LAN_PORT      default: 21773\n  \
        [dht] mode            MSGD_DHT           default: on\n  \
        [dht] bootstrap       MSGD_DHT_BOOTSTRAP default: nodes of the public network\n  \
        [dbus] enabled        MSGD_DBUS          default: true\n  \
        [store] reserve_mib   MSGD_RESERVE_MIB   default: 16\n  \
        [mailbox] host_mib    MSGD_MAILBOX_HOST_MIB  default: 1024\n  \
        [mailbox] poll_seconds     MSGD_MAILBOX_POLL_SECONDS     default: 300\n  \
        [mailbox] receipt_seconds  MSGD_MAILBOX_RECEIPT_SECONDS  default: 20"
)]
pub struct Args {
    /// What to do; to run, if nothing is said.
    #[command(subcommand)]
    command: Option<Verb>,
    /// Flags given without a subcommand.
    #[command(flatten)]
    options: Options,
}

/// What the daemon's binary is asked to do.
#[derive(Debug)]
pub enum Command {
    /// Serve one profile until told to stop.
    Run(Options),
    /// Show two daemons that talk to each other.
    Demo {
        /// Leave both running at the end.
        keep: bool,
    },
    /// Write the man pages. Packaging asks for it; people read the pages.
    Man {
        /// Into which folder.
        folder: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve one profile until told to stop (this is also what no subcommand means)
    Run(Options),
    /// Start two daemons in scratch profiles, let them write to each other, and show it
    Demo {
        /// Leave both daemons running at the end, to play with
        #[arg(long)]
        keep: bool,
    },
    /// Write the man pages into a folder
    #[command(hide = true)]
    Man {
        /// The folder; made if there is none
        folder: PathBuf,
    },
}

/// The flags of `msgd run`. `None` and empty mean: not given.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// Profile to serve; each has its own data, socket and identities [env: MSGD_PROFILE] [default: default]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Configuration file; one that is named must exist [env: MSGD_CONFIG] [default: $XDG_CONFIG_HOME/msgd/config.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of keys and messages [env: MSGD_DATA_DIR] [default: $XDG_DATA_HOME/msgd/PROFILE]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Folder of the socket and of what lives until logout [env: MSGD_RUNTIME_DIR] [default: $XDG_RUNTIME_DIR/msgd/PROFILE]
    #[arg(long, value_name = "DIR")]
    pub runtime_dir: Option<PathBuf>,
    /// Socket that clients connect to [env: MSGD_SOCKET] [default: msgd.sock in the runtime folder]
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Address to listen on for peers, by QUIC and TCP; repeatable, port 0 picks one once and keeps it [env: MSGD_LISTEN, comma-separated] [default: 0.0.0.0:0 and [::]:0]
    #[arg(long, value_name = "ADDR")]
    pub listen: Vec<SocketAddr>,
    /// How much to log: error, warn, info, debug or trace [env: MSGD_LOG] [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub log: Option<LogLevel>,
    /// Where and how to log: auto, text or journal [env: MSGD_LOG_FORMAT] [default: auto]
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// What the daemon is there for: person, or mailbox to host mailboxes for others and nothing else, with a vault that it makes and opens by itself [env: MSGD_ROLE] [default: person]
    #[arg(long, value_name = "ROLE")]
    pub role: Option<Role>,
    /// Offer nothing on the session bus [env: MSGD_DBUS=false] [default: offer it]
    #[arg(long)]
    pub no_dbus: bool,
}

impl Args {
    /// Reads a command line, the program's name first. Prints help or faults and ends the
    /// process where clap says so; call it from `bin` only.
    #[must_use]
    pub fn read() -> Command {
        <Self as Parser>::parse().into_command()
    }

    /// Reads `line`, the program's name first.
    ///
    /// # Errors
    /// What clap says: a fault, or the text of `--help` and `--version`.
    pub fn try_read<I>(line: I) -> Result<Command, clap::Error>
    where
        I: IntoIterator,
        I::Item: Into<OsString> + Clone,
    {
        Self::try_parse_from(line).map(Self::into_command)
    }

    /// The whole definition, for those who describe it.
    pub(super) fn definition() -> clap::Command {
        <Self as CommandFactory>::command()
    }

    fn into_command(self) -> Command {
        match self.command {
            Some(Verb::Run(options)) => Command::Run(options),
            Some(Verb::Demo { keep }) => Command::Demo { keep },
            Some(Verb::Man { folder }) => Command::Man { folder },
            None => Command::Run(self.options),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::config::SETTINGS;

    fn options(line: &[&str]) -> Options {
        match Args::try_read([&["msgd"], line].concat()).unwrap() {
            Command::Run(options) => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn no_subcommand_means_run() {
        assert_eq!(
            options(&["--profile", "bob"]).profile.as_deref(),
            Some("bob")
        );
        assert_eq!(
            options(&["run", "--profile", "bob"]).profile.as_deref(),
            Some("bob")
        );
    }

    #[test]
    fn listen_repeats_and_is_checked() {
        let listen = options(&["--listen", "127.0.0.1:1", "--listen", "[::1]:2"]).listen;
        assert_eq!(
            listen,
            [
                "127.0.0.1:1".parse().unwrap(),
                "[::1]:2".parse::<SocketAddr>().unwrap()
            ]
        );
        assert!(Args::try_read(["msgd", "--listen", "localhost"]).is_err());
        assert!(Args::try_read(["msgd", "--log", "loud"]).is_err());
    }

    #[test]
    fn a_demo_takes_no_flags_of_a_profile() {
        assert!(matches!(
            Args::try_read(["msgd", "demo", "--keep"]),
            Ok(Command::Demo { keep: true })
        ));
        assert!(Args::try_read(["msgd", "demo", "--profile", "bob"]).is_err());
        assert!(Args::try_read(["msgd", "--profile", "bob", "demo"]).is_err());
    }

    #[test]
    fn the_help_names_every_variable_and_default() {
        let help = Args::command().render_long_help().to_string();
        let words: Vec<_> = help.split_whitespace().collect();
        let flat = words.join(" ");
        for setting in SETTINGS {
            assert!(flat.contains(setting.variable), "{}", setting.variable);
            if let Some(flag) = setting.flag {
                assert!(flat.contains(flag), "{flag}");
            }
            for value in setting.default.split(" and ") {
                assert!(flat.contains(value), "{}: {value}", setting.variable);
            }
        }
    }
}
