//! The one map from the service's errors to D-Bus error names.

use crate::{model::ErrorCode, service::ServiceError};
use zbus::{DBusError, Message, message::Header, names::ErrorName};

/// What every error name of ours begins with.
const PREFIX: &str = "org.msgd.Msgd1.Error.";

/// An error reply: `org.msgd.Msgd1.Error.<Code>` and a sentence for a person.
///
/// Replies go to the caller alone, so the sentence may list what an ambiguous selector fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Error {
    code: ErrorCode,
    name: String,
    message: String,
}

pub(super) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, message.into())
    }

    pub(super) fn code(&self) -> ErrorCode {
        self.code
    }

    fn new(code: ErrorCode, message: String) -> Self {
        let name = format!("{PREFIX}{}", code.dbus_name());
        Self {
            code,
            name,
            message,
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<ServiceError> for Error {
    fn from(error: ServiceError) -> Self {
        let mut message = error.message;
        if !error.candidates.is_empty() {
            message = format!("{message} It could be: {}.", error.candidates.join("; "));
        }
        Self::new(error.code, message)
    }
}

impl DBusError for Error {
    fn create_reply(&self, call: &Header<'_>) -> zbus::Result<Message> {
        Message::error(call, self.name()).build(&(self.message.as_str(),))
    }

    fn name(&self) -> ErrorName<'_> {
        ErrorName::from_str_unchecked(&self.name)
    }

    fn description(&self) -> Option<&str> {
        Some(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_valid_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = ErrorCode::ALL
            .into_iter()
            .map(|code| Error::from(ServiceError::new(code, "vault", "Unlock first.")).name)
            .collect();
        assert_eq!(names.len(), ErrorCode::ALL.len());
        for name in &names {
            assert!(ErrorName::try_from(name.as_str()).is_ok(), "{name}");
        }
        assert!(names.contains("org.msgd.Msgd1.Error.Locked"));
    }

    #[test]
    fn an_ambiguous_selector_lists_what_it_fits() {
        let mut error = ServiceError::new(ErrorCode::Ambiguous, "contact", "Two people fit.");
        error.candidates = vec!["ab12 Ann".into(), "ab34 Ben".into()];
        assert_eq!(
            Error::from(error).description(),
            Some("Two people fit. It could be: ab12 Ann; ab34 Ben.")
        );
    }
}
