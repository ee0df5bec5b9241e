//! Mailbox frames to bytes and back; their layout stands above.

use super::super::{FrameError, HEADER_LEN, PARCEL_BYTES, TAG_LEN, exactly};
use super::{
    Listed, MAX_DELETED, MAX_LISTED, MailboxFrame, Quota, SET_POWERS, TagSet, parcel_class,
};

const REGISTER: u8 = 16;
const REGISTERED: u8 = 17;
const LIST: u8 = 18;
const LISTING: u8 = 19;
const FETCH: u8 = 20;
const FETCHED: u8 = 21;
const MISSING: u8 = 22;
const DELETE: u8 = 23;
const DELETED: u8 = 24;
const PUT: u8 = 25;
const PUT_ANSWER: u8 = 26;
const WIPE: u8 = 27;
const STAT: u8 = 28;

const SET_HEAD: usize = 6;
const LISTING_HEAD: usize = 8;
const ENTRY_LEN: usize = 21;
const QUOTA_LEN: usize = 31;
const MORE: u16 = 0x8000;
const REPLACE: u8 = 1;

impl MailboxFrame {
    /// The frame's type and size field.
    ///
    /// # Errors
    /// [`FrameError`] for what nobody may send.
    pub fn head(&self) -> Result<(u8, u16), FrameError> {
        let class = |bytes: &[u8]| parcel_class(bytes.len()).ok_or(FrameError::BadSize);
        Ok(match self {
            Self::Register(set) => (REGISTER, set.power()?),
            Self::Registered { taken, .. } => (REGISTERED, u16::from(*taken)),
            Self::List { .. } => (LIST, 0),
            Self::Listing { entries, more, .. } => {
                let count = within(entries.len(), 0, MAX_LISTED)?;
                if entries.iter().any(|entry| !is_class(entry.class)) {
                    return Err(FrameError::BadBody);
                }
                (LISTING, if *more { count | MORE } else { count })
            }
            Self::Fetch(_) => (FETCH, 0),
            Self::Fetched(bytes) => (FETCHED, u16::from(class(bytes)?)),
            Self::Missing(_) => (MISSING, 0),
            Self::Delete(hashes) => (DELETE, within(hashes.len(), 1, MAX_DELETED)?),
            Self::Deleted { parcels } => (DELETED, within(usize::from(*parcels), 0, MAX_DELETED)?),
            Self::Put(bytes) => (PUT, u16::from(class(bytes)?)),
            Self::PutNo(_) => (PUT_ANSWER, 0),
            Self::PutOk(_) => (PUT_ANSWER, 1),
            Self::Wipe => (WIPE, 0),
            Self::Wiped => (WIPE, 1),
            Self::Stat => (STAT, 0),
            Self::Quota(quota) if is_class(quota.max_class) => (STAT, 1),
            Self::Quota(_) => return Err(FrameError::BadBody),
        })
    }

    pub(in crate::wire::frame) fn put_body(&self, out: &mut Vec<u8>) {
        match self {
            Self::Register(set) => {
                out.push(set.max_class);
                out.push(if set.replace { REPLACE } else { 0 });
                out.extend_from_slice(&set.valid_until.to_be_bytes());
                out.extend(set.hashes.iter().flatten());
            }
            Self::Registered { hashes, .. } => out.extend_from_slice(&hashes.to_be_bytes()),
            Self::List { after } => out.extend_from_slice(&after.to_be_bytes()),
            Self::Listing { entries, next, .. } => {
                out.extend_from_slice(&next.to_be_bytes());
                for entry in entries {
                    out.extend_from_slice(&entry.hash);
                    out.push(entry.class);
                    out.extend_from_slice(&entry.day.to_be_bytes());
                }
            }
            Self::Fetched(bytes) | Self::Put(bytes) => out.extend_from_slice(bytes),
            Self::Fetch(sixteen)
            | Self::Missing(sixteen)
            | Self::PutOk(sixteen)
            | Self::PutNo(sixteen) => out.extend_from_slice(sixteen),
            Self::Delete(hashes) => out.extend(hashes.iter().flatten()),
            Self::Deleted { .. } | Self::Wipe | Self::Wiped | Self::Stat => {}
            Self::Quota(quota) => quota.put(out),
        }
    }
}

impl TagSet {
    /// The power of two that it has, if it is well formed.
    fn power(&self) -> Result<u16, FrameError> {
        let count = self.hashes.len();
        let power = u16::try_from(count.trailing_zeros()).map_err(|_| FrameError::BadSize)?;
        if !count.is_power_of_two() || !SET_POWERS.contains(&power) {
            return Err(FrameError::BadSize);
        }
        let rising = self.hashes.is_sorted_by(|a, b| a < b);
        (rising && is_class(self.max_class))
            .then_some(power)
            .ok_or(FrameError::BadBody)
    }
}

impl Quota {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.hashes.to_be_bytes());
        out.extend_from_slice(&self.max_hashes.to_be_bytes());
        out.extend_from_slice(&self.bytes.to_be_bytes());
        out.extend_from_slice(&self.max_bytes.to_be_bytes());
        out.extend_from_slice(&self.parcels.to_be_bytes());
        out.extend_from_slice(&self.keep_days.to_be_bytes());
        out.push(self.max_class);
    }

    fn take(mut body: &[u8]) -> Option<Self> {
        fn next<const N: usize>(body: &mut &[u8]) -> Option<[u8; N]> {
            let (first, rest) = body.split_first_chunk()?;
            *body = rest;
            Some(*first)
        }
        Some(Self {
            hashes: u32::from_be_bytes(next(&mut body)?),
            max_hashes: u32::from_be_bytes(next(&mut body)?),
            bytes: u64::from_be_bytes(next(&mut body)?),
            max_bytes: u64::from_be_bytes(next(&mut body)?),
            parcels: u32::from_be_bytes(next(&mut body)?),
            keep_days: u16::from_be_bytes(next(&mut body)?),
            max_class: u8::from_be_bytes(next(&mut body)?),
        })
    }
}

/// How long the body of a frame of `kind` is; `None` if it is none of a mailbox.
pub(in crate::wire::frame) fn body_len(kind: u8, size: u16) -> Option<Result<usize, FrameError>> {
    let bad = Err(FrameError::BadSize);
    let plain = |len| if size == 0 { Ok(len) } else { bad };
    let parcel = || {
        let len = PARCEL_BYTES.get(usize::from(size)).copied();
        len.ok_or(FrameError::BadSize)
    };
    let counted = |least, most, each| {
        let count = usize::from(size);
        if (least..=most).contains(&count) {
            Ok(count * each)
        } else {
            bad
        }
    };
    Some(match kind {
        REGISTER if SET_POWERS.contains(&size) => Ok(SET_HEAD + (TAG_LEN << size)),
        REGISTER => bad,
        REGISTERED if size < 2 => Ok(4),
        LIST => plain(8),
        LISTING if usize::from(size & !MORE) <= MAX_LISTED => {
            Ok(LISTING_HEAD + usize::from(size & !MORE) * ENTRY_LEN)
        }
        FETCH | MISSING => plain(TAG_LEN),
        FETCHED | PUT => parcel(),
        DELETE => counted(1, MAX_DELETED, TAG_LEN),
        DELETED => counted(0, MAX_DELETED, 0),
        PUT_ANSWER if size < 2 => Ok(TAG_LEN),
        WIPE if size < 2 => Ok(0),
        STAT if size < 2 => Ok(usize::from(size) * QUOTA_LEN),
        REGISTERED | LISTING | PUT_ANSWER | WIPE | STAT => bad,
        _ => return None,
    })
}

/// The frame that a header and a body of the right length make.
pub(in crate::wire::frame) fn decode(
    header: &[u8; HEADER_LEN],
    body: &[u8],
) -> Result<MailboxFrame, FrameError> {
    let [kind, high, low] = *header;
    let size = u16::from_be_bytes([high, low]);
    let frame = match (kind, size) {
        (REGISTER, _) => MailboxFrame::Register(decode_set(body)?),
        (REGISTERED, taken) => MailboxFrame::Registered {
            taken: taken == 1,
            hashes: u32::from_be_bytes(exactly(body)?),
        },
        (LIST, _) => MailboxFrame::List {
            after: u64::from_be_bytes(exactly(body)?),
        },
        (LISTING, size) => decode_listing(size, body)?,
        (FETCH, _) => MailboxFrame::Fetch(exactly(body)?),
        (FETCHED, _) => MailboxFrame::Fetched(body.to_vec()),
        (MISSING, _) => MailboxFrame::Missing(exactly(body)?),
        (DELETE, _) => MailboxFrame::Delete(body.as_chunks().0.to_vec()),
        (DELETED, parcels) => MailboxFrame::Deleted { parcels },
        (PUT, _) => MailboxFrame::Put(body.to_vec()),
        (PUT_ANSWER, 0) => MailboxFrame::PutNo(exactly(body)?),
        (PUT_ANSWER, _) => MailboxFrame::PutOk(exactly(body)?),
        (WIPE, 0) => MailboxFrame::Wipe,
        (WIPE, _) => MailboxFrame::Wiped,
        (STAT, 0) => MailboxFrame::Stat,
        (STAT, _) => MailboxFrame::Quota(Quota::take(body).ok_or(FrameError::BadBody)?),
        (other, _) => return Err(FrameError::UnknownType(other)),
    };
    // What nobody may send is not taken either, so that each frame has one spelling.
    frame.head().map(|_| frame)
}

fn decode_set(body: &[u8]) -> Result<TagSet, FrameError> {
    let ([max_class, flags, day @ ..], hashes) = body
        .split_first_chunk::<SET_HEAD>()
        .ok_or(FrameError::BadBody)?;
    if flags & !REPLACE != 0 {
        return Err(FrameError::BadBody);
    }
    Ok(TagSet {
        hashes: hashes.as_chunks().0.to_vec(),
        replace: *flags == REPLACE,
        max_class: *max_class,
        valid_until: u32::from_be_bytes(*day),
    })
}

fn decode_listing(size: u16, body: &[u8]) -> Result<MailboxFrame, FrameError> {
    let (next, rest) = body
        .split_first_chunk::<LISTING_HEAD>()
        .ok_or(FrameError::BadBody)?;
    let entry = |bytes: &[u8; ENTRY_LEN]| {
        let (hash, rest) = bytes.split_first_chunk::<TAG_LEN>()?;
        let (class, day) = rest.split_first()?;
        Some(Listed {
            hash: *hash,
            class: *class,
            day: u32::from_be_bytes(day.try_into().ok()?),
        })
    };
    let entries = rest.as_chunks().0.iter().map(entry);
    Ok(MailboxFrame::Listing {
        entries: entries.collect::<Option<_>>().ok_or(FrameError::BadBody)?,
        next: u64::from_be_bytes(*next),
        more: size & MORE != 0,
    })
}

fn within(count: usize, least: usize, most: usize) -> Result<u16, FrameError> {
    let fits = (least..=most).contains(&count);
    let count = u16::try_from(count).ok().filter(|_| fits);
    count.ok_or(FrameError::BadSize)
}

fn is_class(class: u8) -> bool {
    usize::from(class) < PARCEL_BYTES.len()
}
