//! The command that drives the daemon.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(msgd::cli::main(std::env::args_os()))
}
