//! Plain tools that know nothing of messaging.
//!
//! # Decisions
//! - Time is read only through [`Clock`], tasks start only through [`Tasks`]: both are what
//!   a test must be able to hold in its hand.

mod atomic_file;
mod backoff;
mod clock;
mod error_chain;
mod paths;
mod redact;
mod rising;
mod tasks;
#[cfg(test)]
mod test_bus;

pub use atomic_file::{sync_dir, write_atomic};
pub use backoff::Backoff;
pub use clock::{Clock, TestClock};
pub use error_chain::chain;
pub use paths::{DEFAULT_PROFILE, Paths};
pub use redact::Redacted;
pub use rising::{Rising, Speaker, rising};
pub use tasks::{Stop, Tasks};
#[cfg(test)]
pub(crate) use test_bus::TestBus;
