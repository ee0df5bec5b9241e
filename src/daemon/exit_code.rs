//! What the daemon's end means to the service manager. With 2 and 10 it does not try again, so
//! these are for what stays as it is until somebody has repaired it.

use super::{InstanceLockError, RunError, WiringError};
use crate::{
    engine::vault::VaultError, ipc::grpc::ListenError, model::ErrorCode, store::StoreError,
};
use std::io::{self, ErrorKind};

impl RunError {
    /// The exit code, from the one table.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let code = match self {
            Self::Config(_) | Self::Wiring(WiringError::Person) => ErrorCode::InvalidArgument,
            Self::Folder { source, .. } => of_io(source),
            Self::Taken(error) => of_lock(error),
            Self::Socket(error) => of_listen(error),
            Self::Wiring(WiringError::Store(error)) => of_store(error),
            Self::Wiring(WiringError::Vault(error)) => of_vault(error),
            Self::Wiring(WiringError::Ports(error)) => of_io(error),
            Self::Close(error) => error.code(),
            _ => ErrorCode::Internal,
        };
        code.exit_code()
    }
}

fn of_io(error: &io::Error) -> ErrorCode {
    match error.kind() {
        ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::AlreadyExists => ErrorCode::Failed,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ErrorCode::Limit,
        _ => ErrorCode::Internal,
    }
}

const fn of_store(error: &StoreError) -> ErrorCode {
    match error {
        StoreError::InUse(_) => ErrorCode::Conflict,
        StoreError::ReadOnly(_) | StoreError::NewerSchema { .. } | StoreError::Corrupt { .. } => {
            ErrorCode::Failed
        }
        _ => error.code(),
    }
}

fn of_vault(error: &VaultError) -> ErrorCode {
    match error {
        VaultError::Store(error) => of_store(error),
        // No later start finds a key file that is not there.
        VaultError::Read { source, .. } if source.kind() == ErrorKind::NotFound => {
            ErrorCode::Failed
        }
        VaultError::Read { source, .. } | VaultError::Write { source, .. } => of_io(source),
        VaultError::KeyringGone
        | VaultError::OpenKeyring(_)
        | VaultError::OpenTransportKey(_)
        | VaultError::BadKeyFile { .. } => ErrorCode::Failed,
        VaultError::Stopped => ErrorCode::Unavailable,
        _ => ErrorCode::Internal,
    }
}

fn of_lock(error: &InstanceLockError) -> ErrorCode {
    match error {
        InstanceLockError::Held { .. } | InstanceLockError::HeldByUnknown { .. } => {
            ErrorCode::Conflict
        }
        InstanceLockError::Io { source, .. } => of_io(source),
    }
}

fn of_listen(error: &ListenError) -> ErrorCode {
    match error {
        ListenError::Answered(_) => ErrorCode::Conflict,
        ListenError::FolderOpen(_) | ListenError::NotSocket(_) => ErrorCode::Failed,
        ListenError::Bind { source, .. } => match source.kind() {
            ErrorKind::AddrInUse => ErrorCode::Conflict,
            // The path is longer than a socket's may be.
            ErrorKind::InvalidInput => ErrorCode::InvalidArgument,
            _ => of_io(source),
        },
        ListenError::Folder { source, .. }
        | ListenError::Replace { source, .. }
        | ListenError::Given(source) => of_io(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::KeyringError;

    fn vault(error: VaultError) -> u8 {
        RunError::Wiring(WiringError::Vault(error)).exit_code()
    }

    #[test]
    fn a_full_disk_is_tried_again_whichever_room_met_it() {
        let full = || io::Error::from(ErrorKind::StorageFull);
        let store = || StoreError::DiskFull {
            free: 1,
            reserve: 2,
        };
        let file = "keyring.v1";
        let path = || "/x".into();
        assert_eq!(vault(VaultError::Store(store())), 11);
        let source = full();
        assert_eq!(vault(VaultError::Write { file, source }), 11);
        for error in [
            RunError::Wiring(WiringError::Store(store())),
            RunError::Wiring(WiringError::Ports(full())),
            RunError::Folder {
                path: "/x".to_owned(),
                source: full(),
            },
            RunError::Taken(InstanceLockError::Io {
                path: path(),
                source: full(),
            }),
            RunError::Socket(ListenError::Bind {
                path: path(),
                source: full(),
            }),
        ] {
            assert_eq!(error.exit_code(), 11, "{error}");
        }
    }

    #[test]
    fn what_only_a_person_repairs_is_final() {
        let file = "unattended.key";
        assert_eq!(vault(VaultError::KeyringGone), 10);
        assert_eq!(vault(VaultError::BadKeyFile { file }), 10);
        assert_eq!(vault(VaultError::OpenKeyring(KeyringError::Truncated)), 10);
        assert_eq!(
            vault(VaultError::Store(StoreError::ReadOnly("/x".into()))),
            10
        );
        for kind in [ErrorKind::NotFound, ErrorKind::PermissionDenied] {
            let source = kind.into();
            assert_eq!(vault(VaultError::Read { file, source }), 10, "{kind}");
        }
        let listen = |error| RunError::Socket(error).exit_code();
        let bind = |kind: ErrorKind| {
            let (path, source) = ("/x".into(), kind.into());
            listen(ListenError::Bind { path, source })
        };
        assert_eq!(listen(ListenError::Answered("/x".into())), 10);
        assert_eq!(listen(ListenError::NotSocket("/x".into())), 10);
        assert_eq!(bind(ErrorKind::AddrInUse), 10);
        assert_eq!(bind(ErrorKind::InvalidInput), 2);
        let folder = |kind: ErrorKind| {
            let (path, source) = ("/x".to_owned(), kind.into());
            RunError::Folder { path, source }.exit_code()
        };
        assert_eq!(folder(ErrorKind::ReadOnlyFilesystem), 10);
        assert_eq!(folder(ErrorKind::NotADirectory), 10);
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        let file = "transport.key";
        let source = ErrorKind::TimedOut.into();
        assert_eq!(vault(VaultError::Read { file, source }), 1);
        assert_eq!(vault(VaultError::Stopped), 3);
        let source = ErrorKind::Interrupted.into();
        let path = "/x".to_owned();
        assert_eq!(RunError::Folder { path, source }.exit_code(), 1);
    }
}
