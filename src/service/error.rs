//! What a call answers when it cannot do what was asked.

use crate::{
    engine::{
        contacts::ContactError,
        conversations::ConversationError,
        identities::IdentityError,
        mailbox::{MailboxError, host::MailboxHostError},
        messages::MessageError,
        vault::VaultError,
    },
    model::ErrorCode,
};
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

/// The cause that a person can do something about goes into the sentence.
fn told(
    code: ErrorCode,
    subject: &'static str,
    error: impl Error + Send + Sync + 'static,
) -> ServiceError {
    let message = crate::base::chain(&error);
    ServiceError::new(code, subject, message).because(error)
}

pub(super) fn vault(error: VaultError) -> ServiceError {
    let code = match &error {
        VaultError::Exists => ErrorCode::Conflict,
        VaultError::Missing | VaultError::Locked => ErrorCode::Locked,
        VaultError::WrongPassphrase | VaultError::Wait { .. } => ErrorCode::Denied,
        VaultError::WeakPassphrase { .. } => ErrorCode::InvalidArgument,
        VaultError::MakeSlot(_) => ErrorCode::Conflict,
        VaultError::KeyringGone => ErrorCode::Failed,
        VaultError::OpenKeyring(_)
        | VaultError::OpenTransportKey(_)
        | VaultError::Read { .. }
        | VaultError::Write { .. }
        | VaultError::BadKeyFile { .. } => ErrorCode::Internal,
        VaultError::Store(store) => store.code(),
        VaultError::Stopped => ErrorCode::Unavailable,
    };
    told(code, "vault", error)
}

pub(super) fn identity(error: IdentityError) -> ServiceError {
    let code = identity_code(&error);
    told(code, "identity", error)
}

fn identity_code(error: &IdentityError) -> ErrorCode {
    match error {
        IdentityError::Locked => ErrorCode::Locked,
        IdentityError::NotFound => ErrorCode::NotFound,
        IdentityError::BadName => ErrorCode::InvalidArgument,
        IdentityError::TooMany => ErrorCode::Limit,
        IdentityError::MakeKeys(_)
        | IdentityError::SignManifest(_)
        | IdentityError::ReadKeys(_)
        | IdentityError::WriteKeys(_)
        | IdentityError::OpenKeys(_)
        | IdentityError::Damaged => ErrorCode::Internal,
        IdentityError::Store(store) => store.code(),
    }
}

pub(super) fn contact(error: ContactError) -> ServiceError {
    let code = match &error {
        ContactError::Locked => ErrorCode::Locked,
        ContactError::NotFound => ErrorCode::NotFound,
        ContactError::ParseLink(_)
        | ContactError::OwnInvite
        | ContactError::GreetingTooLong
        | ContactError::BadName
        | ContactError::BadLifetime => ErrorCode::InvalidArgument,
        ContactError::AlreadyUsed | ContactError::WrongState(_) => ErrorCode::Conflict,
        ContactError::TooMany(_) => ErrorCode::Limit,
        ContactError::Handshake(_) => ErrorCode::Untrusted,
        ContactError::Identity(identity) => identity_code(identity),
        ContactError::Keys(_) | ContactError::Damaged => ErrorCode::Internal,
        ContactError::Store(store) => store.code(),
    };
    told(code, "contact", error)
}

pub(super) fn conversation(error: ConversationError) -> ServiceError {
    let code = match &error {
        ConversationError::NotFound => ErrorCode::NotFound,
        ConversationError::ForeignMessage => ErrorCode::InvalidArgument,
        ConversationError::Damaged => ErrorCode::Internal,
        ConversationError::Store(store) => store.code(),
    };
    told(code, "conversation", error)
}

pub(super) fn message(error: MessageError) -> ServiceError {
    let code = match &error {
        MessageError::Empty => ErrorCode::InvalidArgument,
        MessageError::TooLong { .. } | MessageError::OutboxFull => ErrorCode::Limit,
        MessageError::Locked => ErrorCode::Locked,
        MessageError::NotFound | MessageError::NoContact => ErrorCode::NotFound,
        MessageError::NoSession | MessageError::KeysExpired(_) => ErrorCode::Failed,
        MessageError::TooLate(_) => ErrorCode::Conflict,
        MessageError::Identity(identity) => identity_code(identity),
        MessageError::PeerCert(_)
        | MessageError::Seal(_)
        | MessageError::Statement(_)
        | MessageError::Payload(_)
        | MessageError::Damaged => ErrorCode::Internal,
        MessageError::Store(store) => store.code(),
        MessageError::Stopped => ErrorCode::Unavailable,
    };
    told(code, "message", error)
}

pub(super) fn mailbox(error: MailboxError) -> ServiceError {
    let code = match &error {
        MailboxError::Code(_) | MailboxError::NoAddress | MailboxError::BadNote => {
            ErrorCode::InvalidArgument
        }
        MailboxError::Known => ErrorCode::Conflict,
        MailboxError::TooMany => ErrorCode::Limit,
        MailboxError::NotFound => ErrorCode::NotFound,
        MailboxError::Damaged => ErrorCode::Internal,
        MailboxError::Store(store) => store.code(),
    };
    told(code, "mailbox", error)
}

pub(super) fn mailbox_host(error: MailboxHostError) -> ServiceError {
    let code = match &error {
        MailboxHostError::BadName | MailboxHostError::BadQuota => ErrorCode::InvalidArgument,
        MailboxHostError::NoAddress => ErrorCode::Failed,
        MailboxHostError::TooMany(_) => ErrorCode::Limit,
        MailboxHostError::NotFound => ErrorCode::NotFound,
        MailboxHostError::CodeGone => ErrorCode::Conflict,
        MailboxHostError::Damaged => ErrorCode::Internal,
        MailboxHostError::Store(store) => store.code(),
        MailboxHostError::Stopped => ErrorCode::Unavailable,
    };
    told(code, "mailbox", error)
}

/// For errors of the store that reach the service directly; they know their own code.
macro_rules! store {
    () => {
        |error| {
            let code = error.code();
            $crate::service::error::told_store(code, error)
        }
    };
}
pub(super) use store;

pub(super) fn told_store(
    code: ErrorCode,
    error: impl Error + Send + Sync + 'static,
) -> ServiceError {
    told(code, "store", error)
}
