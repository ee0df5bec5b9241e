//! The daemon's status and findings.

use super::vault_state;
use crate::{
    ipc::grpc::proto::v1,
    service::{Finding, Level, Status},
};

pub(in crate::ipc::grpc) fn status(status: Status) -> v1::Status {
    v1::Status {
        version: status.version.to_owned(),
        pid: status.pid,
        started_at_ms: status.started_at.0,
        vault: vault_state(status.vault).into(),
        identities: status.identities,
        contacts: status.contacts,
        links: status.links,
        listen: status.listen.iter().map(ToString::to_string).collect(),
        outbox: status.outbox,
        unread: status.unread,
        pending_requests: status.pending_requests,
        last_event: status.last_event,
        crypto_backend: status.crypto_backend.to_owned(),
        profile: status.profile,
    }
}

pub(in crate::ipc::grpc) fn finding(finding: Finding) -> v1::Finding {
    v1::Finding {
        check: finding.check.to_owned(),
        level: match finding.level {
            Level::Ok => v1::Level::Ok,
            Level::Warning => v1::Level::Warning,
            Level::Error => v1::Level::Error,
        }
        .into(),
        text: finding.text,
    }
}
