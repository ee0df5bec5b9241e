//! The gRPC door: `proto/msgd/v1` on a Unix socket.
//!
//! [`serve`] puts the door up, [`Listener`] is where it stands, [`client`] is how `msgctl` and
//! the tests come in, [`proto`] is what is said.
//!
//! # Decisions
//! - One thin adaptor per service: parse, call, convert. Errors leave through the one map in
//!   [`status`]; [`door`] adds its detail to what tonic refuses by itself, so clients read
//!   `ErrorDetail` whatever went wrong.
//! - The file mode keeps others out; the peer's uid is checked all the same, on both sides: the
//!   client does not hand a passphrase to whoever took the socket's place.
//! - Plain HTTP/1.1 is taken too, for `GET /metrics` behind the same gate: what scrapes figures
//!   speaks no gRPC. No browser gets here, since a Unix socket has no address.
//! - A client too many is told so instead of waiting for a seat.
//! - Calls without an idempotency key (`UnlockVault`, `LockVault`, `StopDaemon`) have the same
//!   effect when repeated; the contract test lists them.
//! - A call runs to its end though its client goes in the middle: [`door`] sees to it, once for
//!   all. Only `WaitMessage` and streams, which change nothing, end with their client.
//! - Long waits (`Subscribe`, `WaitMessage`) end when stage 1 of the stop begins; other calls in
//!   flight finish before stage 2, as long as they keep to its deadline.

pub mod client;
pub mod proto;
pub mod status;

mod connection;
mod contacts;
mod conversations;
mod convert;
mod daemon;
mod door;
mod events;
mod health;
mod identities;
mod invites;
mod listener;
mod mailbox;
mod messages;
mod metrics;
mod network;
mod outbox;
mod requests;
mod server;
mod vault;

#[cfg(test)]
mod contract_tests;
#[cfg(test)]
mod server_tests;

pub use listener::{ListenError, Listener};
pub use server::serve;

/// What every adaptor's call returns.
type Answer<T> = Result<tonic::Response<T>, tonic::Status>;

/// A finished answer.
#[expect(clippy::unnecessary_wraps, reason = "the shape every call returns")]
fn answer<T>(reply: T) -> Answer<T> {
    Ok(tonic::Response::new(reply))
}
