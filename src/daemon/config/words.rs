//! Settings that are one of a few words.

use std::str::FromStr;

/// What a daemon is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A person writes to others with it.
    Person,
    /// It hosts mailboxes, and nobody needs to unlock it.
    Mailbox,
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "person" => Ok(Self::Person),
            "mailbox" => Ok(Self::Mailbox),
            _ => Err(format!("expected person or mailbox, found {text:?}")),
        }
    }
}

/// How serious a line must be to be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// What failed for good.
    Error,
    /// What may need somebody.
    Warn,
    /// What happened.
    Info,
    /// How it happened.
    Debug,
    /// Every step.
    Trace,
}

/// Where and how lines are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// The journal where standard error is the journal, else text.
    Auto,
    /// Lines on standard error.
    Text,
    /// Entries with fields in the journal.
    Journal,
}

impl FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "error" => Ok(Self::Error),
            "warn" => Ok(Self::Warn),
            "info" => Ok(Self::Info),
            "debug" => Ok(Self::Debug),
            "trace" => Ok(Self::Trace),
            _ => Err(format!(
                "expected error, warn, info, debug or trace, found {text:?}"
            )),
        }
    }
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "text" => Ok(Self::Text),
            "journal" => Ok(Self::Journal),
            _ => Err(format!("expected auto, text or journal, found {text:?}")),
        }
    }
}
