//! What the daemon remembers: sealed records, written in groups, on disk before they count.
//!
//! | file | duty |
//! |---|---|
//! | [`db`] | the engine below, and all that it does not promise by itself |
//! | [`mark`], [`rescue`], [`schema`], [`migrate`] | what stands beside the engine's files |
//! | [`writer`], [`overlay`], [`handle`], [`batch`] | one transaction at a time, one group on the way to disk, reads that see both |
//! | [`cipher`], [`records`] | two tiers of keys; which record lives where |
//! | the tables | one file each, free functions over a [`Txn`] or anything that can be [`Read`] |
//! | [`waiting`] | how callers wait, whatever thread they are on |
//! | [`check`](check()) | opens everything, for the doctor |
//!
//! # Decisions
//! - **One transaction at a time.** [`Store::begin`] waits until no other transaction is open
//!   and [`Store::queue`] lets the next one in; waiting for the disk happens outside. Work
//!   inside is microseconds, and every read-modify-write is safe without retries: counters,
//!   list indexes, event numbers. The order of transactions, of event numbers and of
//!   durability is one and the same. [`StoreError::Retry`] remains for a single case: a group
//!   failed while a transaction was open that may have read its writes.
//! - **A failed group takes with it all that is queued.** If nothing was written (disk full),
//!   the store goes on with what is on disk. If writing or flushing itself failed, memory and
//!   disk may differ, so the store serves nothing more until it is opened anew.
//! - **The schema number and the mark are files of their own.** The engine writes as soon as
//!   it opens, so both are looked at around it: a newer schema is refused before, and lost
//!   writes are noticed after, in which case the files are put back as they were.
//! - **A removed record is not destroyed yet.** The engine's log keeps it, sealed, until it is
//!   overwritten. Keys of records in pages under a shred root change the form of every value,
//!   so they are to come as the next schema, by a migration.
//! - **No cache beyond the overlay.** Records are opened when asked for.
//! - **Segments.** 64 messages or events are one record: the engine's memory grows with the
//!   number of records.

mod batch;
mod check;
mod cipher;
mod db;
mod error;
mod handle;
mod listed;
mod mark;
mod migrate;
mod once;
mod overlay;
pub mod records;
mod rescue;
mod rows;
mod schema;
mod waiting;
mod writer;

pub mod blocked;
pub mod contacts;
pub mod conversations;
pub mod deposits;
pub mod event_log;
pub mod idempotency;
pub mod identities;
pub mod invites;
pub mod mailbox;
pub mod mailbox_tags;
pub mod messages;
pub mod outbox;
pub mod own_mailboxes;
pub mod requests;
pub mod routes;
pub mod sessions;
pub mod settings;
pub mod spool;

#[cfg(test)]
mod tests;

pub use batch::{Read, Txn, View};
pub use check::{CheckReport, TableReport, check};
pub use cipher::Tier;
pub use error::StoreError;
pub use handle::{Disk, Store};
pub use once::Once;
pub use records::Record;
pub use schema::SCHEMA_VERSION;
pub use writer::{Fault, FaultPlan, StoreOptions, Ticket};
