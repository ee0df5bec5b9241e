//! What the outbox needs of the network room; a test puts its own in that place.

use crate::{
    model::RouteId,
    net::{Net, SendError},
    wire::Frame,
};

/// Takes frames to a contact.
pub(super) trait Carrier: Send + Sync + 'static {
    /// As [`Net::try_send`].
    fn try_send(&self, route: RouteId, frame: Frame) -> Result<(), SendError>;

    /// As [`Net::dial`].
    fn dial(&self, route: RouteId) -> impl Future<Output = ()> + Send;
}

impl Carrier for Net {
    fn try_send(&self, route: RouteId, frame: Frame) -> Result<(), SendError> {
        Self::try_send(self, route, frame)
    }

    fn dial(&self, route: RouteId) -> impl Future<Output = ()> + Send {
        Self::dial(self, route)
    }
}
