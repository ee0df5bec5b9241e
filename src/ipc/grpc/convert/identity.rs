//! Own identities.

use crate::{ipc::grpc::proto::v1, model::Identity};

pub(in crate::ipc::grpc) fn identity(identity: Identity) -> v1::Identity {
    v1::Identity {
        id: identity.id.to_string(),
        fingerprint: identity.fingerprint.to_string(),
        device_fingerprint: identity.device_fingerprint.to_string(),
        created_at_ms: identity.created_at.0,
        name: identity.name,
    }
}
