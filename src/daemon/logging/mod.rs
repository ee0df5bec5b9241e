//! Logs: lines on standard error, or entries with fields in the systemd journal.
//!
//! # Decisions
//! - Two fences keep people out of the logs. Other people's crates are heard at `error`
//!   only, and then by name only, because their texts and spans hold addresses and
//!   `PeerId`s. And whatever this program says itself passes [`scrub`](scrub::scrub), which
//!   masks what looks like an address, an id, a key or an invite.
//! - A panic is logged by its place, and by its text only where that is a constant: a text
//!   that was put together may hold anything.
//! - No `log` bridge is installed. Crates that log through `log` are not heard, and
//!   [`JournalLog`] is called directly, because a second global logger cannot be.
//! - Message ids, names and texts are no log fields, at any level.

mod layer;
mod scrub;
mod sink;

use std::{io, panic::PanicHookInfo};

use systemd_journal_logger::{JournalLog, connected_to_journal};
use tracing_subscriber::layer::SubscriberExt;

use super::config::{LogFormat, LogLevel, LogSettings};
use crate::base::Clock;
use layer::OwnLayer;
use sink::{Journal, Lines, Sink};

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The journal was asked for and does not answer.
    #[error("the systemd journal does not answer; use --log-format text")]
    Journal(#[source] io::Error),
    /// Logs were started before.
    #[error("logs were started before")]
    Twice(#[source] tracing::subscriber::SetGlobalDefaultError),
}

/// Starts the logs of this process.
///
/// # Errors
/// See [`LoggingError`]; `auto` never fails for want of a journal.
pub fn start(settings: LogSettings, clock: Clock) -> Result<(), LoggingError> {
    let lines = |clock| Box::new(Lines::new(io::stderr(), clock)) as Box<dyn Sink>;
    let sink = match settings.format {
        LogFormat::Text => lines(clock),
        LogFormat::Journal => journal().map_err(LoggingError::Journal)?,
        LogFormat::Auto if connected_to_journal() => journal().unwrap_or_else(|_| lines(clock)),
        LogFormat::Auto => lines(clock),
    };
    let layer = OwnLayer::new(settings.level.into(), sink);
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))
        .map_err(LoggingError::Twice)?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

fn journal() -> io::Result<Box<dyn Sink>> {
    let log = JournalLog::empty()?.with_syslog_identifier("msgd".to_owned());
    Ok(Box::new(Journal::new(log)))
}

fn log_panic(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let text = constant_text(info.payload());
    tracing::error!(place, text, "a task panicked");
}

/// The text of a panic if it was written in the code as it is.
fn constant_text(payload: &(dyn std::any::Any + Send)) -> &'static str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("[not shown]")
}

impl From<LogLevel> for tracing::Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

#[cfg(test)]
mod tests;
