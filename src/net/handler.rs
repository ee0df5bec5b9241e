//! One link stream per connection: the dialer opens it, the listener takes the first.

use libp2p::{
    Stream, StreamProtocol,
    core::upgrade::{InboundUpgrade, OutboundUpgrade, UpgradeInfo},
    swarm::{
        ConnectionHandler, ConnectionHandlerEvent, SubstreamProtocol,
        handler::{ConnectionEvent, FullyNegotiatedInbound, FullyNegotiatedOutbound},
    },
};
use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll, Waker},
    time::Duration,
};

/// The protocol of links; a change of it is a new number.
pub(super) const LINK_PROTOCOL: StreamProtocol = StreamProtocol::new("/msgd/link/1");
/// How long the two sides may take to agree on the protocol.
const NEGOTIATE_WITHIN: Duration = Duration::from_secs(5);

/// What a connection tells the behaviour.
#[derive(Debug)]
pub(super) enum FromConnection {
    /// The link stream stands; nothing is proven yet.
    Opened { stream: Stream, dialer: bool },
    /// The other side would not open it.
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Dialer: the stream must be asked for.
    Ask,
    /// Dialer: it was asked for. Listener: it is awaited.
    Await,
    /// It came, or never will.
    Over,
}

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Handler {
    dialer: bool,
    step: Step,
    tell: Option<FromConnection>,
    waker: Option<Waker>,
}

impl Handler {
    pub(super) fn new(dialer: bool) -> Self {
        Self {
            dialer,
            step: if dialer { Step::Ask } else { Step::Await },
            tell: None,
            waker: None,
        }
    }

    fn tell(&mut self, what: FromConnection) {
        if self.step == Step::Over {
            // A second stream has no purpose; dropping it resets it.
            return;
        }
        self.step = Step::Over;
        self.tell = Some(what);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Infallible;
    type ToBehaviour = FromConnection;
    type InboundProtocol = LinkUpgrade;
    type OutboundProtocol = LinkUpgrade;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<LinkUpgrade> {
        // A dialer never accepts streams, a listener accepts one.
        let offered = !self.dialer && self.step == Step::Await;
        SubstreamProtocol::new(LinkUpgrade { offered }, ()).with_timeout(NEGOTIATE_WITHIN)
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<LinkUpgrade, (), FromConnection>> {
        if let Some(what) = self.tell.take() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(what));
        }
        if self.step == Step::Ask {
            self.step = Step::Await;
            let upgrade = LinkUpgrade { offered: true };
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest {
                protocol: SubstreamProtocol::new(upgrade, ()).with_timeout(NEGOTIATE_WITHIN),
            });
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, event: Infallible) {
        match event {}
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, LinkUpgrade, LinkUpgrade>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol, ..
            })
            | ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol, ..
            }) => {
                let dialer = self.dialer;
                self.tell(FromConnection::Opened {
                    stream: protocol,
                    dialer,
                });
            }
            ConnectionEvent::DialUpgradeError(_) => self.tell(FromConnection::Refused),
            // Address and protocol changes mean nothing here, failed inbound streams less.
            _ => {}
        }
    }
}

/// Offers the link protocol, or nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinkUpgrade {
    offered: bool,
}

impl UpgradeInfo for LinkUpgrade {
    type Info = StreamProtocol;
    type InfoIter = std::option::IntoIter<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        self.offered.then_some(LINK_PROTOCOL).into_iter()
    }
}

impl InboundUpgrade<Stream> for LinkUpgrade {
    type Output = Stream;
    type Error = Infallible;
    type Future = Ready<Result<Stream, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, _: StreamProtocol) -> Self::Future {
        ready(Ok(stream))
    }
}

impl OutboundUpgrade<Stream> for LinkUpgrade {
    type Output = Stream;
    type Error = Infallible;
    type Future = Ready<Result<Stream, Infallible>>;

    fn upgrade_outbound(self, stream: Stream, _: StreamProtocol) -> Self::Future {
        ready(Ok(stream))
    }
}
