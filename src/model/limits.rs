//! Every limit a user or a peer can meet, in one place.

use std::time::Duration;

/// Longest text of one message, in bytes of UTF-8.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Longest payload, encoded.
pub const MAX_PAYLOAD_BYTES: usize = 200 * 1024;
/// Most parents a payload names.
pub const MAX_PARENTS: usize = 8;
/// Longest greeting in a contact request, in bytes of UTF-8.
pub const MAX_GREETING_BYTES: usize = 280;
/// Longest name or alias, in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 120;
/// How long the outbox tries before a message expires.
pub const MESSAGE_TTL: Duration = Duration::from_secs(30 * 86_400);
/// How long an id is remembered so that a replay has no effect.
pub const SEEN_TTL: Duration = Duration::from_secs(60 * 86_400);
/// Default life of an invite.
pub const INVITE_TTL: Duration = Duration::from_secs(7 * 86_400);
/// Longest life of an invite.
pub const MAX_INVITE_TTL: Duration = Duration::from_secs(90 * 86_400);
/// Most unsent messages to one contact; more are refused.
pub const MAX_OUTBOX_PER_CONTACT: usize = 10_000;
/// Most rows on one page.
pub const MAX_PAGE: u32 = 500;
/// Most bytes of text on one page, unless its first row alone is larger: with what else is told of
/// [`MAX_PAGE`] rows it stays far below the 4 MiB that a gRPC client takes by default.
pub const MAX_PAGE_TEXT_BYTES: usize = 1024 * 1024;
/// Rows on a page when none are asked for.
pub const DEFAULT_PAGE: u32 = 50;
/// Longest idempotency key, in bytes.
pub const MAX_IDEMPOTENCY_KEY_BYTES: usize = 128;
/// Most identities in one daemon.
pub const MAX_IDENTITIES: usize = 32;
/// Most contacts of one daemon.
pub const MAX_CONTACTS: usize = 1_000;
/// Most open invites of one daemon.
pub const MAX_OPEN_INVITES: usize = 256;
/// Most pending incoming requests of one daemon; more are refused.
pub const MAX_PENDING_REQUESTS: usize = 64;
/// Largest gRPC request.
pub const MAX_API_REQUEST_BYTES: usize = 1024 * 1024;
/// Wall-clock difference between peers that is tolerated without a word.
pub const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(86_400);
