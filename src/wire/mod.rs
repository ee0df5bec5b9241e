//! What peers say to each other, byte by byte: frames on a link, the link's proof, and the
//! protobuf messages inside parcels.
//!
//! # Decisions
//! - A frame's size follows from its first three bytes, so a reader allocates nothing that
//!   the sender has not been allowed to ask for.
//! - Protobuf is read in its one canonical spelling: what does not encode back to the same
//!   bytes is refused. Unknown fields, doubled fields and padded numbers go with it, so no
//!   two texts mean the same message and ids by content hold.
//! - A mailbox's set of hashes is always a power of two and rising: neither how many tags
//!   wait nor which belong together shows. `PutOk` and `PutNo` have one size, so that whoever
//!   sees only lengths cannot tell them apart either.
//! - Field counts and lengths are checked by [`check_fields`] before the decoder allocates.

mod frame;
mod item;
mod limits;
mod link;
mod message;

pub use frame::{
    BUNDLE_BYTES, Frame, FrameError, HEADER_LEN, Listed, MAX_BODY_LEN, MAX_CUSTODY_TAGS,
    MAX_DELETED, MAX_LISTED, MAX_SET, MailboxFrame, PARCEL_BYTES, Quota, SET_POWERS, TagHash,
    TagSet, body_len, decode, decode_first, encode, parcel_class,
};
pub use item::{ITEM_BYTES, SignedItem, signable};
pub use limits::{FieldKind, FieldLimit, check_fields};
pub use link::{PROOF_LEN, Role, link_proof, same_proof};
pub use message::{Readable, WireError, read, write};

/// Messages generated from `proto/wire/v1`; the `.proto` files are the documentation.
#[expect(missing_docs, reason = "generated code")]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/wire.v1.rs"));
}
