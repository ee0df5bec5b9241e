//! A lower bound on what must be on disk, kept beside the engine's files.
//!
//! The engine takes a torn tail for an unfinished write and drops it in silence. So every
//! group of writes carries a number inside the engine, and once the group is synced the same
//! number is noted here. The note is not synced: after a power cut it may be older than the
//! truth, never newer. An engine that opens with a smaller number has lost something.
//!
//! After a clean stop the note also says what the engine's file held. Damage in the middle of
//! the file, which the engine may pass over, shows there before the engine touches it.

use super::StoreError;
use crate::crypto;
use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::Path,
};

/// File name below the store's folder.
const FILE: &str = "mark";
const MAGIC: &[u8; 8] = b"msgdmark";
const BODY: usize = 72;
/// Larger files are read through only if they look changed.
const LARGE: u64 = 64 << 20;
const WHOLE: usize = BODY + 8;

/// What is noted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Note {
    /// Number of the newest group known to be on disk.
    pub(super) groups: u64,
    /// How the engine's file looked after a clean stop; zero while in use.
    pub(super) seal: FileSeal,
}

/// What a file held when the engine let go of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FileSeal {
    length: u64,
    changed_s: i64,
    changed_ns: i64,
    content: [u8; 32],
}

impl FileSeal {
    /// What `path` holds now.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let looks = Self::looks(path)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(File::open(path)?)?;
        let content = *hasher.finalize().as_bytes();
        Ok(Self { content, ..looks })
    }

    /// Whether the last stop was a clean one.
    pub(super) fn is_set(&self) -> bool {
        *self != Self::default()
    }

    /// Whether `path` still holds what it held. Times may differ: a restored backup is sound.
    pub(super) fn fits(&self, path: &Path) -> io::Result<bool> {
        let unread = Self {
            content: [0; 32],
            ..*self
        };
        if self.length > LARGE && Self::looks(path)? == unread {
            return Ok(true);
        }
        Ok(Self::of(path)?.content == self.content)
    }

    fn looks(path: &Path) -> io::Result<Self> {
        let meta = path.metadata()?;
        Ok(Self {
            length: meta.len(),
            changed_s: meta.mtime(),
            changed_ns: meta.mtime_nsec(),
            content: [0; 32],
        })
    }
}

/// The open file.
#[derive(Debug)]
pub(super) struct Mark(File);

impl Mark {
    pub(super) fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map(Self)
            .map_err(|error| StoreError::from_io(&path, error))
    }

    /// The note; nothing known if there is none or it is torn.
    pub(super) fn read(&self) -> Note {
        let mut bytes = [0; WHOLE];
        match self.0.read_exact_at(&mut bytes, 0) {
            Ok(()) => decode(&bytes).unwrap_or_default(),
            Err(_) => Note::default(),
        }
    }

    pub(super) fn write(&self, note: Note) -> io::Result<()> {
        self.0.write_all_at(&encode(note), 0)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

fn encode(note: Note) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(WHOLE);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&note.groups.to_be_bytes());
    bytes.extend_from_slice(&note.seal.length.to_be_bytes());
    bytes.extend_from_slice(&note.seal.changed_s.to_be_bytes());
    bytes.extend_from_slice(&note.seal.changed_ns.to_be_bytes());
    bytes.extend_from_slice(&note.seal.content);
    let sum = crypto::hash(&[&bytes]);
    bytes.extend(sum.iter().take(WHOLE - BODY));
    bytes
}

fn decode(bytes: &[u8]) -> Option<Note> {
    let (body, sum) = bytes.split_at_checked(BODY)?;
    let whole = crypto::hash(&[body]).get(..WHOLE - BODY)? == sum;
    let (numbers, content) = body.strip_prefix(MAGIC)?.split_at_checked(32)?;
    let mut words = numbers.chunks_exact(8).map(|word| word.try_into().ok());
    let mut word = || words.next().flatten().map(u64::from_be_bytes);
    let note = Note {
        groups: word()?,
        seal: FileSeal {
            length: word()?,
            changed_s: word()?.cast_signed(),
            changed_ns: word()?.cast_signed(),
            content: content.try_into().ok()?,
        },
    };
    whole.then_some(note)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_note_is_read_back(groups: u64, length: u64, changed_s: i64, changed_ns: i64, content: [u8; 32]) {
            let note = Note { groups, seal: FileSeal { length, changed_s, changed_ns, content } };
            prop_assert_eq!(decode(&encode(note)), Some(note));
        }

        #[test]
        fn a_changed_note_says_nothing(at in 0..WHOLE, bit in 0_u8..8) {
            let mut bytes = encode(Note { groups: 7, seal: FileSeal::default() });
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(decode(&bytes), None);
        }

        #[test]
        fn any_bytes_are_a_note_or_nothing(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&bytes), None);
        }
    }
}
