//! `msgctl`: parses, asks the daemon, prints.
//!
//! # Decisions
//! - Only a client: it never opens the daemon's files, so it can neither lock nor damage them.
//! - Starts fast: nothing is built before the command line is understood, and only commands that
//!   ask the daemon get a runtime, of one thread.
//! - Data goes to standard output, everything else to standard error. Exit codes come from
//!   [`ErrorCode`](crate::model::ErrorCode) alone.
//! - Answers become `view` types first. Those are what JSON shows and what text is made from, and
//!   the only place where names and texts of others are neutralised for a terminal.
//! - Repeating after a lost connection happens in one place, [`context::Context::ask`].

mod args;
mod commands;
mod context;
mod exit_code;
mod input;
mod output;
mod prompt;
mod qr;
mod span;
mod table;
mod text;
mod view;
mod when;

use crate::{base::Clock, model::ErrorCode};
use args::Cli;
use clap::Parser;
use context::Context;
use exit_code::Failure;
use output::Output;
use std::{
    ffi::OsString,
    io::{IsTerminal, Write},
};

/// Does what the command line says; returns the exit code.
#[must_use]
pub fn main(command_line: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(command_line) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too. A closed pipe is no reason to complain.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    match run(cli) {
        Ok(()) => 0,
        Err(failure) => {
            // If standard error is gone there is nobody left to tell.
            let _ = write!(std::io::stderr(), "{failure}");
            failure.exit_code()
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let terminal = std::io::stdout().is_terminal();
    let style = cli.global.style(terminal, std::env::var_os("NO_COLOR"));
    let mut output = Output::new(
        Box::new(std::io::stdout()),
        Box::new(std::io::stderr()),
        style,
    );
    let Some(command) = cli.command.run_alone(&mut output)? else {
        return Ok(());
    };
    let socket = cli
        .global
        .socket(|name| std::env::var_os(name))
        .map_err(|wrong| Failure::usage(format!("{wrong}. or name the socket with --socket")))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::new(
                ErrorCode::Internal,
                format!("cannot start ({error}). check the limits of this session: ulimit -a"),
            )
        })?;
    let mut context = Context::new(output, Clock::system(), socket);
    runtime.block_on(async {
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
            ended = command.run(&mut context) => ended,
        }
    })
}

#[cfg(test)]
mod goldens;
