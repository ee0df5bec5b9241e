//! An item of the public directory: a mutable item of BitTorrent's BEP 44, without salt.

/// Length of the value of each item of ours; BEP 44 allows 1000 in bencoded form.
pub const ITEM_BYTES: usize = 960;

/// A signed value that anybody may store and only the holder of the key can replace.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedItem {
    /// Ed25519 public key; the item lies at its SHA-1.
    pub key: [u8; 32],
    /// The greater one replaces the smaller one. Never negative.
    pub seq: i64,
    /// What is stored; of ours always [`ITEM_BYTES`] long.
    pub value: Vec<u8>,
    /// By `key` over [`signable`].
    pub signature: [u8; 64],
}

// Key and value find the people who meet here.
impl std::fmt::Debug for SignedItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignedItem[redacted]")
    }
}

/// The bytes that BEP 44 signs: a piece of a bencoded dictionary.
#[must_use]
pub fn signable(seq: i64, value: &[u8]) -> Vec<u8> {
    let mut bytes = format!("3:seqi{seq}e1:v{}:", value.len()).into_bytes();
    bytes.extend_from_slice(value);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_to_sign_are_those_of_the_specification() {
        assert_eq!(signable(1, b"Hello World!"), b"3:seqi1e1:v12:Hello World!");
    }
}
