//! Mailboxes (`protocol.md` E.2): parcels that wait with somebody whose machine is always on.
//!
//! | folder | duty |
//! |---|---|
//! | [`user`] | leaves parcels at contacts' mailboxes, and collects from our own |

pub mod user;

pub(crate) use user::{
    Announced, is_of, learn, recv_batches, renew, send_batches, write_recv_batches,
    write_send_batches,
};
pub use user::{MailboxError, Mailboxes, Rising};
