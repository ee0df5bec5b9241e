//! Protobuf messages in and out, in one spelling only.

use prost::Message;

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// They do not follow the message's description.
    #[error("the bytes are not the message that was expected")]
    Malformed,
    /// They do, but not in the one permitted spelling, or with fields this version lacks.
    #[error("the message is not in its canonical form")]
    NotCanonical,
    /// A field is longer, or occurs more often, than allowed.
    #[error("field {field} of the message exceeds its limit")]
    Limit {
        /// Its number.
        field: u32,
    },
}

/// A message that [`read`] can read; lets other rooms be generic without naming the codec.
pub trait Readable: Message + Default {}

impl<M: Message + Default> Readable for M {}

/// The message's bytes.
#[must_use]
pub fn write<M: Message>(message: &M) -> Vec<u8> {
    message.encode_to_vec()
}

/// The message in `bytes`, if they are exactly what [`write()`] makes of it.
///
/// Allocation is bounded by a small multiple of `bytes`; lists need
/// [`check_fields`](super::check_fields) first.
pub fn read<M: Readable>(bytes: &[u8]) -> Result<M, WireError> {
    let message = M::decode(bytes).map_err(|_| WireError::Malformed)?;
    if message.encoded_len() != bytes.len() || message.encode_to_vec() != bytes {
        return Err(WireError::NotCanonical);
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::v1;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = read::<v1::Payload>(&bytes);
            let _ = read::<v1::Receipt>(&bytes);
        }

        #[test]
        fn what_is_written_is_read(seq: u64, salt: Vec<u8>) {
            let message = v1::Payload { seq, salt, ..Default::default() };
            prop_assert!(read::<v1::Payload>(&write(&message)) == Ok(message));
        }
    }

    #[test]
    fn a_second_spelling_is_refused() {
        let plain = write(&v1::Text { text: "a".into() });
        let with_unknown_field = [plain.as_slice(), &[0x10, 1]].concat();
        assert_eq!(
            read::<v1::Text>(&with_unknown_field).err(),
            Some(WireError::NotCanonical)
        );
        let doubled = [plain.as_slice(), plain.as_slice()].concat();
        assert_eq!(
            read::<v1::Text>(&doubled).err(),
            Some(WireError::NotCanonical)
        );
        // The length 1 written in two bytes.
        assert_eq!(
            read::<v1::Text>(&[0x0a, 0x81, 0x00, b'a']).err(),
            Some(WireError::NotCanonical)
        );
    }
}
