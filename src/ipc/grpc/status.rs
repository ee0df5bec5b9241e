//! The one map between [`ServiceError`] and [`Status`], both ways.
//!
//! The details of a status are a `google.rpc.Status` with one `msgd.v1.ErrorDetail`, as every
//! gRPC library reads them from `grpc-status-details-bin`. Clients read the detail; the gRPC code
//! is only the nearest word for those who look at nothing else.

use super::proto::v1;
use crate::{base::chain, model::ErrorCode, service::ServiceError};
use prost::Message;
use std::error::Error;
use tonic::{Code, Status};

/// Names the detail's type. Only what follows the last slash counts to readers.
const DETAIL_URL: &str = "type.googleapis.com/msgd.v1.ErrorDetail";
/// The detail's type itself.
const DETAIL_TYPE: &str = "msgd.v1.ErrorDetail";

/// Why a call failed, as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ClientError {
    /// From the one table; a code that this version does not know is [`ErrorCode::Internal`].
    pub code: ErrorCode,
    /// What the error is about, such as `message`; empty if the call never reached the daemon.
    pub subject: String,
    /// A sentence for a person.
    pub message: String,
    /// For [`ErrorCode::Ambiguous`]: what fits, as `id name`.
    pub candidates: Vec<String>,
}

/// What a failed call of the service says to a client. Logs the cause, which stays here.
pub(super) fn refuse(error: ServiceError) -> Status {
    if let Some(cause) = error.source.as_deref() {
        let cause = chain(cause);
        if error.code == ErrorCode::Internal {
            tracing::error!(subject = error.subject, cause, "a call failed");
        } else {
            tracing::debug!(subject = error.subject, cause, "a call was refused");
        }
    }
    status(error.code, error.subject, error.message, error.candidates)
}

/// What is said to those who wait when the house begins to close.
pub(super) fn stopping() -> ServiceError {
    ServiceError::new(ErrorCode::Unavailable, "daemon", "the daemon is stopping")
}

/// The status of a call that tonic refused by itself, with the detail it lacks.
pub(super) fn explain(bare: &Status) -> Status {
    let code = nearest(bare.code());
    status(code, "request", bare.message().to_owned(), Vec::new())
}

fn status(code: ErrorCode, subject: &str, message: String, candidates: Vec<String>) -> Status {
    let detail = v1::ErrorDetail {
        code: code.name().to_owned(),
        subject: subject.to_owned(),
        candidates,
    };
    let rich = tonic_types::Status {
        code: grpc_code(code).into(),
        message: message.clone(),
        details: vec![prost_types::Any {
            type_url: DETAIL_URL.to_owned(),
            value: detail.encode_to_vec(),
        }],
    };
    Status::with_details(grpc_code(code), message, rich.encode_to_vec().into())
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        let message = status.message().to_owned();
        if let Some(detail) = detail(status.details()) {
            return Self {
                code: ErrorCode::from_name(&detail.code).unwrap_or(ErrorCode::Internal),
                subject: detail.subject,
                message,
                candidates: detail.candidates,
            };
        }
        // A status with a cause was made on this side, by the transport.
        if let Some(cause) = status.source() {
            return Self {
                code: ErrorCode::Unreachable,
                subject: String::new(),
                message: format!("the connection to the daemon was lost: {}", chain(cause)),
                candidates: Vec::new(),
            };
        }
        Self {
            code: nearest(status.code()),
            subject: String::new(),
            message,
            candidates: Vec::new(),
        }
    }
}

/// Our detail among the details of a status, if there is one.
fn detail(details: &[u8]) -> Option<v1::ErrorDetail> {
    let ours = |any: &prost_types::Any| any.type_url.rsplit('/').next() == Some(DETAIL_TYPE);
    let rich = tonic_types::Status::decode(details).ok()?;
    let any = rich.details.into_iter().find(ours)?;
    v1::ErrorDetail::decode(any.value.as_slice()).ok()
}

const fn grpc_code(code: ErrorCode) -> Code {
    match code {
        ErrorCode::Internal => Code::Internal,
        ErrorCode::InvalidArgument | ErrorCode::Ambiguous => Code::InvalidArgument,
        ErrorCode::Unreachable | ErrorCode::Unavailable => Code::Unavailable,
        ErrorCode::NotFound => Code::NotFound,
        ErrorCode::Locked | ErrorCode::Untrusted | ErrorCode::Failed | ErrorCode::Conflict => {
            Code::FailedPrecondition
        }
        ErrorCode::Timeout => Code::DeadlineExceeded,
        ErrorCode::Denied => Code::PermissionDenied,
        ErrorCode::Limit => Code::ResourceExhausted,
    }
}

/// The code for a status without a detail: from tonic itself, or from nobody of ours.
const fn nearest(code: Code) -> ErrorCode {
    match code {
        Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => ErrorCode::Internal,
        Code::InvalidArgument | Code::Unimplemented => ErrorCode::InvalidArgument,
        Code::Cancelled | Code::DeadlineExceeded => ErrorCode::Timeout,
        Code::NotFound => ErrorCode::NotFound,
        Code::AlreadyExists | Code::FailedPrecondition | Code::Aborted => ErrorCode::Conflict,
        Code::PermissionDenied | Code::Unauthenticated => ErrorCode::Denied,
        Code::ResourceExhausted | Code::OutOfRange => ErrorCode::Limit,
        Code::Unavailable => ErrorCode::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_code() -> impl Strategy<Value = ErrorCode> {
        proptest::sample::select(ErrorCode::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn a_client_reads_what_the_service_said(
            code in any_code(), message: String, candidates: Vec<String>,
        ) {
            let mut error = ServiceError::new(code, "contact", message.clone());
            error.candidates.clone_from(&candidates);
            let read = ClientError::from(refuse(error));
            let said = ClientError { code, subject: "contact".into(), message, candidates };
            prop_assert_eq!(read, said);
        }

        #[test]
        fn any_details_are_read_or_ignored(details: Vec<u8>) {
            let status = Status::with_details(Code::NotFound, "gone", details.into());
            prop_assert_eq!(ClientError::from(status).message, "gone");
        }
    }

    #[test]
    fn the_cause_stays_here() {
        let error = ServiceError::new(ErrorCode::Internal, "store", "something broke")
            .because(std::io::Error::other("/home/alice/secret"));
        let status = refuse(error);
        let said = [status.message().as_bytes(), status.details()].concat();
        assert!(!String::from_utf8_lossy(&said).contains("alice"));
    }

    #[test]
    fn a_code_of_a_later_version_is_internal() {
        let detail = v1::ErrorDetail {
            code: "PAYMENT_DUE".into(),
            ..Default::default()
        };
        let any = prost_types::Any {
            type_url: DETAIL_URL.into(),
            value: detail.encode_to_vec(),
        };
        let rich = tonic_types::Status {
            code: 9,
            message: "pay".into(),
            details: vec![any],
        };
        let status =
            Status::with_details(Code::FailedPrecondition, "pay", rich.encode_to_vec().into());
        assert_eq!(ClientError::from(status).code, ErrorCode::Internal);
    }

    #[test]
    fn the_contract_names_every_code() {
        let contract = include_str!("../../../proto/msgd/v1/error.proto");
        for code in ErrorCode::ALL {
            let named = contract.lines().any(|line| {
                line.trim_start_matches([' ', '/']).split(' ').next() == Some(code.name())
            });
            assert!(named, "error.proto does not explain {}", code.name());
        }
    }
}
