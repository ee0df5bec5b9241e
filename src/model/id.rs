//! Identifiers. Local ones are random and mean nothing outside this daemon.

use std::{fmt, str::FromStr};

/// Why a text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is {expected} lower-case hexadecimal digits")]
pub struct ParseIdError {
    /// How many digits a whole id has.
    pub expected: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// The id in `bytes`, if they are of the right length.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        // Ids of a profile stay out of logs: they would tie log lines to people.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "[redacted]"))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let wrong = ParseIdError { expected: $len * 2 };
                parse_hex(text).and_then(|bytes| Self::from_slice(&bytes)).ok_or(wrong)
            }
        }
    };
}

id!(
    /// One of the user's own identities (a persona), by local handle.
    IdentityId, 16
);
id!(
    /// A contact, by local handle.
    ContactId, 16
);
id!(
    /// A conversation, the same on both sides and never sent outside an envelope.
    ConversationId, 16
);
id!(
    /// A message: the hash of its payload and author (`protocol.md` D.3), equal everywhere.
    MessageId, 32
);
id!(
    /// An invite that this daemon made or was given.
    InviteId, 16
);
id!(
    /// A contact request, incoming or outgoing.
    RequestId, 16
);
id!(
    /// A mailbox arrangement, by local handle: host and owner call it differently.
    MailboxId, 16
);
id!(
    /// Whom a link leads to, as the network room knows it: a contact or a handshake.
    RouteId, 16
);
id!(
    /// An OpenPGP v6 fingerprint (RFC 9580, 5.5.4).
    Fingerprint, 32
);

fn parse_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2)
        || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    {
        return None;
    }
    let digit = |c: u8| {
        if c.is_ascii_digit() {
            c - b'0'
        } else {
            c - b'a' + 10
        }
    };
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high) << 4 | digit(*low)),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_printed_is_parsed(bytes: [u8; 16]) {
            let id = ContactId(bytes);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text: String) {
            let _ = text.parse::<MessageId>();
        }
    }

    #[test]
    fn debug_output_tells_nothing() {
        assert_eq!(format!("{:?}", ContactId([7; 16])), "ContactId[redacted]");
    }
}
