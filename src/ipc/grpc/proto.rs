//! What is said: code generated from `proto/msgd/v1`, and its description for reflection.

use std::fmt;

/// Messages, clients and servers generated from `proto/msgd/v1`.
#[expect(
    clippy::doc_markdown,
    clippy::missing_errors_doc,
    clippy::allow_attributes_without_reason,
    reason = "generated; the .proto files are the documentation"
)]
pub mod v1 {
    tonic::include_proto!("msgd.v1");
}

/// The contract itself, as an encoded `google.protobuf.FileDescriptorSet` with comments.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/msgd_descriptor.bin"));

// These hold secrets, invite links or texts, which must not reach a log by `{:?}`.
macro_rules! silent {
    ($($name:path),* $(,)?) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "[redacted]"))
            }
        }
    )*};
}

silent!(
    v1::NewSlot,
    v1::new_slot::File,
    v1::new_slot::Opener,
    v1::UnlockVaultRequest,
    v1::ChangePassphraseRequest,
    v1::CreateInviteResponse,
    v1::OfferMailboxResponse,
    v1::AcceptMailboxRequest,
    v1::AddContactRequest,
    v1::ContactRequest,
    v1::SendMessageRequest,
    v1::Message,
);

#[cfg(test)]
mod tests {
    use super::v1;

    #[test]
    fn debug_output_tells_no_secret() {
        let slot = v1::NewSlot {
            opener: Some(v1::new_slot::Opener::Passphrase(b"hunter2".to_vec())),
        };
        let request = v1::CreateVaultRequest {
            slot: Some(slot),
            idempotency_key: "k".into(),
        };
        let shown = format!("{request:?}");
        assert!(shown.contains("NewSlot[redacted]"), "{shown}");
        let message = v1::Message {
            text: "meet at nine".into(),
            ..Default::default()
        };
        assert_eq!(format!("{message:?}"), "v1::Message[redacted]");
        let code = "msgd:m1secret";
        let offered = v1::OfferMailboxResponse {
            code: code.into(),
            ..Default::default()
        };
        let accept = v1::AcceptMailboxRequest {
            code: code.into(),
            ..Default::default()
        };
        for shown in [format!("{offered:?}"), format!("{accept:?}")] {
            assert!(shown.ends_with("[redacted]"), "{shown}");
        }
    }
}
