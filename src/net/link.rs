//! A running link: one stream, frames both ways, and the question whether the peer lives.
//!
//! Written as one poll function instead of several tasks: nothing is allocated while it is
//! idle, and a frame passes without changing tasks.

use super::{
    event::{Event, LinkDownReason},
    frames::{FrameReader, ReadError},
    lever::Lever,
    liveness::{Liveness, Verdict, until},
};
use crate::{
    base::Clock,
    model::RouteId,
    wire::{self, Frame, MailboxFrame},
};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, future::BoxFuture};
use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::mpsc;
use tokio_util::sync::PollSender;

/// Frames are gathered into one write up to this many bytes.
const GATHER_BYTES: usize = 64 * 1024;
/// Above this many unwritten bytes nothing more is read, so that pongs cannot pile up.
const CHOKE_BYTES: usize = GATHER_BYTES + wire::MAX_BODY_LEN;
/// A write buffer larger than this is given back when it is empty.
const KEPT_BYTES: usize = 8 * 1024;
/// Frames handled before other links get their turn.
const TURN: usize = 64;
/// Time for the last words of a link.
const FAREWELL: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Link<S> {
    route: RouteId,
    stream: S,
    reader: FrameReader,
    out: Vec<u8>,
    written: usize,
    flushed: bool,
    queue: mpsc::Receiver<Frame>,
    lever: Arc<Lever>,
    events: PollSender<Event>,
    /// Events that wait for the reader: at most a frame and a `Writable`.
    rising: VecDeque<Event>,
    /// Whether the reader of events keeps us from reading.
    held_up: bool,
    alive: Liveness,
    clock: Clock,
    timer: Option<(u64, BoxFuture<'static, ()>)>,
    pings: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    pub(super) fn new(
        route: RouteId,
        stream: S,
        queue: mpsc::Receiver<Frame>,
        lever: Arc<Lever>,
        events: &mpsc::Sender<Event>,
        clock: &Clock,
        random: u64,
    ) -> Self {
        Self {
            route,
            stream,
            reader: FrameReader::default(),
            out: Vec::new(),
            written: 0,
            flushed: true,
            queue,
            lever,
            events: PollSender::new(events.clone()),
            rising: VecDeque::new(),
            held_up: false,
            alive: Liveness::new(clock.steady_ms(), random),
            clock: clock.clone(),
            timer: None,
            // A number that others cannot guess, so that only a real answer counts.
            pings: random,
        }
    }

    /// Begins: the dialing side speaks first, the other one has heard `first`.
    pub(super) async fn open(&mut self, first: Option<Frame>) {
        match first {
            None => {
                self.ping();
                // At once, whatever our own reader of events is doing: the peer waits for it.
                // An error shows again on the next write.
                let _ = self.stream.write_all(&self.out).await;
                let _ = self.stream.flush().await;
                self.lever.meter().gave(self.out.len());
                self.out.clear();
            }
            Some(frame) => {
                let now = self.clock.steady_ms();
                if let Err(reason) = self.take(frame, now) {
                    self.lever.end(reason);
                }
            }
        }
    }

    /// Runs until the link ends, and says why it did. `LinkUp` and `LinkDown` are the caller's.
    pub(super) async fn run(&mut self) -> LinkDownReason {
        let reason = std::future::poll_fn(|cx| self.poll(cx)).await;
        // From here on frames are refused with `NoLink`.
        self.queue.close();
        let ours = match reason {
            LinkDownReason::Rotated | LinkDownReason::Disconnected | LinkDownReason::Stopping => {
                true
            }
            LinkDownReason::Bye
            | LinkDownReason::NoAnswer
            | LinkDownReason::Closed
            | LinkDownReason::Broken
            | LinkDownReason::Replaced => false,
        };
        if ours {
            let clock = self.clock.clone();
            tokio::select! {
                () = self.say_goodbye() => {}
                () = clock.sleep(FAREWELL) => {}
            }
        }
        reason
    }

    /// Writes what is queued and a goodbye, then waits until the peer has hung up.
    async fn say_goodbye(&mut self) {
        while let Ok(frame) = self.queue.try_recv() {
            let _ = wire::encode(&frame, &mut self.out);
        }
        let _ = wire::encode(&Frame::Bye, &mut self.out);
        let rest = self.out.get(self.written..).unwrap_or_default();
        // If the peer is gone already there is nobody to say goodbye to.
        if self.stream.write_all(rest).await.is_err() || self.stream.flush().await.is_err() {
            return;
        }
        let mut dropped = [0; 1024];
        while matches!(self.stream.read(&mut dropped).await, Ok(n) if n > 0) {}
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<LinkDownReason> {
        self.lever.register(cx.waker());
        for _ in 0..TURN {
            if let Some(reason) = self.lever.ending() {
                return Poll::Ready(reason);
            }
            match self.step(cx) {
                Ok(true) => {}
                Ok(false) => return Poll::Pending,
                Err(reason) => return Poll::Ready(reason),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Does what can be done now; whether anything could.
    fn step(&mut self, cx: &mut Context<'_>) -> Result<bool, LinkDownReason> {
        let now = self.clock.steady_ms();
        if self.lever.take_doubt() && self.alive.doubt(now) == Verdict::Ping {
            self.ping();
        }
        let mut moved = self.poll_out(cx, now)?;
        moved |= self.poll_in(cx, now)?;
        moved |= self.poll_timer(cx, now)?;
        Ok(moved)
    }

    fn poll_out(&mut self, cx: &mut Context<'_>, now: u64) -> Result<bool, LinkDownReason> {
        let mut moved = false;
        while self.out.len() < GATHER_BYTES {
            match self.queue.poll_recv(cx) {
                Poll::Ready(Some(frame)) => {
                    if let Some(bytes) = expects_answer(&frame) {
                        self.alive.wrote_parcel(now, bytes);
                    }
                    self.put(&frame);
                    moved = true;
                }
                Poll::Ready(None) => return Err(LinkDownReason::Disconnected),
                Poll::Pending => break,
            }
        }
        if moved && self.lever.take_wants_room() {
            self.rising.push_back(Event::Writable { route: self.route });
        }
        while let Some(rest @ [_, ..]) = self.out.get(self.written..) {
            match Pin::new(&mut self.stream).poll_write(cx, rest) {
                Poll::Ready(Ok(0) | Err(_)) => return Err(LinkDownReason::Closed),
                Poll::Ready(Ok(count)) => {
                    self.written += count;
                    self.lever.meter().gave(count);
                    self.flushed = false;
                    moved = true;
                }
                Poll::Pending => return Ok(moved),
            }
        }
        if self.written > 0 {
            self.written = 0;
            self.out.clear();
            if self.out.capacity() > KEPT_BYTES {
                self.out = Vec::new();
            }
        }
        if !self.flushed {
            match Pin::new(&mut self.stream).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.flushed = true,
                Poll::Ready(Err(_)) => return Err(LinkDownReason::Closed),
                Poll::Pending => {}
            }
        }
        Ok(moved)
    }

    fn poll_in(&mut self, cx: &mut Context<'_>, now: u64) -> Result<bool, LinkDownReason> {
        let mut moved = false;
        while !self.rising.is_empty() {
            match self.events.poll_reserve(cx) {
                Poll::Ready(Ok(())) => {
                    if let Some(event) = self.rising.pop_front() {
                        let _ = self.events.send_item(event);
                    }
                    moved = true;
                }
                Poll::Ready(Err(_)) => return Err(LinkDownReason::Stopping),
                Poll::Pending => {
                    self.held_up = true;
                    return Ok(moved);
                }
            }
        }
        if std::mem::take(&mut self.held_up) {
            // We have not listened for a while: the peer's silence was ours.
            self.alive.heard(now);
        }
        if self.out.len() - self.written > CHOKE_BYTES {
            return Ok(moved);
        }
        let read = self.reader.poll_frame(cx, &mut self.stream);
        let heard = self.reader.take_heard();
        if heard > 0 {
            self.lever.meter().took(heard);
            self.alive.heard(now);
        }
        match read {
            Poll::Pending => Ok(moved),
            Poll::Ready(Err(ReadError::Closed)) => Err(LinkDownReason::Closed),
            Poll::Ready(Err(ReadError::Broken)) => Err(LinkDownReason::Broken),
            Poll::Ready(Ok(frame)) => {
                self.take(frame, now)?;
                Ok(true)
            }
        }
    }

    fn take(&mut self, frame: Frame, now: u64) -> Result<(), LinkDownReason> {
        match frame {
            Frame::Ping(number) => self.put(&Frame::Pong(number)),
            Frame::Pong(number) if number == self.pings => self.alive.pong(now),
            Frame::Pong(_) => {}
            Frame::Bye => return Err(LinkDownReason::Bye),
            frame @ (Frame::Parcel(_)
            | Frame::Custody(_)
            | Frame::Window { .. }
            | Frame::Bundle(_)
            | Frame::BundleRequest
            | Frame::Mailbox(_)) => {
                match &frame {
                    Frame::Custody(tags) => self.alive.answered(now, tags.len()),
                    Frame::Mailbox(MailboxFrame::PutOk(_) | MailboxFrame::PutNo(_)) => {
                        self.alive.answered(now, 1);
                    }
                    _ => {}
                }
                let route = self.route;
                self.rising.push_back(Event::Frame { route, frame });
            }
        }
        Ok(())
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>, now: u64) -> Result<bool, LinkDownReason> {
        if self.held_up {
            return Ok(false);
        }
        match self.alive.check(now) {
            Verdict::Dead => return Err(LinkDownReason::NoAnswer),
            Verdict::Ping => {
                self.ping();
                return Ok(true);
            }
            Verdict::Nothing => {}
        }
        let due = self.alive.due();
        // An alarm that is set too early costs one wake-up; setting it anew for every frame
        // would cost more.
        let (_, alarm) = match &mut self.timer {
            Some(timer) if timer.0 <= due => timer,
            timer => {
                let clock = self.clock.clone();
                let span = until(due, now);
                timer.insert((due, Box::pin(async move { clock.sleep(span).await })))
            }
        };
        if alarm.as_mut().poll(cx).is_ready() {
            self.timer = None;
            return Ok(true);
        }
        Ok(false)
    }

    fn ping(&mut self) {
        self.pings = self.pings.wrapping_add(1);
        self.put(&Frame::Ping(self.pings));
    }

    fn put(&mut self, frame: &Frame) {
        // A frame that cannot be encoded was refused when it was queued.
        let _ = wire::encode(frame, &mut self.out);
    }
}

/// How many bytes of a parcel `frame` carries, if its arrival is worth asking about.
fn expects_answer(frame: &Frame) -> Option<usize> {
    match frame {
        Frame::Parcel(bytes)
        | Frame::Mailbox(MailboxFrame::Put(bytes) | MailboxFrame::Fetched(bytes)) => {
            Some(bytes.len())
        }
        _ => None,
    }
}
