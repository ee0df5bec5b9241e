//! Mailboxes (`protocol.md` E.2): parcels that wait with somebody whose machine is always on.
//!
//! | folder | duty |
//! |---|---|
//! | [`host`] | keeps parcels for others, without knowing whose they are or what is in them |
//! | [`user`] | leaves parcels at contacts' mailboxes, and collects from our own |
//!
//! # Decisions
//! - There is no protocol of its own beside the link's, and no deposit by strangers: owner and
//!   depositors hold link keys that follow from one secret, which the host made. Whoever has
//!   neither key is met with silence, like any stranger at any daemon, so that nobody can
//!   look for hosts, fill one up, or guess tags at it.
//! - A host tells a depositor `NO` whatever the reason: a tag that is unknown, used or over, a
//!   mailbox that is full, a disk that is full, too many deposits a minute. Who repeats a
//!   deposit byte for byte hears `OK` again, since an answer may be lost: only somebody who
//!   has that parcel can ask so.
//! - What a host was told to keep grows old by the time for which the host itself has served,
//!   not by its wall clock: a battery that dies must not empty a mailbox. While it is off,
//!   nothing grows older than a day. Things may thus be kept longer than promised, never
//!   shorter; the quota bounds them anyway.
//! - A parcel's hash stays in its set until the owner deletes it or the parcel has been held
//!   for 30 days, also when a new set replaces the old one, and also past the set's end.
//! - Everything is in the transport tier, so that a locked host goes on serving. Only what we
//!   call a mailbox is in the vault tier.
//! - The code of a mailbox is kept, to be shown again, until its owner has linked for the
//!   first time; from then on the host knows the link keys only.
//! - Looking a hash up takes a hash map with a secret key: where two hashes differ cannot be
//!   timed. That a deposit took a write to the disk can be, but `OK` says so anyway.

pub mod host;
pub mod user;

pub(crate) use user::{
    Announced, Rising, is_of, learn, recv_batches, renew, send_batches, write_recv_batches,
    write_send_batches,
};
pub use user::{Bell, MailboxError, Mailboxes};
