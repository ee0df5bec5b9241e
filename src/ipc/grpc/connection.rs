//! One client's connection: who it is, whether it has a seat, and how it ends.

use super::listener::Listener;
use futures::{Stream, stream};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::UnixStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Sleep,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::Connected;

/// What a client has sent once it has said which protocol it speaks: the HTTP/2 preface and the
/// head of its SETTINGS (RFC 9113, 3.4).
const GREETING_BYTES: usize = 24 + 9;
/// Pause after a failed accept: without it, running out of file descriptors would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many may come, and how long they may take to say hello.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seats {
    /// Connections that are served.
    pub(super) served: usize,
    /// Connections beyond those that are told so; the rest are hung up on.
    pub(super) told: usize,
    /// Time for the greeting.
    pub(super) greeting: Duration,
}

/// Who is at the other end; found in each request's extensions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    /// By the kernel's word.
    pub(super) uid: Option<u32>,
    /// Whether it has a seat, or is to be told that there is none.
    pub(super) seated: bool,
}

/// A client's connection. Holds its place until dropped.
#[derive(Debug)]
pub(super) struct Connection {
    socket: UnixStream,
    peer: Peer,
    greeting: Option<Greeting>,
    cut: CancellationToken,
    cutting: Pin<Box<WaitForCancellationFutureOwned>>,
    _place: OwnedSemaphorePermit,
}

/// What is still missing of a client's greeting, and until when.
#[derive(Debug)]
struct Greeting {
    bytes: usize,
    until: Pin<Box<Sleep>>,
}

/// Every client that comes; ends never. `cut` ends all connections at once.
pub(super) fn incoming(
    listener: Listener,
    seats: Seats,
    cut: CancellationToken,
) -> impl Stream<Item = io::Result<Connection>> {
    let served = Arc::new(Semaphore::new(seats.served));
    let told = Arc::new(Semaphore::new(seats.told));
    stream::unfold(listener, move |listener| {
        let (served, told, cut) = (Arc::clone(&served), Arc::clone(&told), cut.clone());
        async move {
            loop {
                let socket = match listener.accept().await {
                    Ok(socket) => socket,
                    Err(error) => {
                        tracing::warn!(%error, "a client could not be let in");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                };
                let (seated, place) = match served.clone().try_acquire_owned() {
                    Ok(place) => (true, place),
                    Err(_) => match told.clone().try_acquire_owned() {
                        Ok(place) => (false, place),
                        Err(_) => continue,
                    },
                };
                let connection = Connection::new(socket, seated, place, seats.greeting, cut);
                return Some((Ok(connection), listener));
            }
        }
    })
}

impl Connection {
    fn new(
        socket: UnixStream,
        seated: bool,
        place: OwnedSemaphorePermit,
        greeting: Duration,
        cut: CancellationToken,
    ) -> Self {
        let uid = socket.peer_cred().ok().map(|peer| peer.uid());
        Self {
            socket,
            peer: Peer { uid, seated },
            greeting: Some(Greeting {
                bytes: GREETING_BYTES,
                until: Box::pin(tokio::time::sleep(greeting)),
            }),
            cutting: Box::pin(cut.clone().cancelled_owned()),
            cut,
            _place: place,
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.cut.is_cancelled() || self.cutting.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(cx, buf);
        if let Some(greeting) = self.greeting.as_mut() {
            let got = buf.filled().len().saturating_sub(before);
            greeting.bytes = greeting.bytes.saturating_sub(got);
            if greeting.bytes == 0 {
                self.greeting = None;
            } else if greeting.until.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        ready!(read)?;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.cut.is_cancelled() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.cut.is_cancelled() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
