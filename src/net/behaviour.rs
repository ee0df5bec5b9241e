//! The swarm's behaviour: asks the gate about incoming connections, passes link streams up.

use super::{
    handler::{FromConnection, Handler},
    limits::Gate,
    transport,
};
use crate::base::Clock;
use libp2p::{
    Multiaddr, PeerId, Stream,
    core::{Endpoint, transport::PortUse},
    multiaddr::Protocol,
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
    },
};
use std::{
    collections::VecDeque,
    net::IpAddr,
    task::{Context, Poll},
};

/// What the behaviour tells the actor.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "made once a connection and handed on at once"
)]
pub(super) enum Heard {
    /// A link stream stands on a connection; nothing is proven yet.
    Opened {
        connection: ConnectionId,
        peer: PeerId,
        stream: Stream,
        /// Whether we dialled.
        dialer: bool,
    },
    /// A connection we dialled does not speak our protocol.
    Refused { connection: ConnectionId },
    /// A stranger has to make room.
    Evicted { connection: ConnectionId },
}

/// Refusal of an incoming connection; the other side sees it close.
#[derive(Debug, thiserror::Error)]
#[error("no room for another stranger")]
struct NoRoom;

/// See the module.
pub(super) struct Behaviour {
    pub(super) gate: Gate,
    clock: Clock,
    heard: VecDeque<Heard>,
}

impl Behaviour {
    pub(super) fn new(gate: Gate, clock: Clock) -> Self {
        Self {
            gate,
            clock,
            heard: VecDeque::new(),
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Heard;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        let now = self.clock.steady_ms();
        let from = transport::socket_of(remote).map(|mut from| {
            // QUIC calls from the port that it listens on, TCP from any.
            if remote.iter().any(|part| matches!(part, Protocol::Tcp(_))) {
                from.set_port(0);
            }
            from
        });
        let let_in = from.is_some_and(|from| self.gate.arrive(connection, from, now));
        let_in
            .then_some(())
            .ok_or_else(|| ConnectionDenied::new(NoRoom))
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<Handler, ConnectionDenied> {
        if let Some(connection) = self.gate.establish(connection) {
            self.heard.push_back(Heard::Evicted { connection });
        }
        Ok(Handler::new(false))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<Handler, ConnectionDenied> {
        Ok(Handler::new(true))
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionClosed(closed) => self.gate.forget(closed.connection_id),
            FromSwarm::ListenFailure(failed) => self.gate.forget(failed.connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.heard.push_back(match event {
            FromConnection::Opened { stream, dialer } => Heard::Opened {
                connection,
                peer,
                stream,
                dialer,
            },
            FromConnection::Refused => Heard::Refused { connection },
        });
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Heard, THandlerInEvent<Self>>> {
        // The swarm polls again after every call above, so no waker is needed.
        match self.heard.pop_front() {
            Some(heard) => Poll::Ready(ToSwarm::GenerateEvent(heard)),
            None => Poll::Pending,
        }
    }
}

/// The IP address that `address` starts with.
pub(super) fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    })
}
