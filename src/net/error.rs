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

/// Why the public directory did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// None of the nodes to begin with has an IPv4 address, or their names were not found.
    #[error("no first node of the directory was found")]
    NoFirstNode,
    /// No socket could be had.
    #[error("cannot open a socket for the directory")]
    Socket(#[source] io::Error),
    /// No node answered, or none took the item.
    #[error("the directory did not answer in time")]
    NoAnswer,
    /// The nodes hold a newer item under the same key.
    #[error("the directory holds a newer item")]
    Outdated,
    /// The library failed; the next call starts it anew.
    #[error("the directory's library failed")]
    Broken,
    /// The house is closing.
    #[error("the network is being stopped")]
    Stopped,
}
