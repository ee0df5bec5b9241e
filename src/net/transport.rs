//! Builds a swarm for one epoch, and translates addresses.

use super::{behaviour::Behaviour, error::NetError};
use crate::model;
use libp2p::{
    Multiaddr, Swarm, Transport,
    core::{muxing::StreamMuxerBox, upgrade::Version},
    futures::future::Either,
    identity::Keypair,
    multiaddr::Protocol,
    noise, quic, swarm, tcp, yamux,
};
use std::{
    io,
    net::{SocketAddr, TcpListener, UdpSocket},
    time::Duration,
};

/// Encryption of an incoming or outgoing connection must stand within this time.
const ENCRYPT_WITHIN: Duration = Duration::from_secs(5);
/// A connection without any stream is closed after this time.
const STREAMLESS_FOR: Duration = Duration::from_secs(10);
/// QUIC gives up after this silence: longer than any idle ping and its answer take.
const QUIC_SILENCE: Duration = Duration::from_secs(150);
/// Bytes a QUIC peer may have on its way to us that we have not read.
const QUIC_WINDOW_BYTES: u32 = 1024 * 1024;

/// A swarm with a PeerId that nothing ties to any other.
pub(super) fn swarm(behaviour: Behaviour) -> Result<Swarm<Behaviour>, NetError> {
    let key = Keypair::generate_ed25519();
    let peer = key.public().to_peer_id();

    let mut streams = yamux::Config::default();
    // One link stream; a second may overlap while the first is being torn down.
    streams.set_max_num_streams(2);
    let tcp = tcp::tokio::Transport::new(tcp::Config::new().nodelay(true).listen_backlog(128))
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(&key).map_err(NetError::Transport)?)
        .multiplex(streams)
        .timeout(ENCRYPT_WITHIN)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));

    let mut config = quic::Config::new(&key);
    config.handshake_timeout = ENCRYPT_WITHIN;
    config.max_idle_timeout = u32::try_from(QUIC_SILENCE.as_millis()).unwrap_or(u32::MAX);
    // The library cannot turn keep-alives off; past the idle timeout they never come.
    config.keep_alive_interval = QUIC_SILENCE * 2;
    config.max_concurrent_stream_limit = 2;
    config.max_stream_data = QUIC_WINDOW_BYTES;
    config.max_connection_data = QUIC_WINDOW_BYTES;
    let quic = quic::tokio::Transport::new(config)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));

    let transport = quic
        .or_transport(tcp)
        .map(|either, _| match either {
            Either::Left(output) | Either::Right(output) => output,
        })
        .boxed();
    // The library's connection tasks end with the swarm, which the actor owns.
    let config = swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(STREAMLESS_FOR)
        .with_max_negotiating_inbound_streams(1)
        // The dialer's proof travels together with the protocol's name: one round trip less.
        .with_substream_upgrade_protocol_override(Version::V1Lazy);
    Ok(Swarm::new(transport, behaviour, peer, config))
}

/// `address` over QUIC and over TCP.
pub(super) fn both(address: SocketAddr) -> [Multiaddr; 2] {
    [quic_on(address), tcp_on(address)]
}

pub(super) fn quic_on(address: SocketAddr) -> Multiaddr {
    Multiaddr::from(address.ip())
        .with(Protocol::Udp(address.port()))
        .with(Protocol::QuicV1)
}

pub(super) fn tcp_on(address: SocketAddr) -> Multiaddr {
    Multiaddr::from(address.ip()).with(Protocol::Tcp(address.port()))
}

/// The socket address in `address`, whichever transport it is for.
pub(super) fn socket_of(address: &Multiaddr) -> Option<SocketAddr> {
    let ip = super::behaviour::ip_of(address)?;
    address.iter().find_map(|part| match part {
        Protocol::Udp(port) | Protocol::Tcp(port) => Some(SocketAddr::new(ip, port)),
        _ => None,
    })
}

/// What `address` is called or listened on over.
pub(super) fn kind_of(address: &Multiaddr) -> Option<model::Transport> {
    address.iter().find_map(|part| match part {
        Protocol::Udp(_) => Some(model::Transport::Quic),
        Protocol::Tcp(_) => Some(model::Transport::Tcp),
        _ => None,
    })
}

/// Makes sure that `address` can be had, and puts a port in the place of 0.
///
/// The library binds TCP with `SO_REUSEPORT`, so two daemons of one user would silently share
/// a port and each get half of the other's connections: asking without that option tells.
pub(super) fn settle(address: SocketAddr) -> Result<SocketAddr, NetError> {
    let fail = |source: io::Error| NetError::Listen { address, source };
    // A number that is free for both is nearly always found at once.
    const TRIES: usize = 16;
    let mut last = None;
    for _ in 0..TRIES {
        let udp = UdpSocket::bind(address).map_err(fail)?;
        let found = udp.local_addr().map_err(fail)?;
        match TcpListener::bind(found) {
            Ok(_) => return Ok(found),
            Err(error) if address.port() != 0 => return Err(fail(error)),
            Err(error) => last = Some(error),
        }
    }
    Err(fail(
        last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()),
    ))
}
