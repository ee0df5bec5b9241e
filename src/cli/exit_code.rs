//! What a command says when it cannot do what was asked, and the code it exits with.

use super::text;
use crate::model::ErrorCode;
use std::fmt;

/// Exit code after an interrupt: 128 and the signal's number, as shells count.
const INTERRUPTED: u8 = 130;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error with a code from the one table.
    Told {
        /// From the one table.
        code: ErrorCode,
        /// What is wrong and what to do.
        message: String,
        /// What fits, if several things do.
        candidates: Vec<String>,
    },
    /// Ctrl-C.
    Interrupted,
    /// Whoever read our output has seen enough; that is no error.
    Closed,
}

impl Failure {
    /// A failure that says `message`.
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::with_candidates(code, message, Vec::new())
    }

    /// A failure that says `message` and lists what fits.
    pub(crate) fn with_candidates(
        code: ErrorCode,
        message: impl Into<String>,
        candidates: Vec<String>,
    ) -> Self {
        Self::Told {
            code,
            message: message.into(),
            candidates,
        }
    }

    /// A mistake in how the command was called.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, message)
    }

    /// An error while writing to standard output.
    pub(crate) fn from_output(error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::Closed;
        }
        Self::new(
            ErrorCode::Internal,
            format!(
                "cannot write to standard output ({error}). free some space or choose another file"
            ),
        )
    }

    /// Its code, if it has one from the table.
    pub(crate) fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Told { code, .. } => Some(*code),
            Self::Interrupted | Self::Closed => None,
        }
    }

    /// What the process exits with.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Told { code, .. } => code.exit_code(),
            Self::Interrupted => INTERRUPTED,
            Self::Closed => 0,
        }
    }
}

/// The text for standard error; empty if there is nothing to say.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Told {
            code,
            message,
            candidates,
        } = self
        else {
            return Ok(());
        };
        let message = text::one_line(message);
        write!(f, "msgctl: {message}")?;
        if let Some((known, advice)) = advice(*code)
            && !message.contains(known)
        {
            let stop = if message.ends_with('.') { "" } else { "." };
            write!(f, "{stop} {advice}")?;
        }
        writeln!(f)?;
        for candidate in candidates {
            writeln!(f, "  {}", text::one_line(candidate))?;
        }
        Ok(())
    }
}

/// What leads out, where one thing always does, and the words by which a message has it already.
fn advice(code: ErrorCode) -> Option<(&'static str, &'static str)> {
    match code {
        ErrorCode::Locked => Some(("msgctl vault", "run: msgctl vault unlock")),
        ErrorCode::Unreachable => Some((
            "systemctl",
            "start it: systemctl --user start msgd, or run msgd",
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_table_has_its_exit_code() {
        let codes: Vec<u8> = ErrorCode::ALL
            .into_iter()
            .map(|code| Failure::new(code, "x").exit_code())
            .collect();
        assert_eq!(codes, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 10, 3]);
        assert_eq!(Failure::Interrupted.exit_code(), 130);
        assert_eq!(Failure::Closed.exit_code(), 0);
    }

    #[test]
    fn a_locked_vault_says_how_to_unlock_it_once() {
        let bare = Failure::new(ErrorCode::Locked, "the vault is locked");
        assert_eq!(
            bare.to_string(),
            "msgctl: the vault is locked. run: msgctl vault unlock\n"
        );
        let told = Failure::new(ErrorCode::Locked, "locked; use msgctl vault unlock");
        assert_eq!(
            told.to_string(),
            "msgctl: locked; use msgctl vault unlock\n"
        );
    }

    #[test]
    fn candidates_are_listed_and_harmless() {
        let failure = Failure::with_candidates(
            ErrorCode::Ambiguous,
            "two contacts fit. give more of the id",
            vec!["0a1b \u{1b}[2Jalice".into(), "0a1c alice".into()],
        );
        assert_eq!(
            failure.to_string(),
            "msgctl: two contacts fit. give more of the id\n  0a1b \u{241b}[2Jalice\n  0a1c alice\n"
        );
    }

    #[test]
    fn a_closed_pipe_is_no_error() {
        let closed = Failure::from_output(&std::io::ErrorKind::BrokenPipe.into());
        assert_eq!((closed.exit_code(), closed.to_string()), (0, String::new()));
        let full = Failure::from_output(&std::io::ErrorKind::StorageFull.into());
        assert_eq!(full.exit_code(), 1);
    }
}
