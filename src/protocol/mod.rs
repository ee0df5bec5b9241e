//! The rules between two daemons, as machines without clock, disk, network or chance of
//! their own: what time it is and what is random are arguments.
//!
//! | file | `protocol.md` | what it settles |
//! |---|---|---|
//! | `invite` | A.3 | what a human passes on, and the keys that follow from it |
//! | `mailbox` | E.2 | what a host passes on to the owner of a mailbox, and the keys that follow |
//! | `manifest` | A.1 | which devices an identity has |
//! | `succession` | A.2 | which identity takes the place of another |
//! | `handshake` | B.1 | how two strangers become contacts |
//! | `session`, `tags` | D.1 | the pair's keys, and by which tags parcels are known |
//! | `mailbox_tags` | D.1, E.2 | the tags of parcels that wait at a mailbox |
//! | `payload` | D.3 | what a message says |
//! | `statement` | D.2 | what a device says about itself, without a key of the recipient |
//! | `receipts` | E.1, C.5 | what has arrived, and when to say so |
//! | `rendezvous` | C.3 | where two who share a secret meet in a public directory |
//! | `lan_token` | C.4 | how contacts on one network find each other, unseen by others |
//! | `order` | E.1 | in which order incoming texts are shown |
//!
//! # Decisions
//! - Whoever is not sure is strict: one spelling per message, limits before allocation, and
//!   a refusal that names the rule, never the content.
//! - A manifest names devices by fingerprint, not by the hash of their certificates: those
//!   get a new subkey every day, signed by the device itself, while the identity key that
//!   signs manifests may lie in a drawer.
//! - A device update carries every manifest since the one that the recipient has named, so
//!   that nobody who was away for several steps is left behind a gap.
//! - A manifest's successor is taken only when every step in between is known. A gap could
//!   hide a fork.
//! - A handshake shows the latest manifest only. With somebody who was known before, and
//!   between bundle and Confirm, it must take back nothing of the one that is known; that is
//!   all that can be seen of the steps in between.
//! - An invite's expiry stands in the signed bundle, not in the link: the link's layout is
//!   fixed for good, and its holder could not be kept from editing it anyway.
//! - The Confirm message repeats the inviter's manifest and device certificate: days may lie
//!   between the bundle and the user's consent, and both sides end with current keys.
//! - The tag window reaches 64 numbers past the highest one seen, not past the lowest one
//!   missing, so that a single lost parcel never stalls those behind it; it never spans more
//!   than 1024.
//! - Numbers already used are not remembered as a list: everything below the window was used
//!   or given up, so the last 1024 tags are computed again when a stranger turns up.
//! - What a device says about itself (new keys, addresses, void numbers) is a signed statement
//!   in the parcel and not an envelope: two contacts who have not met for longer than their
//!   subkeys live could otherwise never again send each other the keys that they lack. Nothing
//!   in it is worth a session key; the parcel hides it from everybody else. Whatever people
//!   write travels in envelopes only, and each known kind has one way to travel.
//! - The keys of an invite depend on its version and flags too: whoever sees a link cannot
//!   turn it into one that counts as verified.
//! - Hello and Confirm bring a random nonce: everybody who saw the link seals a Hello under
//!   the same key. A contact's parcels need none, since each has a key of its own.
//! - Seven former epochs stay known, with their keys: a parcel waits for 30 days, so whoever
//!   was away gets parcels of six epochs at once, and must receipt all of them. Those keys
//!   open nothing but the outer layer of parcels that were deleted long ago.
//! - The tag key of a batch of mailbox tags follows from the pair's secret and a seed in the
//!   sealed announcement, instead of from the tag keys: those roll every week and with each
//!   handshake, while a host is to know its tags for a month. One key a batch, so that what is
//!   used up is forgotten. The announcement is an envelope and not a statement: the seed is
//!   worth a session key.
//! - What comes by a mailbox names its direct place and takes it there, as far ahead as the
//!   window may ever span: it is from the contact, or it would not open. Thus one envelope
//!   counts once, whichever way it came first.
//! - The number of a directory item starts at a value that only the pair can compute and rises
//!   with the seconds of the epoch: after a restart an item still replaces the one before, and
//!   nothing need be kept on disk. Others learn from two numbers how far apart the items were
//!   made, which they saw anyway. The sealed record needs no counter of its own, since the
//!   number is sealed with it.
//! - A look-up asks for today's key; only a repeated one reaches for the days around it, up to
//!   two, three keys at a time: clocks that are wrong by two days still meet, and right ones do
//!   not pay for it.
//! - A query on the local network has at most 128 entries, not 256, so that it is never cut into
//!   fragments: losing one of two means losing both. Whoever looks for more sends several.
//! - A reply begins with a tag that the asker expects, as parcels do: without it every bogus
//!   reply would have to be tried under the keys of all who were asked for.
//! - Nobody puts a parcel into a mailbox without a link key: the host hands a secret to the
//!   owner, from which owner and host derive one key for the owner and one for those who
//!   deposit; the owner tells the latter to contacts, sealed. A stranger who calls the host
//!   gets the same silence as anywhere else, and cannot even learn that there is a mailbox.
//! - The bundle is sealed here, with the same cipher as parcels: it is neither of a parcel's
//!   sizes nor a file, and must look like nothing at all.

mod address;
mod handshake;
mod invite;
mod lan_token;
mod link_text;
mod mailbox;
mod mailbox_tags;
mod manifest;
mod order;
mod payload;
mod receipts;
mod rendezvous;
mod session;
mod statement;
mod succession;
mod tags;

pub use handshake::{
    ANSWER_TTL, Established, HandshakeError, IncomingHello, InviteUse, Me, Offer, OpenedBundle,
    Peer, PendingHello, confirm, confirm_tag, hello, hello_tag, judge, offer, open_bundle,
    open_confirm, open_hello,
};
pub use invite::{IN_PERSON, InviteError, InviteFlags, InviteKeys, InviteLink, MAX_HINT_BYTES};
pub use lan_token::{
    LAN_REPLY_BYTES, LanAsked, LanHeard, LanKeys, LanListener, MAX_LAN_ADDRESSES,
    MAX_LAN_QUERY_BYTES, lan_ask,
};
pub use mailbox::{
    MAX_MAILBOX_ADDRESS_BYTES, MailboxCode, MailboxCodeError, MailboxKeys, mailbox_hash,
};
pub use mailbox_tags::{
    BatchSlot, MAX_BATCHES, OUTSTANDING_TAGS, PARCEL_TTL, RecvBatch, RecvBatches, SendBatch,
    SendBatches, TAGS_VALID, mailbox_tag_key,
};
pub use manifest::{
    ManifestDevice, ManifestError, ManifestHead, ManifestState, SignedManifest, chain_since,
    follow_chain, genesis, successor, verify_chain, verify_later,
};
pub use order::{Accept, Order};
pub use payload::{
    AddressRecord, Body, DeviceUpdate, MAX_ADDRESSES, MAX_CERT_BYTES, MAX_MANIFEST_BYTES,
    MAX_UPDATE_MANIFESTS, MailboxOffer, MailboxTags, Payload, PayloadError, message_id,
    pair_context,
};
pub use receipts::{AckPolicy, COALESCE, EpochReceipt, Receipt};
pub use rendezvous::{ITEM_LIFE, MAX_EPOCHS, Rendezvous, RendezvousError, Whereabouts};
pub use session::{PairKeys, SendTags, TAG_EPOCH, next_tag_key};
pub use statement::{StatementError, open_statement, state};
pub use succession::{Succession, SuccessionError, succeed, verify_succession};
pub use tags::{Lane, RecvTags, TagError, TagSlot};

/// The protocol's major version; another one is another protocol.
pub const VERSION: u32 = 1;
/// Capability: messages sealed to rotating subkeys (Level 0).
pub const CAP_LEVEL_0: u64 = 1;
/// What this build can do.
pub const CAPS: u64 = CAP_LEVEL_0;
/// The path number of direct delivery.
pub const DIRECT_PATH: u32 = 0;
