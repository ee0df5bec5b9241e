//! What a call answers when it cannot do what was asked.

use crate::model::ErrorCode;
use std::error::Error;

/// An error with a code from the one table, a sentence for a person, and its cause for the log.
///
/// The sentence says what to do. It never holds a key, a network address or message text.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ServiceError {
    /// From the one table.
    pub code: ErrorCode,
    /// What the error is about, such as `message` or `invite`.
    pub subject: &'static str,
    /// A sentence for a person.
    pub message: String,
    /// For [`ErrorCode::Ambiguous`]: what fits, as `id name`.
    pub candidates: Vec<String>,
    /// The cause, for the log.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// What every call of the service returns.
pub type Result<T> = std::result::Result<T, ServiceError>;

impl ServiceError {
    /// An error without a cause.
    #[must_use]
    pub fn new(code: ErrorCode, subject: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            subject,
            message: message.into(),
            candidates: Vec::new(),
            source: None,
        }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }
}
