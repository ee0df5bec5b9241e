//! A peer that speaks libp2p as well as a daemon does, and means no good.
//!
//! It is built on the library's transports alone: what is said on a stream, from the name of the
//! protocol on, is the test's own business.

use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::{
    Multiaddr, PeerId, Transport,
    core::{
        muxing::{StreamMuxerBox, StreamMuxerExt, SubstreamBox},
        transport::{Boxed, DialOpts, ListenerId, PortUse},
        upgrade::Version,
    },
    identity::Keypair,
    multiaddr::Protocol,
    noise, quic, tcp, yamux,
};
use msgd::wire::{self, Frame, HEADER_LEN, PROOF_LEN, Role};
use std::{
    collections::VecDeque,
    future::poll_fn,
    net::{IpAddr, SocketAddr},
    task::{Context, Poll},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use crate::world::PATIENCE;

/// What opens every stream, and names the link protocol on it.
const OPENING: &[u8] = b"\x13/multistream/1.0.0\n\x0d/msgd/link/1\n";

/// How to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Tcp,
    Quic,
}

impl Over {
    pub(crate) const BOTH: [Self; 2] = [Self::Tcp, Self::Quic];

    fn on(self, address: SocketAddr) -> Multiaddr {
        let ip = Multiaddr::from(address.ip());
        match self {
            Self::Tcp => ip.with(Protocol::Tcp(address.port())),
            Self::Quic => ip
                .with(Protocol::Udp(address.port()))
                .with(Protocol::QuicV1),
        }
    }
}

/// An encrypted connection to a daemon; it stays until it is dropped or the daemon ends it.
pub(crate) struct Stranger {
    own: PeerId,
    host: PeerId,
    asks: mpsc::Sender<oneshot::Sender<SubstreamBox>>,
    driver: JoinHandle<()>,
    /// Keeps the local socket.
    _transport: Boxed<(PeerId, StreamMuxerBox)>,
}

impl Stranger {
    /// Connects from the address `from`, all of 127.0.0.0/8 being ours. `None`: not let in.
    pub(crate) async fn connect(from: [u8; 4], to: SocketAddr, over: Over) -> Option<Self> {
        let key = Keypair::generate_ed25519();
        let mut transport = transport(&key);
        let local = over.on(SocketAddr::new(IpAddr::from(from), 0));
        let listening = transport.listen_on(ListenerId::next(), local);
        listening.expect("an address of the loopback");
        // The dial goes out from an address that is listened on.
        poll_fn(|cx| std::pin::Pin::new(&mut transport).poll(cx).map(drop)).await;
        let how = DialOpts {
            role: libp2p::core::Endpoint::Dialer,
            port_use: PortUse::Reuse,
        };
        let dial = transport.dial(over.on(to), how).expect("a known address");
        let (host, muxer) = timeout(PATIENCE, dial).await.expect("an answer").ok()?;
        let (asks, asked) = mpsc::channel(64);
        Some(Self {
            own: key.public().to_peer_id(),
            host,
            asks,
            driver: tokio::spawn(drive(muxer, asked)),
            _transport: transport,
        })
    }

    /// A new stream with nothing said on it; `None` if the daemon lets none be opened.
    pub(crate) async fn stream(&self) -> Option<Talk> {
        let (ask, answer) = oneshot::channel();
        self.asks.send(ask).await.ok()?;
        let (own, host) = (self.own, self.host);
        answer.await.ok().map(|stream| Talk { stream, own, host })
    }

    /// A stream on which the link protocol is agreed.
    pub(crate) async fn link_stream(&self) -> Option<Talk> {
        let mut talk = self.stream().await?;
        talk.say_bytes(OPENING).await?;
        let mut answer = [0; OPENING.len()];
        talk.stream.read_exact(&mut answer).await.ok()?;
        assert_eq!(answer, OPENING, "a listener agrees to the link protocol");
        Some(talk)
    }

    /// Asks for `count` streams at once and waits for none of them.
    pub(crate) async fn grab_streams(&self, count: usize) -> Vec<oneshot::Receiver<SubstreamBox>> {
        let mut promised = Vec::new();
        for _ in 0..count {
            let (ask, answer) = oneshot::channel();
            // Who is gone takes nothing any more.
            let _ = self.asks.send(ask).await;
            promised.push(answer);
        }
        promised
    }

    /// Waits until the daemon has ended the connection.
    pub(crate) async fn is_out(&mut self) {
        let out = timeout(PATIENCE, &mut self.driver).await;
        out.expect("a stranger is shown the door").expect("driven");
    }
}

/// One stream of a stranger.
pub(crate) struct Talk {
    stream: SubstreamBox,
    own: PeerId,
    host: PeerId,
}

impl Talk {
    /// Says it; `None` if nobody listens any more.
    pub(crate) async fn say_bytes(&mut self, bytes: &[u8]) -> Option<()> {
        self.stream.write_all(bytes).await.ok()?;
        self.stream.flush().await.ok()
    }

    pub(crate) async fn say(&mut self, frame: &Frame) -> Option<()> {
        let mut bytes = Vec::new();
        wire::encode(frame, &mut bytes).expect("a frame");
        self.say_bytes(&bytes).await
    }

    /// The next frame; `None` at the end of the stream.
    pub(crate) async fn hear(&mut self) -> Option<Frame> {
        let mut header = [0; HEADER_LEN];
        self.stream.read_exact(&mut header).await.ok()?;
        let mut body = vec![0; wire::body_len(&header).expect("a frame")];
        self.stream.read_exact(&mut body).await.ok()?;
        Some(wire::decode(&header, &body).expect("a frame"))
    }

    /// Proves that it knows `key`, and makes the link the daemon's by a ping.
    pub(crate) async fn prove(&mut self, key: &[u8; 32]) -> Option<()> {
        let (own, host) = (self.own.to_bytes(), self.host.to_bytes());
        let nonce = [7; PROOF_LEN];
        let proof = wire::link_proof(key, Role::Dialer, &own, &host, &nonce);
        self.say_bytes(&[nonce, proof].concat()).await?;
        let mut answer = [0; 2 * PROOF_LEN];
        self.stream.read_exact(&mut answer).await.ok()?;
        self.say(&Frame::Ping(1)).await?;
        (self.hear().await? == Frame::Pong(1)).then_some(())
    }

    /// Whether the daemon hangs up without having said anything.
    pub(crate) async fn is_hung_up_on(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read(&mut [0; 64])).await;
        !matches!(read.expect("an end"), Ok(count) if count > 0)
    }
}

/// The transports of a daemon, without its limits.
fn transport(key: &Keypair) -> Boxed<(PeerId, StreamMuxerBox)> {
    let tcp = tcp::tokio::Transport::new(tcp::Config::new())
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(key).expect("a key"))
        .multiplex(yamux::Config::default())
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    let quic = quic::tokio::Transport::new(quic::Config::new(key))
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    quic.or_transport(tcp)
        .map(|either, _| either.into_inner())
        .boxed()
}

/// Lives as long as the connection.
async fn drive(mut muxer: StreamMuxerBox, mut asks: mpsc::Receiver<oneshot::Sender<SubstreamBox>>) {
    let mut asked = VecDeque::new();
    poll_fn(|cx| match turn(&mut muxer, &mut asks, &mut asked, cx) {
        Some(()) => Poll::Pending,
        None => Poll::Ready(()),
    })
    .await;
}

/// Does what can be done now; `None` once the connection is over.
fn turn(
    muxer: &mut StreamMuxerBox,
    asks: &mut mpsc::Receiver<oneshot::Sender<SubstreamBox>>,
    asked: &mut VecDeque<oneshot::Sender<SubstreamBox>>,
    cx: &mut Context<'_>,
) -> Option<()> {
    while let Poll::Ready(ask) = asks.poll_recv(cx) {
        asked.push_back(ask?);
    }
    while !asked.is_empty() {
        let Poll::Ready(stream) = muxer.poll_outbound_unpin(cx) else {
            break;
        };
        let _ = asked.pop_front()?.send(stream.ok()?);
    }
    while let Poll::Ready(event) = muxer.poll_unpin(cx) {
        event.ok()?;
    }
    while let Poll::Ready(stream) = muxer.poll_inbound_unpin(cx) {
        drop(stream.ok()?);
    }
    Some(())
}
