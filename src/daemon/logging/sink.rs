//! Where entries end: lines of text, or the journal.

use std::{
    fmt::Write as _,
    io::Write,
    sync::{Mutex, PoisonError},
};

use log::Log;
use tracing::Level;

use super::layer::Entry;
use crate::base::Clock;

/// Takes entries; never fails, because nobody could be told.
pub(super) trait Sink: Send + Sync {
    /// Takes one.
    fn take(&self, entry: &Entry);
}

/// `2026-11-23T09:25:00.123Z INFO msgd::net: link up inbound=true`
pub(super) struct Lines<W> {
    to: Mutex<W>,
    clock: Clock,
}

impl<W> Lines<W> {
    pub(super) fn new(to: W, clock: Clock) -> Self {
        Self {
            to: Mutex::new(to),
            clock,
        }
    }
}

impl<W: Write + Send> Sink for Lines<W> {
    fn take(&self, entry: &Entry) {
        let time = jiff::Timestamp::from_millisecond(self.clock.wall_ms())
            .map(|time| time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
            .unwrap_or_default();
        let mut line = format!("{time} {} {}: ", entry.level, entry.target);
        push_text(&mut line, entry);
        line.push('\n');
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        // One write a line, so that lines of several processes do not mix.
        let _ = to.write_all(line.as_bytes());
    }
}

/// The journal, through a logger that is called directly and never installed.
pub(super) struct Journal<L>(L);

impl<L: Log> Journal<L> {
    pub(super) fn new(log: L) -> Self {
        Self(log)
    }
}

impl<L: Log> Sink for Journal<L> {
    fn take(&self, entry: &Entry) {
        let mut message = String::new();
        push_text(&mut message, entry);
        // A prefix of their own keeps the fields apart from the journal's.
        let named: Vec<(String, &str)> = entry
            .fields
            .iter()
            .map(|(name, value)| {
                (
                    format!("MSGD_{}", name.to_ascii_uppercase()),
                    value.as_str(),
                )
            })
            .collect();
        let pairs: Vec<(&str, &str)> = named.iter().map(|(n, v)| (n.as_str(), *v)).collect();
        self.0.log(
            &log::Record::builder()
                .level(level(entry.level))
                .target(entry.target)
                .module_path_static(entry.module)
                .file_static(entry.file)
                .line(entry.line)
                .key_values(&pairs.as_slice())
                .args(format_args!("{message}"))
                .build(),
        );
    }
}

/// The message and then the fields: `journalctl` shows nothing else.
fn push_text(text: &mut String, entry: &Entry) {
    push_visible(text, &entry.message);
    for (name, value) in &entry.fields {
        // Writing to a string cannot fail.
        let _ = write!(text, " {name}=");
        push_visible(text, value);
    }
}

/// Line breaks and escape sequences must not forge lines or drive terminals.
fn push_visible(text: &mut String, raw: &str) {
    for c in raw.chars() {
        if c.is_control() {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
}

fn level(level: Level) -> log::Level {
    match level {
        Level::ERROR => log::Level::Error,
        Level::WARN => log::Level::Warn,
        Level::INFO => log::Level::Info,
        Level::DEBUG => log::Level::Debug,
        Level::TRACE => log::Level::Trace,
    }
}
