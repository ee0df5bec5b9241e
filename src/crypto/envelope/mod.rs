//! The envelope: an OpenPGP message, signed inside and sealed to named devices only.
//!
//! # Decisions
//! - One shape: anonymous version 6 session keys, one SEIPDv2 packet with AES-256-OCB, and in
//!   it one-pass signature, literal, signature. Whatever else OpenPGP allows is refused.
//! - The library reports a good signature even if it names no recipient, and does not check
//!   recipients at all when it was given a session key. So every rule is checked here.
//! - There is one encrypted session key for each recipient that the signature names, no more,
//!   and no more than a few. A device tries each with every subkey that it holds, so each one
//!   too many would cost it dozens of decapsulations. A contact's parcel goes to one device
//!   and has one; other devices get parcels of their own.
//! - The form of all packets is checked before a signature is, and the payload is handed
//!   out only after all of it.

mod open;
mod seal;
#[cfg(test)]
mod tests;

pub use open::{Opener, open, open_unknown_author};
pub use seal::{Recipient, seal};

/// The largest message that is looked at.
pub const MAX_ENVELOPE_BYTES: usize = 300 * 1024;
/// The most devices one message is sealed to.
pub const MAX_RECIPIENTS: usize = 4;

/// Ties the signature to a conversation.
const CONTEXT_NOTATION: &str = "ctx@msgd";
