//! The body of an announcement (kind MAILBOX): where parcels may wait, and under which tags.

use super::{MAX_ADDRESSES, PayloadError, SOCKET_ADDRESS_BYTES, read_address, write_address};
use crate::{
    crypto::Secret,
    model::Timestamp,
    protocol::OUTSTANDING_TAGS,
    wire::{FieldLimit, v1},
};
use std::net::SocketAddr;

const KEY_BYTES: usize = 32;
const MAX_NUMBER: u32 = 65_535;

pub(super) const FIELDS: &[FieldLimit] = &[
    FieldLimit::number(1),
    FieldLimit::bytes(2, KEY_BYTES),
    FieldLimit::list(3, SOCKET_ADDRESS_BYTES, MAX_ADDRESSES),
    FieldLimit::number(4),
    FieldLimit::bytes(5, KEY_BYTES),
    FieldLimit::number(6),
    FieldLimit::number(7),
    FieldLimit::number(8),
];

/// One of the author's mailboxes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxOffer {
    /// The author's number for it, from 1 to 65535; the path of its tags.
    pub number: u32,
    /// A batch of tags; `None` if the mailbox is not to be used any more.
    pub tags: Option<MailboxTags>,
}

/// How to leave parcels there.
#[derive(Clone, PartialEq, Eq)]
pub struct MailboxTags {
    /// The link key of whoever deposits.
    pub deposit_key: Secret<32>,
    /// Of the host; 1 to [`MAX_ADDRESSES`].
    pub addresses: Vec<SocketAddr>,
    /// The batch's number on the path, from 1.
    pub batch: u32,
    /// From this and the pair's secret follows the batch's key.
    pub seed: Secret<32>,
    /// Its first number.
    pub first: u64,
    /// One past its last number; at most 64 more than the first.
    pub end: u64,
    /// When its tags end; after 1970.
    pub valid_until: Timestamp,
}

// Keys and addresses stay out of logs.
impl std::fmt::Debug for MailboxTags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailboxTags")
            .field("batch", &self.batch)
            .field("first", &self.first)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

/// The message to send, if it may be sent.
pub(super) fn write_offer(offer: &MailboxOffer) -> Result<v1::Mailbox, PayloadError> {
    check(offer)?;
    let mut raw = v1::Mailbox {
        number: offer.number,
        ..v1::Mailbox::default()
    };
    if let Some(tags) = &offer.tags {
        raw.deposit_key = tags.deposit_key.as_bytes().to_vec();
        raw.addresses = tags.addresses.iter().map(write_address).collect();
        raw.batch = tags.batch;
        raw.seed = tags.seed.as_bytes().to_vec();
        (raw.first, raw.end) = (tags.first, tags.end);
        raw.valid_until_ms =
            u64::try_from(tags.valid_until.0).map_err(|_| PayloadError::Field("mailbox term"))?;
    }
    Ok(raw)
}

/// The offer in what a peer wrote.
pub(super) fn read_offer(raw: &v1::Mailbox) -> Result<MailboxOffer, PayloadError> {
    let bare = v1::Mailbox {
        number: raw.number,
        ..v1::Mailbox::default()
    };
    let tags = if *raw == bare {
        None
    } else {
        Some(read_tags(raw)?)
    };
    let offer = MailboxOffer {
        number: raw.number,
        tags,
    };
    check(&offer)?;
    Ok(offer)
}

fn read_tags(raw: &v1::Mailbox) -> Result<MailboxTags, PayloadError> {
    let key = |bytes: &[u8]| Secret::from_slice(bytes).ok_or(PayloadError::Field("mailbox key"));
    let addresses: Option<Vec<_>> = raw.addresses.iter().map(read_address).collect();
    Ok(MailboxTags {
        deposit_key: key(&raw.deposit_key)?,
        addresses: addresses.ok_or(PayloadError::Field("mailbox address"))?,
        batch: raw.batch,
        seed: key(&raw.seed)?,
        first: raw.first,
        end: raw.end,
        valid_until: Timestamp(
            i64::try_from(raw.valid_until_ms).map_err(|_| PayloadError::Field("mailbox term"))?,
        ),
    })
}

/// Rules that hold in both directions.
fn check(offer: &MailboxOffer) -> Result<(), PayloadError> {
    let valid = |ok: bool, what| ok.then_some(()).ok_or(PayloadError::Field(what));
    valid((1..=MAX_NUMBER).contains(&offer.number), "mailbox number")?;
    let Some(tags) = &offer.tags else {
        return Ok(());
    };
    valid(!tags.addresses.is_empty(), "mailbox address")?;
    if tags.addresses.len() > MAX_ADDRESSES {
        return Err(PayloadError::Limit("mailbox addresses"));
    }
    valid(tags.batch > 0, "mailbox batch")?;
    valid(tags.valid_until.0 > 0, "mailbox term")?;
    let count = tags.end.saturating_sub(tags.first);
    valid((1..=OUTSTANDING_TAGS).contains(&count), "mailbox tags")
}
