//! What the room is told of those whom it links to.

use crate::model::RouteId;
use std::{fmt, net::SocketAddr};

/// Whom a link may lead to: a contact, an invite or a handshake; this room does not care.
#[derive(Clone, PartialEq, Eq)]
pub struct Route {
    /// Its name.
    pub id: RouteId,
    /// Link keys, the current one first, then those that are still accepted.
    pub keys: Vec<[u8; 32]>,
    /// Where to dial, the most promising first.
    pub addresses: Vec<SocketAddr>,
    /// Whether it stands for an open invite rather than for a contact.
    pub invite: bool,
    /// Who may open links to it, and how many.
    pub access: Access,
}

/// Who may open links to a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Either side; there is one link at a time.
    #[default]
    Pair,
    /// Others only, many at a time: the keys are in many hands. Each link is a route of its
    /// own, under a fresh name, from its `LinkUp` to its `LinkDown`.
    Shared,
    /// This side only: whoever else has the keys is not to pose as the one we look for.
    DialOnly,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("keys", &self.keys.len())
            .field("addresses", &self.addresses.len())
            .field("invite", &self.invite)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}
