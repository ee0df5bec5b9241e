//! The one table of errors: what went wrong, as every door tells it.

/// A closed list. Each door maps it once: gRPC status details carry [`ErrorCode::name`],
/// D-Bus errors end in [`ErrorCode::dbus_name`], `msgctl` exits with [`ErrorCode::exit_code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// A fault of the daemon itself.
    Internal,
    /// The request makes no sense as it stands.
    InvalidArgument,
    /// The daemon does not answer.
    Unreachable,
    /// No such thing.
    NotFound,
    /// Several things fit; the details list them.
    Ambiguous,
    /// The vault must be unlocked first.
    Locked,
    /// A signature, fingerprint or invite does not check out.
    Untrusted,
    /// Not finished within the caller's limit; it goes on.
    Timeout,
    /// Wrong passphrase, foreign user, or not allowed.
    Denied,
    /// It will never succeed as it is: expired, cancelled, used up.
    Failed,
    /// Too big, too many, or the disk is full.
    Limit,
    /// It exists already, or the state does not allow it.
    Conflict,
    /// The daemon is stopping.
    Unavailable,
}

impl ErrorCode {
    /// Every code, in table order.
    pub const ALL: [Self; 13] = [
        Self::Internal,
        Self::InvalidArgument,
        Self::Unreachable,
        Self::NotFound,
        Self::Ambiguous,
        Self::Locked,
        Self::Untrusted,
        Self::Timeout,
        Self::Denied,
        Self::Failed,
        Self::Limit,
        Self::Conflict,
        Self::Unavailable,
    ];

    /// Stable name on the gRPC door.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Internal => "INTERNAL",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::Unreachable => "UNREACHABLE",
            Self::NotFound => "NOT_FOUND",
            Self::Ambiguous => "AMBIGUOUS",
            Self::Locked => "LOCKED",
            Self::Untrusted => "UNTRUSTED",
            Self::Timeout => "TIMEOUT",
            Self::Denied => "DENIED",
            Self::Failed => "FAILED",
            Self::Limit => "LIMIT",
            Self::Conflict => "CONFLICT",
            Self::Unavailable => "UNAVAILABLE",
        }
    }

    /// Last part of the D-Bus error name `org.msgd.Msgd1.Error.*`.
    #[must_use]
    pub const fn dbus_name(self) -> &'static str {
        match self {
            Self::Internal => "Internal",
            Self::InvalidArgument => "InvalidArgument",
            Self::Unreachable => "Unreachable",
            Self::NotFound => "NotFound",
            Self::Ambiguous => "Ambiguous",
            Self::Locked => "Locked",
            Self::Untrusted => "Untrusted",
            Self::Timeout => "Timeout",
            Self::Denied => "Denied",
            Self::Failed => "Failed",
            Self::Limit => "Limit",
            Self::Conflict => "Conflict",
            Self::Unavailable => "Unavailable",
        }
    }

    /// Exit code of `msgctl`.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::InvalidArgument => 2,
            Self::Unreachable | Self::Unavailable => 3,
            Self::NotFound => 4,
            Self::Ambiguous => 5,
            Self::Locked => 6,
            Self::Untrusted => 7,
            Self::Timeout => 8,
            Self::Denied => 9,
            Self::Failed | Self::Conflict => 10,
            Self::Limit => 11,
        }
    }

    /// The code with that [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_its_name() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_name(code.name()), Some(code));
        }
    }
}
