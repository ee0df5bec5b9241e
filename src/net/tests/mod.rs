//! Stories over real sockets on the loopback.

mod endings;
mod figures;
mod hostile;
mod linking;
mod pressure;
mod shared;

use super::{
    behaviour::{Behaviour, Heard},
    frames::FrameReader,
    limits::Gate,
    proof, transport, *,
};
use crate::{base::TestClock, wire};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::{Multiaddr, Stream, Swarm, swarm::SwarmEvent};
use std::time::Duration;

const ROUTE: RouteId = RouteId([1; 16]);
const KEY: [u8; 32] = [7; 32];

/// A daemon's network room with one route.
struct Side {
    net: Net,
    events: mpsc::Receiver<Event>,
    tasks: Tasks,
}

fn config() -> NetConfig {
    NetConfig {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        ..NetConfig::default()
    }
}

async fn side_with(config: NetConfig, clock: Clock) -> Side {
    let tasks = Tasks::new();
    let (net, events) = Net::spawn(config, clock, &tasks).await.unwrap();
    Side { net, events, tasks }
}

async fn side() -> Side {
    side_with(config(), Clock::system()).await
}

impl Side {
    fn knows(&self, keys: &[[u8; 32]], addresses: Vec<SocketAddr>) {
        self.net.put_route(Route {
            id: ROUTE,
            keys: keys.to_vec(),
            addresses,
            invite: false,
            access: Access::default(),
        });
    }

    fn at(&self) -> SocketAddr {
        self.net.listen_addresses()[0]
    }

    /// The next event that is not about addresses.
    async fn next(&mut self) -> Event {
        loop {
            let event = tokio::time::timeout(Duration::from_secs(20), self.events.recv());
            match event
                .await
                .expect("an event in time")
                .expect("a running room")
            {
                Event::Addresses(_) => {}
                event => return event,
            }
        }
    }

    async fn up(&mut self) -> bool {
        match self.next().await {
            Event::LinkUp {
                route: ROUTE,
                inbound,
                ..
            } => inbound,
            other => panic!("not a link: {other:?}"),
        }
    }

    async fn down(&mut self) -> LinkDownReason {
        match self.next().await {
            Event::LinkDown {
                route: ROUTE,
                reason,
            } => reason,
            other => panic!("not an end: {other:?}"),
        }
    }

    async fn frame(&mut self) -> Frame {
        match self.next().await {
            Event::Frame {
                route: ROUTE,
                frame,
            } => frame,
            other => panic!("not a frame: {other:?}"),
        }
    }
}

/// Two rooms with a link, the first of which dialled.
async fn linked() -> (Side, Side) {
    let (mut a, mut b) = (side().await, side().await);
    a.knows(&[KEY], vec![b.at()]);
    b.knows(&[KEY], Vec::new());
    a.net.dial(ROUTE).await;
    assert!(!a.up().await);
    assert!(b.up().await);
    (a, b)
}

fn parcel(fill: u8) -> Frame {
    Frame::Parcel(vec![fill; PARCEL_BYTES[0]])
}

/// A peer that does only what a test has it do; it keeps its connection while it lives.
struct Puppet {
    stream: Stream,
    ends: proof::Ends,
    reader: FrameReader,
    tasks: Tasks,
}

impl Drop for Puppet {
    fn drop(&mut self) {
        // Ends the task that drives its swarm, and thereby its connections.
        self.tasks.close();
    }
}

fn loose_swarm() -> Swarm<Behaviour> {
    let gate = Gate::new(NetConfig::default());
    transport::swarm(Behaviour::new(gate, Clock::system())).unwrap()
}

impl Puppet {
    /// Connects and opens the link stream, no more.
    async fn connect(address: Multiaddr) -> Self {
        let mut swarm = loose_swarm();
        let dialer = *swarm.local_peer_id();
        swarm.dial(address).unwrap();
        let (stream, listener) = loop {
            if let SwarmEvent::Behaviour(Heard::Opened { stream, peer, .. }) =
                swarm.select_next_some().await
            {
                break (stream, peer);
            }
        };
        let tasks = Tasks::new();
        let stop = tasks.stop();
        tasks.spawn("puppet", async move {
            loop {
                tokio::select! {
                    _ = swarm.select_next_some() => {}
                    () = stop.closing() => break,
                }
            }
        });
        Self {
            stream,
            ends: proof::Ends { dialer, listener },
            reader: FrameReader::default(),
            tasks,
        }
    }

    /// Connects and becomes the link of [`ROUTE`].
    async fn link(address: Multiaddr) -> Self {
        let mut puppet = Self::connect(address).await;
        proof::dial(&mut puppet.stream, &puppet.ends, &KEY)
            .await
            .unwrap();
        puppet.say(&Frame::Ping(1)).await;
        assert_eq!(puppet.hear().await, Some(Frame::Pong(1)));
        puppet
    }

    async fn say(&mut self, frame: &Frame) {
        let mut bytes = Vec::new();
        wire::encode(frame, &mut bytes).unwrap();
        self.say_bytes(&bytes).await;
    }

    async fn say_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next frame, or `None` at the end of the stream.
    async fn hear(&mut self) -> Option<Frame> {
        std::future::poll_fn(|cx| self.reader.poll_frame(cx, &mut self.stream))
            .await
            .ok()
    }

    /// Whether the other side hangs up instead of saying anything.
    async fn is_hung_up_on(&mut self) -> bool {
        !matches!(self.stream.read(&mut [0; 64]).await, Ok(n) if n > 0)
    }
}
