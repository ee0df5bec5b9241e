//! What the handle asks of the actor; everything else goes through the table.

use super::event::NetStatus;
use crate::model::RouteId;
use std::net::SocketAddr;
use tokio::sync::oneshot;

/// See the module.
#[derive(Debug)]
pub(super) enum Command {
    /// Try every address of a route once.
    Dial(RouteId),
    /// Try these addresses of a route too, if it is being dialled.
    Join(RouteId, Vec<SocketAddr>),
    /// Give up a dial that may be under way.
    Cancel(RouteId),
    /// Take a new PeerId.
    Rotate,
    /// Tell how things are.
    Status(oneshot::Sender<NetStatus>),
}
