//! Frames on a link.
//!
//! | type | frame | second and third byte | body |
//! |---|---|---|---|
//! | 1 | Parcel | size class 0..=3 | 4, 16, 64 or 256 KiB |
//! | 2 | Custody | number of tags 1..=256 | 16 bytes each |
//! | 3 | Ping | 0 | 8 |
//! | 4 | Pong | 0 | 8 |
//! | 5 | Window | 0 | epoch (4), next (8) |
//! | 6 | Bundle | 0 | 8192 |
//! | 7 | BundleRequest | 0 | none |
//! | 8 | Bye | 0 | none |
//! | 16..=28 | see [`mailbox`] | | |
//!
//! Numbers are big-endian.

mod mailbox;

pub use mailbox::{
    Listed, MAX_DELETED, MAX_LISTED, MAX_SET, MailboxFrame, Quota, SET_POWERS, TagHash, TagSet,
    parcel_class,
};

/// Length of a frame's header.
pub const HEADER_LEN: usize = 3;
/// The lengths a parcel may have, tag included.
pub const PARCEL_BYTES: [usize; 4] = [4096, 16_384, 65_536, 262_144];
/// The longest body of any frame.
pub const MAX_BODY_LEN: usize = 262_144;
/// Length of an invite's sealed bundle.
pub const BUNDLE_BYTES: usize = 8192;
/// Most tags in one custody frame.
pub const MAX_CUSTODY_TAGS: usize = 256;

const TAG_LEN: usize = 16;

/// One thing said over a link.
#[derive(Clone, PartialEq, Eq)]
pub enum Frame {
    /// A sealed parcel, its tag first; one of [`PARCEL_BYTES`] long.
    Parcel(Vec<u8>),
    /// The parcels with these tags are durable on this side, opened or not.
    Custody(Vec<[u8; 16]>),
    /// Are you there?
    Ping(u64),
    /// The answer, with the same number.
    Pong(u64),
    /// Every parcel of this side below this place is settled or given up: look for tags from
    /// here on.
    Window {
        /// Tag epoch.
        epoch: u32,
        /// The lowest number still to come.
        next: u64,
    },
    /// An invite's sealed bundle.
    Bundle(Box<[u8; BUNDLE_BYTES]>),
    /// Send me the bundle of the invite this link was opened with.
    BundleRequest,
    /// This side closes the link on purpose.
    Bye,
    /// Something about a mailbox.
    Mailbox(MailboxFrame),
}

// Parcels and tags stay out of logs.
impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Parcel(bytes) => write!(f, "Parcel({} bytes)", bytes.len()),
            Self::Custody(tags) => write!(f, "Custody({} tags)", tags.len()),
            Self::Ping(_) => f.write_str("Ping"),
            Self::Pong(_) => f.write_str("Pong"),
            Self::Window { .. } => f.write_str("Window"),
            Self::Bundle(_) => f.write_str("Bundle"),
            Self::BundleRequest => f.write_str("BundleRequest"),
            Self::Bye => f.write_str("Bye"),
            Self::Mailbox(frame) => frame.fmt(f),
        }
    }
}

/// Why bytes are not a frame, or a frame cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The first byte names no frame of this version.
    #[error("frame type {0} is not known")]
    UnknownType(u8),
    /// The second and third byte do not suit the type.
    #[error("the frame's size field is out of range")]
    BadSize,
    /// The body's length is not what the header said.
    #[error("the frame's body does not have the length its header gives")]
    BadBody,
}

const PARCEL: u8 = 1;
const CUSTODY: u8 = 2;
const PING: u8 = 3;
const PONG: u8 = 4;
const WINDOW: u8 = 5;
const BUNDLE: u8 = 6;
const BUNDLE_REQUEST: u8 = 7;
const BYE: u8 = 8;

/// Appends the frame to `out`; on error `out` is as before.
pub fn encode(frame: &Frame, out: &mut Vec<u8>) -> Result<(), FrameError> {
    let mut header = |kind: u8, size: u16, body: usize| {
        out.reserve(HEADER_LEN + body);
        out.push(kind);
        out.extend_from_slice(&size.to_be_bytes());
    };
    match frame {
        Frame::Parcel(bytes) => {
            let class = PARCEL_BYTES.iter().position(|size| *size == bytes.len());
            let class = class.and_then(|class| u16::try_from(class).ok());
            header(PARCEL, class.ok_or(FrameError::BadSize)?, bytes.len());
            out.extend_from_slice(bytes);
        }
        Frame::Custody(tags) => {
            let count = u16::try_from(tags.len()).map_err(|_| FrameError::BadSize)?;
            if tags.is_empty() || tags.len() > MAX_CUSTODY_TAGS {
                return Err(FrameError::BadSize);
            }
            header(CUSTODY, count, tags.len() * TAG_LEN);
            out.extend(tags.iter().flatten());
        }
        Frame::Ping(number) => {
            header(PING, 0, 8);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Frame::Pong(number) => {
            header(PONG, 0, 8);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Frame::Window { epoch, next } => {
            header(WINDOW, 0, 12);
            out.extend_from_slice(&epoch.to_be_bytes());
            out.extend_from_slice(&next.to_be_bytes());
        }
        Frame::Bundle(bytes) => {
            header(BUNDLE, 0, BUNDLE_BYTES);
            out.extend_from_slice(bytes.as_slice());
        }
        Frame::BundleRequest => header(BUNDLE_REQUEST, 0, 0),
        Frame::Bye => header(BYE, 0, 0),
        Frame::Mailbox(frame) => {
            let (kind, size) = frame.head()?;
            header(kind, size, 0);
            frame.put_body(out);
        }
    }
    Ok(())
}

/// How long the body after `header` is; never more than [`MAX_BODY_LEN`].
pub fn body_len(header: &[u8; HEADER_LEN]) -> Result<usize, FrameError> {
    let [kind, high, low] = *header;
    let size = usize::from(u16::from_be_bytes([high, low]));
    let plain = |len| {
        if size == 0 {
            Ok(len)
        } else {
            Err(FrameError::BadSize)
        }
    };
    match kind {
        PARCEL => PARCEL_BYTES.get(size).copied().ok_or(FrameError::BadSize),
        CUSTODY if (1..=MAX_CUSTODY_TAGS).contains(&size) => Ok(size * TAG_LEN),
        CUSTODY => Err(FrameError::BadSize),
        PING | PONG => plain(8),
        WINDOW => plain(12),
        BUNDLE => plain(BUNDLE_BYTES),
        BUNDLE_REQUEST | BYE => plain(0),
        other => mailbox::body_len(other, u16::from_be_bytes([high, low]))
            .unwrap_or(Err(FrameError::UnknownType(other))),
    }
}

/// The frame that `header` and `body` make.
pub fn decode(header: &[u8; HEADER_LEN], body: &[u8]) -> Result<Frame, FrameError> {
    if body.len() != body_len(header)? {
        return Err(FrameError::BadBody);
    }
    let [kind, ..] = *header;
    Ok(match kind {
        PARCEL => Frame::Parcel(body.to_vec()),
        CUSTODY => Frame::Custody(body.as_chunks().0.to_vec()),
        PING => Frame::Ping(u64::from_be_bytes(exactly(body)?)),
        PONG => Frame::Pong(u64::from_be_bytes(exactly(body)?)),
        WINDOW => {
            let (epoch, next) = body.split_at_checked(4).ok_or(FrameError::BadBody)?;
            Frame::Window {
                epoch: u32::from_be_bytes(exactly(epoch)?),
                next: u64::from_be_bytes(exactly(next)?),
            }
        }
        BUNDLE => {
            let bytes: Box<[u8]> = body.into();
            Frame::Bundle(bytes.try_into().map_err(|_| FrameError::BadBody)?)
        }
        BUNDLE_REQUEST => Frame::BundleRequest,
        BYE => Frame::Bye,
        _ => Frame::Mailbox(mailbox::decode(header, body)?),
    })
}

/// The frame at the start of `bytes`, and what follows it; `None` while bytes are missing.
pub fn decode_first(bytes: &[u8]) -> Result<Option<(Frame, &[u8])>, FrameError> {
    let Some((header, rest)) = bytes.split_first_chunk() else {
        return Ok(None);
    };
    match rest.split_at_checked(body_len(header)?) {
        Some((body, after)) => Ok(Some((decode(header, body)?, after))),
        None => Ok(None),
    }
}

fn exactly<const N: usize>(bytes: &[u8]) -> Result<[u8; N], FrameError> {
    bytes.try_into().map_err(|_| FrameError::BadBody)
}

#[cfg(test)]
mod tests;
