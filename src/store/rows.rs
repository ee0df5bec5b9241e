//! Numbered rows of one owner: how their keys are made.

/// The key of row or segment `number` of `owner`.
pub(super) fn key(owner: &[u8; 16], number: u64) -> [u8; 24] {
    let mut key = [0; 24];
    let (head, tail) = key.split_at_mut(16);
    head.copy_from_slice(owner);
    tail.copy_from_slice(&number.to_be_bytes());
    key
}

/// Entries in one segment record.
pub(super) const SEGMENT: u64 = 64;

/// Where entry `index` stands: its segment, and its slot therein.
pub(super) fn split(index: u64) -> (u64, usize) {
    // A slot is below 64, so the conversion never saturates.
    let slot = usize::try_from(index % SEGMENT).unwrap_or(usize::MAX);
    (index / SEGMENT, slot)
}
