//! The daemon.

use msgd::daemon::{self, Args, Command};
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match Args::read() {
        Command::Demo { keep } => daemon::demo(keep).map_err(|error| (daemon::explain(&error), 1)),
        Command::Man { folder } => daemon::man(&folder)
            .map_err(|error| (format!("cannot write to {} ({error})", folder.display()), 1)),
        Command::Run(options) => daemon::run(&options, |name| std::env::var_os(name))
            .map_err(|error| (daemon::explain(&error), error.exit_code())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err((text, code)) => {
            eprintln!("msgd: {text}");
            ExitCode::from(code)
        }
    }
}
