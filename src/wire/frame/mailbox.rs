//! Frames between a mailbox's host and its owner or a depositor (`protocol.md` E.2).
//!
//! | type | frame | from | second and third byte | body |
//! |---|---|---|---|---|
//! | 16 | Register | owner | n, 6..=12 | class (1), flags (1), day (4), 2^n hashes of 16 bytes, rising |
//! | 17 | Registered | host | 0 refused, 1 taken | hashes registered now (4) |
//! | 18 | List | owner | 0 | cursor (8) |
//! | 19 | Listing | host | entries 0..=1024, plus 0x8000 if there are more | next cursor (8), then per entry hash (16), class (1), day (4) |
//! | 20 | Fetch | owner | 0 | hash (16) |
//! | 21 | Fetched | host | size class 0..=3 | 4, 16, 64 or 256 KiB |
//! | 22 | Missing | host | 0 | hash (16) |
//! | 23 | Delete | owner | number of hashes 1..=256 | 16 bytes each |
//! | 24 | Deleted | host | parcels removed 0..=256 | none |
//! | 25 | Put | depositor | size class 0..=3 | 4, 16, 64 or 256 KiB, the tag first |
//! | 26 | PutNo, PutOk | host | 0 no, 1 ok | tag (16) |
//! | 27 | Wipe, Wiped | owner, host | 0, 1 | none |
//! | 28 | Stat, Quota | owner, host | 0, 1 | none; hashes (4) of (4), bytes (8) of (8), parcels (4), keep days (2), class (1) |
//!
//! Days are whole days since 1970 UTC. A hash is that of a tag, see
//! `protocol::mailbox_hash`. Of register flags, bit 0 means that hashes without a parcel that
//! are not in this set are forgotten; the others are zero. Every request has one answer, in
//! the order of the requests.

mod codec;

use super::{PARCEL_BYTES, TAG_LEN};
pub(super) use codec::{body_len, decode};

/// How many hashes a registered set may have, as powers of two.
pub const SET_POWERS: std::ops::RangeInclusive<u16> = 6..=12;
/// Most hashes in one registered set.
pub const MAX_SET: usize = 1 << 12;
/// Most entries in one listing.
pub const MAX_LISTED: usize = 1024;
/// Most hashes in one request to delete.
pub const MAX_DELETED: usize = 256;

/// The hash under which a host knows a tag.
pub type TagHash = [u8; TAG_LEN];

/// The tags that an owner expects, so hashed that their host cannot tell what is which.
#[derive(Clone, PartialEq, Eq)]
pub struct TagSet {
    /// Rising, each once; a power of two of them, dummies included, see [`SET_POWERS`].
    pub hashes: Vec<TagHash>,
    /// Whether hashes of earlier sets that are not in this one and have no parcel are to be
    /// forgotten.
    pub replace: bool,
    /// The largest size class that is taken under these tags, an index of [`PARCEL_BYTES`].
    pub max_class: u8,
    /// The first day on which they are no longer taken.
    pub valid_until: u32,
}

/// One parcel that a host holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Hash of its tag.
    pub hash: TagHash,
    /// Its size class, an index of [`PARCEL_BYTES`].
    pub class: u8,
    /// The day it came.
    pub day: u32,
}

/// What of an arrangement is used, and what it may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Hashes registered now.
    pub hashes: u32,
    /// Most hashes registered at a time.
    pub max_hashes: u32,
    /// Bytes of parcels held.
    pub bytes: u64,
    /// Most bytes held at a time.
    pub max_bytes: u64,
    /// Parcels held.
    pub parcels: u32,
    /// Days for which a parcel is held.
    pub keep_days: u16,
    /// The largest size class taken, an index of [`PARCEL_BYTES`].
    pub max_class: u8,
}

/// One thing said between a host and somebody who uses its mailbox.
#[derive(Clone, PartialEq, Eq)]
pub enum MailboxFrame {
    /// Take parcels with these tags.
    Register(TagSet),
    /// Whether the set was taken; if so it is durable.
    Registered {
        /// False if it would exceed the quota.
        taken: bool,
        /// Hashes registered now.
        hashes: u32,
    },
    /// What do you hold that came after this cursor? 0 asks for everything.
    List {
        /// A cursor from an earlier listing.
        after: u64,
    },
    /// What the host holds, the oldest first.
    Listing {
        /// Parcels.
        entries: Vec<Listed>,
        /// To be asked with next; stays true while the host's store lives.
        next: u64,
        /// Whether there is more already.
        more: bool,
    },
    /// Give me the parcel with this hash.
    Fetch(TagHash),
    /// Here it is, its tag first.
    Fetched(Vec<u8>),
    /// There is no parcel with this hash.
    Missing(TagHash),
    /// Forget these hashes and their parcels.
    Delete(Vec<TagHash>),
    /// Durably forgotten.
    Deleted {
        /// How many parcels that were.
        parcels: u16,
    },
    /// Keep this parcel, its tag first.
    Put(Vec<u8>),
    /// It is kept, durably.
    PutOk([u8; TAG_LEN]),
    /// It is not: unknown, used, expired or full. Nobody says which.
    PutNo([u8; TAG_LEN]),
    /// Forget everything of this arrangement but the arrangement.
    Wipe,
    /// Durably forgotten.
    Wiped,
    /// How much is used?
    Stat,
    /// So much.
    Quota(Quota),
}

// Hashes, tags and parcels stay out of logs.
impl std::fmt::Debug for MailboxFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Register(set) => write!(f, "Register({} hashes)", set.hashes.len()),
            Self::Registered { taken, hashes } => write!(f, "Registered({taken}, {hashes})"),
            Self::List { .. } => f.write_str("List"),
            Self::Listing { entries, more, .. } => {
                write!(f, "Listing({}, more: {more})", entries.len())
            }
            Self::Fetch(_) => f.write_str("Fetch"),
            Self::Fetched(bytes) => write!(f, "Fetched({} bytes)", bytes.len()),
            Self::Missing(_) => f.write_str("Missing"),
            Self::Delete(hashes) => write!(f, "Delete({})", hashes.len()),
            Self::Deleted { parcels } => write!(f, "Deleted({parcels})"),
            Self::Put(bytes) => write!(f, "Put({} bytes)", bytes.len()),
            Self::PutOk(_) => f.write_str("PutOk"),
            Self::PutNo(_) => f.write_str("PutNo"),
            Self::Wipe => f.write_str("Wipe"),
            Self::Wiped => f.write_str("Wiped"),
            Self::Stat => f.write_str("Stat"),
            Self::Quota(quota) => write!(f, "{quota:?}"),
        }
    }
}

impl std::fmt::Debug for TagSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TagSet({} hashes)", self.hashes.len())
    }
}

impl std::fmt::Debug for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listed")
            .field("class", &self.class)
            .field("day", &self.day)
            .finish_non_exhaustive()
    }
}

/// The size class of a parcel of `len` bytes, an index of [`PARCEL_BYTES`].
#[must_use]
pub fn parcel_class(len: usize) -> Option<u8> {
    let class = PARCEL_BYTES.iter().position(|size| *size == len)?;
    u8::try_from(class).ok()
}

#[cfg(test)]
pub(super) mod tests;
