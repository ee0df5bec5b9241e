//! The command line: what is the same for every command.

use super::{commands::Command, output::Style};
use crate::base::Paths;
use clap::{Args, Parser};
use std::{ffi::OsString, path::PathBuf};

/// Width of help texts wherever they are printed.
const HELP_WIDTH: usize = 100;

/// Below every help text of the top level.
const EXIT_CODES: &str = "\
Ids may be shortened to any unique prefix of at least four digits; people go by name, alias or id.
Case counts only where it tells two names apart.

Exit codes:
  0 done                    1 internal error          2 wrong usage
  3 daemon unreachable      4 not found               5 ambiguous
  6 vault is locked         7 not to be trusted       8 timeout; it goes on
  9 denied                 10 failed for good        11 over a limit
130 interrupted";

/// Write to people with nobody in between
#[derive(Debug, Parser)]
#[command(name = "msgctl", version, after_help = EXIT_CODES, max_term_width = HELP_WIDTH)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Talk to the daemon of this profile
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "MSGD_PROFILE",
        hide_env_values = true,
        default_value = "default"
    )]
    profile: String,
    /// Talk to the daemon on this socket [default: $XDG_RUNTIME_DIR/msgd/PROFILE/msgd.sock]
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        env = "MSGD_SOCKET",
        hide_env_values = true
    )]
    socket: Option<PathBuf>,
    /// Print JSON: one document, or one line an event
    #[arg(long, global = true)]
    json: bool,
    /// Print ids only, and no remarks
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Never use colour; so does a NO_COLOR that is not empty, and output to anything but a terminal
    #[arg(long, global = true)]
    no_color: bool,
}

impl Global {
    /// How results shall look on a standard output that is a `terminal`, or is none.
    pub(crate) fn style(&self, terminal: bool, no_color: Option<OsString>) -> Style {
        let forbidden = self.no_color || no_color.is_some_and(|value| !value.is_empty());
        Style {
            json: self.json,
            quiet: self.quiet,
            colour: terminal && !forbidden,
        }
    }

    /// Where the daemon listens.
    ///
    /// # Errors
    /// A sentence about the profile's name or the environment.
    pub(crate) fn socket(&self, env: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, String> {
        match &self.socket {
            Some(socket) => Ok(socket.clone()),
            None => Ok(Paths::find(&self.profile, env)?.socket()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use std::path::Path;

    fn parse(line: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once(&"msgctl").chain(line))
    }

    fn global(line: &[&str]) -> Global {
        parse(line).unwrap().global
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_are_taken_before_and_after_the_command() {
        for line in [
            ["--json", "invite", "ls"],
            ["invite", "--json", "ls"],
            ["invite", "ls", "--json"],
        ] {
            assert!(global(&line).json, "{line:?}");
        }
        let line = ["contact", "ls", "--profile", "bob"];
        assert_eq!(global(&line).profile, "bob");
    }

    #[test]
    fn the_socket_is_the_one_named_or_that_of_the_profile() {
        let env = |name: &str| match name {
            "HOME" => Some("/h".into()),
            "XDG_RUNTIME_DIR" => Some("/r".into()),
            _ => None,
        };
        let of_profile = global(&["status", "--profile", "bob"]).socket(env);
        assert_eq!(of_profile.unwrap(), Path::new("/r/msgd/bob/msgd.sock"));
        let named = global(&["--socket", "/x/y.sock", "status"]).socket(|_| None);
        assert_eq!(named.unwrap(), Path::new("/x/y.sock"));
        assert!(
            global(&["status", "--profile", "../x"])
                .socket(env)
                .is_err()
        );
    }

    #[test]
    fn colour_needs_a_terminal_and_leave() {
        let plain = global(&["status"]);
        assert!(plain.style(true, None).colour);
        assert!(plain.style(true, Some(OsString::new())).colour);
        assert!(!plain.style(true, Some("1".into())).colour);
        assert!(!plain.style(false, None).colour);
        assert!(!global(&["status", "--no-color"]).style(true, None).colour);
    }

    #[test]
    fn no_argument_takes_a_passphrase() {
        fn walk(command: &clap::Command) {
            for argument in command.get_arguments() {
                let name = argument.get_id().as_str();
                let secret = ["passphrase", "password", "secret"];
                assert!(
                    name.ends_with("_fd") || !secret.iter().any(|word| name.contains(word)),
                    "{name} of {}",
                    command.get_name()
                );
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&Cli::command());
    }

    #[test]
    fn a_wrong_command_line_is_a_usage_error() {
        for line in [
            &["sned", "alice", "hi"][..],
            &["send", "alice"],
            &[],
            &["vault"],
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line:?}");
        }
    }
}
