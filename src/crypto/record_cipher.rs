//! How one record of the store is sealed, and under which blinded name it is kept.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use zeroize::Zeroizing;

use super::{CryptoError, Random, Secret, aead, kdf, reader::Reader};

const LENGTH_BYTES: usize = 4;
const SMALL_CLASSES: [usize; 3] = [64, 256, 1024];
const PAGE: usize = 4096;

/// Seals the records of one tier of the store.
pub struct RecordCipher {
    key: Secret<32>,
    schema: u32,
    /// Derived at first use: every access to a record needs both.
    tables: RwLock<HashMap<&'static str, Arc<TableKeys>>>,
}

/// What one table's records are named and sealed with.
struct TableKeys {
    blinding: Secret<32>,
    sealing: Secret<32>,
}

impl RecordCipher {
    /// For records of this schema under this key.
    #[must_use]
    pub fn new(key: &Secret<32>, schema: u32) -> Self {
        Self {
            key: key.clone(),
            schema,
            tables: RwLock::default(),
        }
    }

    /// The name under which the disk knows `key` of `table`.
    #[must_use]
    pub fn blind(&self, table: &'static str, key: &[u8]) -> [u8; 16] {
        let keys = self.keys_of(table);
        truncated(&kdf::mac(keys.blinding.as_bytes(), "blind", &[key]))
    }

    /// Seals `value` so that it opens only in its own place, padded so that its size says little.
    #[must_use]
    pub fn seal(
        &self,
        table: &'static str,
        blinded: &[u8; 16],
        value: &[u8],
        rng: &mut dyn Random,
    ) -> Vec<u8> {
        let mut nonce = [0; aead::NONCE_BYTES];
        rng.fill(&mut nonce);
        let padded = padded_len(LENGTH_BYTES + value.len());
        let mut plain = Zeroizing::new(Vec::with_capacity(padded + aead::TAG_BYTES));
        let len = u32::try_from(value.len()).unwrap_or(u32::MAX);
        plain.extend_from_slice(&len.to_be_bytes());
        plain.extend_from_slice(value);
        plain.resize(padded, 0);
        let body = aead::seal(
            &self.keys_of(table).sealing,
            &nonce,
            &self.aad(table, blinded),
            plain,
        );
        [nonce.as_slice(), &body].concat()
    }

    /// What [`RecordCipher::seal`] sealed in the same place.
    ///
    /// # Errors
    /// Damage, another key, another place, or another schema.
    pub fn open(
        &self,
        table: &'static str,
        blinded: &[u8; 16],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let malformed = |why| CryptoError::Malformed {
            what: "record",
            why,
        };
        let mut reader = Reader::new(sealed);
        let nonce = reader.array().ok_or(malformed("too short"))?;
        let keys = self.keys_of(table);
        let plain = aead::open(
            &keys.sealing,
            &nonce,
            &self.aad(table, blinded),
            reader.rest(),
        )
        .ok_or(CryptoError::Unauthentic)?;
        let mut reader = Reader::new(&plain);
        let len = reader.u32().and_then(|len| usize::try_from(len).ok());
        let value = len
            .and_then(|len| reader.take(len))
            .ok_or(malformed("its length is wrong"))?;
        Ok(Zeroizing::new(value.to_vec()))
    }

    fn keys_of(&self, table: &'static str) -> Arc<TableKeys> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = tables.get(table) {
            return Arc::clone(keys);
        }
        drop(tables);
        let derive = |label| kdf::derive(self.key.as_bytes(), label, &[table.as_bytes()]);
        let keys = Arc::new(TableKeys {
            blinding: derive("key"),
            sealing: derive("rec"),
        });
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tables.entry(table).or_insert(keys))
    }

    fn aad(&self, table: &str, blinded: &[u8; 16]) -> Vec<u8> {
        let len = u32::try_from(table.len()).unwrap_or(u32::MAX);
        [
            len.to_be_bytes().as_slice(),
            table.as_bytes(),
            blinded,
            &self.schema.to_be_bytes(),
        ]
        .concat()
    }
}

fn padded_len(len: usize) -> usize {
    SMALL_CLASSES
        .into_iter()
        .find(|class| len <= *class)
        .unwrap_or_else(|| len.next_multiple_of(PAGE))
}

fn truncated(long: &[u8; 32]) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(long.split_at(16).0);
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SeededRandom;
    use proptest::prelude::*;

    fn cipher(schema: u32) -> RecordCipher {
        RecordCipher::new(&Secret::new([3; 32]), schema)
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_and_no_byte_may_change(
            value in proptest::collection::vec(any::<u8>(), 0..6000), at: prop::sample::Index, flip in 1..=255_u8,
        ) {
            let cipher = cipher(1);
            let name = cipher.blind("contacts-1", b"key");
            let mut sealed = cipher.seal("contacts-1", &name, &value, &mut SeededRandom::new(1));
            prop_assert_eq!(&*cipher.open("contacts-1", &name, &sealed).unwrap(), &value);
            let at = at.index(sealed.len());
            sealed[at] ^= flip;
            prop_assert!(cipher.open("contacts-1", &name, &sealed).is_err());
            prop_assert!(cipher.open("contacts-1", &name, &sealed[..at]).is_err());
        }

        #[test]
        fn any_bytes_are_refused(bytes: Vec<u8>) {
            prop_assert!(cipher(1).open("contacts-1", &[0; 16], &bytes).is_err());
        }
    }

    #[test]
    fn a_record_opens_only_in_its_place() {
        let cipher_1 = cipher(1);
        let (a, b) = (cipher_1.blind("t-1", b"a"), cipher_1.blind("t-1", b"b"));
        let sealed = cipher_1.seal("t-1", &a, b"value", &mut SeededRandom::new(1));
        assert!(cipher_1.open("t-1", &a, &sealed).is_ok());
        assert!(cipher_1.open("t-1", &b, &sealed).is_err(), "another key");
        assert!(cipher_1.open("t-2", &a, &sealed).is_err(), "another table");
        assert!(
            cipher(2).open("t-1", &a, &sealed).is_err(),
            "another schema"
        );
    }

    #[test]
    fn names_are_blinded_per_table() {
        let cipher = cipher(1);
        assert_eq!(cipher.blind("t-1", b"a"), cipher.blind("t-1", b"a"));
        assert_ne!(cipher.blind("t-1", b"a"), cipher.blind("t-2", b"a"));
        assert_ne!(cipher.blind("t-1", b"a"), cipher.blind("t-1", b"b"));
    }

    #[test]
    fn sizes_fall_into_classes() {
        let cipher = cipher(1);
        let overhead = aead::NONCE_BYTES + aead::TAG_BYTES;
        for (len, class) in [
            (0, 64),
            (60, 64),
            (61, 256),
            (252, 256),
            (253, 1024),
            (1020, 1024),
            (1021, 4096),
            (4092, 4096),
            (4093, 8192),
            (9000, 12288),
        ] {
            let sealed = cipher.seal("t-1", &[0; 16], &vec![1; len], &mut SeededRandom::new(1));
            assert_eq!(sealed.len(), class + overhead, "{len}");
        }
    }
}
