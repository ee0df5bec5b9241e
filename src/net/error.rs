//! What can fail in the room, named for the step.

use std::{io, net::SocketAddr};

/// Why the room did not start.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// An address is taken or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address as configured.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The encryption of TCP connections could not be set up.
    #[error("cannot set up the transport encryption")]
    Transport(#[source] libp2p::noise::Error),
    /// The kernel tells nothing of interfaces and their changes.
    #[error("cannot watch the network's interfaces")]
    Lan(#[source] io::Error),
    /// The system gave no random bytes.
    #[error("no random bytes from the system")]
    Random(#[source] getrandom::Error),
}

/// Why a frame was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// There is no link to the route.
    #[error("no link")]
    NoLink,
    /// The link's queue is full; an [`Event::Writable`](super::Event) follows.
    #[error("the link's queue is full")]
    Full,
    /// The wire has no such frame: a parcel of another size, or too many tags.
    #[error("the frame does not fit the wire")]
    Misshapen,
}
