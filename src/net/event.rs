//! What rises from the room, and what can be read of it at any time.

use crate::{
    model::{PathKind, RouteId, Transport},
    wire::Frame,
};
use std::{fmt, net::SocketAddr};

/// A key that a link was proven with; never printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LinkKey(pub [u8; 32]);

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey")
    }
}

/// Something the network did. Per route the order is: `LinkUp`, any number of `Frame` and
/// `Writable`, `LinkDown`.
#[derive(Debug)]
pub enum Event {
    /// The other side has proven itself; frames may be sent.
    LinkUp {
        /// Whose link.
        route: RouteId,
        /// Whether they dialled.
        inbound: bool,
        /// Which of the route's keys both sides hold.
        key: LinkKey,
    },
    /// The link is gone; whatever was sent and not answered may be lost.
    LinkDown {
        /// Whose link.
        route: RouteId,
        /// Why.
        reason: LinkDownReason,
    },
    /// A whole, well-formed frame came in.
    Frame {
        /// From whom.
        route: RouteId,
        /// What; never a ping, a pong or a goodbye.
        frame: Frame,
    },
    /// A queue that refused a frame with [`SendError::Full`](super::SendError) has room.
    Writable {
        /// Whose queue.
        route: RouteId,
    },
    /// No address led to a proven link.
    DialFailed {
        /// Whom we looked for.
        route: RouteId,
        /// How far we came.
        reason: DialFailure,
    },
    /// The listening addresses have changed to these.
    Addresses(Vec<SocketAddr>),
}

impl Event {
    /// Whose link or dial it is about, if about a single one.
    #[must_use]
    pub const fn route(&self) -> Option<RouteId> {
        match self {
            Self::LinkUp { route, .. }
            | Self::LinkDown { route, .. }
            | Self::Frame { route, .. }
            | Self::Writable { route }
            | Self::DialFailed { route, .. } => Some(*route),
            Self::Addresses(_) => None,
        }
    }
}

/// Why a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkDownReason {
    /// They said goodbye.
    Bye,
    /// Nothing came back in time: they are asleep, gone or unreachable.
    NoAnswer,
    /// The connection broke or was closed.
    Closed,
    /// They broke the rules of the wire.
    Broken,
    /// A newer link to the same route took over; its `LinkUp` follows.
    Replaced,
    /// Our PeerId changed.
    Rotated,
    /// We were told to, or the route was removed.
    Disconnected,
    /// The room is closing.
    Stopping,
}

/// Why a dial failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialFailure {
    /// The route has no address (or is not known at all).
    NoAddress,
    /// Nobody answered at any address.
    Unreachable,
    /// Somebody answered, but could not or would not prove to be the one we look for.
    NotThem,
}

/// A link as it can be seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkView {
    /// Whose link.
    pub route: RouteId,
    /// Whether they dialled.
    pub inbound: bool,
    /// By what way it goes; whoever was called knows only of relays and mailboxes.
    pub path: PathKind,
    /// Over what, if it is known.
    pub transport: Option<Transport>,
    /// Since when, in steady time.
    pub up_ms: u64,
    /// Bytes of frames that came in.
    pub bytes_in: u64,
    /// Bytes of frames that went out.
    pub bytes_out: u64,
}

/// The room at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetStatus {
    /// Proven links.
    pub links: usize,
    /// Of these, how many the other side dialled.
    pub inbound_links: usize,
    /// Of these, how many belong to shared routes.
    pub shared_links: usize,
    /// Routes being dialled or waiting for it.
    pub dials: usize,
    /// Dials begun since the start.
    pub dials_begun: u64,
    /// Incoming connections without a proof so far.
    pub unproven: usize,
    /// Incoming connections refused or evicted since the start.
    pub refused: u64,
    /// Addresses listened on.
    pub listeners: Vec<SocketAddr>,
}
