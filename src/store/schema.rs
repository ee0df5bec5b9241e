//! The number that says how the records of a store are laid out.
//!
//! It stands in a small file of its own, `schema`, because the engine below may repair its
//! files as soon as it opens them: a store from the future must be refused before that.

use super::StoreError;
use crate::base::write_atomic;
use std::{fs, io, path::Path};

/// The layout this program writes. Raised only together with a step in [`super::migrate`].
pub const SCHEMA_VERSION: u32 = 1;

/// File name below the store's folder.
const FILE: &str = "schema";

/// The schema of the store in `dir`; `None` if there is no store yet. Writes nothing.
///
/// # Errors
/// [`StoreError::NewerSchema`] for a store of a later release, [`StoreError::Corrupt`] for a
/// file that holds no number.
pub(super) fn read(dir: &Path) -> Result<Option<u32>, StoreError> {
    let path = dir.join(FILE);
    let text = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::from_io(&path, error)),
    };
    let found = std::str::from_utf8(&text)
        .ok()
        .and_then(|text| text.strip_suffix('\n'))
        .and_then(|digits| digits.parse::<u32>().ok())
        .filter(|number| *number > 0)
        .ok_or_else(|| StoreError::corrupt(dir, "the file `schema` holds no number"))?;
    if found > SCHEMA_VERSION {
        return Err(StoreError::NewerSchema {
            found,
            known: SCHEMA_VERSION,
        });
    }
    Ok(Some(found))
}

/// Records that the store in `dir` has schema `number`.
pub(super) fn write(dir: &Path, number: u32) -> Result<(), StoreError> {
    let path = dir.join(FILE);
    write_atomic(&path, format!("{number}\n").as_bytes())
        .map_err(|error| StoreError::from_io(&path, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read(dir.path()).unwrap().is_none());
        write(dir.path(), SCHEMA_VERSION).unwrap();
        assert_eq!(read(dir.path()).unwrap(), Some(SCHEMA_VERSION));
        write(dir.path(), SCHEMA_VERSION + 1).unwrap();
        assert!(matches!(
            read(dir.path()),
            Err(StoreError::NewerSchema { found: 2, known: 1 })
        ));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_number_or_refused(bytes: Vec<u8>) {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(FILE), &bytes).unwrap();
            if let Ok(found) = read(dir.path()) {
                prop_assert_eq!(found, Some(SCHEMA_VERSION));
            }
        }
    }
}
