//! A look over a protobuf message's fields before anything is allocated for them.

use super::WireError;

/// What a field holds on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A number.
    Number,
    /// Bytes, text or a message, of at most this length.
    Bytes(usize),
}

/// What is allowed of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldLimit {
    /// Its number in the `.proto` file.
    pub field: u32,
    /// What it holds.
    pub kind: FieldKind,
    /// How often it may occur.
    pub count: usize,
}

impl FieldLimit {
    /// At most one number.
    #[must_use]
    pub const fn number(field: u32) -> Self {
        Self {
            field,
            kind: FieldKind::Number,
            count: 1,
        }
    }

    /// At most one run of up to `max` bytes.
    #[must_use]
    pub const fn bytes(field: u32, max: usize) -> Self {
        Self::list(field, max, 1)
    }

    /// Up to `count` runs of up to `max` bytes each.
    #[must_use]
    pub const fn list(field: u32, max: usize, count: usize) -> Self {
        Self {
            field,
            kind: FieldKind::Bytes(max),
            count,
        }
    }
}

/// Whether every field of the message in `bytes` is listed, of its kind and within its limits.
/// Looks at the outermost message only.
pub fn check_fields(bytes: &[u8], limits: &[FieldLimit]) -> Result<(), WireError> {
    let mut rest = bytes;
    let mut last = (0, 0);
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        let field = u32::try_from(key >> 3).map_err(|_| WireError::Malformed)?;
        let limit = limits
            .iter()
            .find(|limit| limit.field == field)
            .ok_or(WireError::NotCanonical)?;
        // Canonical messages list their fields in order, so a run is all there is to count.
        let seen = match last {
            (before, _) if field < before => return Err(WireError::NotCanonical),
            (before, seen) if field == before => seen + 1,
            _ => 1,
        };
        if seen > limit.count {
            return Err(WireError::Limit { field });
        }
        last = (field, seen);
        match (limit.kind, key & 7) {
            (FieldKind::Number, 0) => {
                varint(&mut rest)?;
            }
            (FieldKind::Bytes(max), 2) => {
                let len = usize::try_from(varint(&mut rest)?).map_err(|_| WireError::Malformed)?;
                if len > max {
                    return Err(WireError::Limit { field });
                }
                rest = rest.get(len..).ok_or(WireError::Malformed)?;
            }
            _ => return Err(WireError::Malformed),
        }
    }
    Ok(())
}

fn varint(rest: &mut &[u8]) -> Result<u64, WireError> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, after) = rest.split_first().ok_or(WireError::Malformed)?;
        *rest = after;
        let low = u64::from(first & 0x7f);
        if low << shift >> shift != low {
            return Err(WireError::Malformed);
        }
        value |= low << shift;
        if first & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(WireError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{v1, write};
    use proptest::prelude::*;

    const STATEMENT: &[FieldLimit] = &[FieldLimit::bytes(1, 4), FieldLimit::bytes(2, 8)];
    const VOID: &[FieldLimit] = &[FieldLimit::bytes(1, 64)];
    const ADDRESS: &[FieldLimit] = &[FieldLimit::number(1), FieldLimit::list(2, 24, 2)];

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = check_fields(&bytes, STATEMENT);
            let _ = check_fields(&bytes, ADDRESS);
        }

        #[test]
        fn a_length_is_allowed_up_to_its_limit(payload in prop::collection::vec(any::<u8>(), 0..9)) {
            let fits = payload.len() <= 4;
            let bytes = write(&v1::Statement { payload, signature: vec![1] });
            prop_assert_eq!(check_fields(&bytes, STATEMENT).is_ok(), fits);
        }
    }

    #[test]
    fn a_list_is_allowed_up_to_its_count() {
        let address = |count| v1::Address {
            counter: u64::MAX,
            addresses: vec![v1::SocketAddress::default(); count],
        };
        assert_eq!(check_fields(&write(&address(2)), ADDRESS), Ok(()));
        assert_eq!(
            check_fields(&write(&address(3)), ADDRESS),
            Err(WireError::Limit { field: 2 })
        );
    }

    #[test]
    fn foreign_and_disordered_fields_are_refused() {
        let void = write(&v1::Void { seqs: vec![1, 2] });
        assert_eq!(check_fields(&void, VOID), Ok(()));
        assert_eq!(check_fields(&[0x18, 1], VOID), Err(WireError::NotCanonical));
        assert_eq!(
            check_fields(&[0x12, 0, 0x0a, 0], STATEMENT),
            Err(WireError::NotCanonical)
        );
        assert_eq!(check_fields(&[0x08, 1], VOID), Err(WireError::Malformed));
        assert_eq!(check_fields(&[0x0a, 5], VOID), Err(WireError::Malformed));
        let endless = [0xff; 11];
        assert_eq!(check_fields(&endless, VOID), Err(WireError::Malformed));
    }
}
