//! Cuts a stream of foreign bytes into frames; nothing is allocated before its size is checked.

use crate::wire::{self, Frame, FrameError, HEADER_LEN};
use futures::AsyncRead;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// A body buffer larger than this is given back once its frame is out.
const KEPT_BYTES: usize = 4 * 1024;

/// Why reading ended.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The stream is at its end or broken.
    Closed,
    /// Its bytes are no frames.
    Broken,
}

impl From<io::Error> for ReadError {
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}

impl From<FrameError> for ReadError {
    fn from(_: FrameError) -> Self {
        Self::Broken
    }
}

/// Reads frames; safe to drop a poll of at any time.
#[derive(Debug, Default)]
pub(super) struct FrameReader {
    header: [u8; HEADER_LEN],
    /// Bytes of the header that are there.
    header_have: usize,
    body: Vec<u8>,
    body_have: usize,
    /// Whether the header is whole and `body` has its announced length.
    in_body: bool,
    heard: usize,
}

impl FrameReader {
    /// How many bytes came in since the last call.
    pub(super) fn take_heard(&mut self) -> usize {
        std::mem::take(&mut self.heard)
    }

    /// The next whole frame.
    pub(super) fn poll_frame<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
    ) -> Poll<Result<Frame, ReadError>> {
        while !self.in_body {
            let missing = self.header.get_mut(self.header_have..).unwrap_or_default();
            let got = ready!(Pin::new(&mut *stream).poll_read(cx, missing))?;
            if got == 0 {
                return Poll::Ready(Err(ReadError::Closed));
            }
            self.heard += got;
            self.header_have += got;
            if self.header_have >= HEADER_LEN {
                let len = wire::body_len(&self.header)?;
                self.body.resize(len, 0);
                self.body_have = 0;
                self.in_body = true;
            }
        }
        while self.body_have < self.body.len() {
            let missing = self.body.get_mut(self.body_have..).unwrap_or_default();
            let got = ready!(Pin::new(&mut *stream).poll_read(cx, missing))?;
            if got == 0 {
                return Poll::Ready(Err(ReadError::Closed));
            }
            self.heard += got;
            self.body_have += got;
        }
        let frame = wire::decode(&self.header, &self.body)?;
        self.header_have = 0;
        self.in_body = false;
        self.body.clear();
        if self.body.capacity() > KEPT_BYTES {
            self.body = Vec::new();
        }
        Poll::Ready(Ok(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::MAX_BODY_LEN;
    use proptest::prelude::*;

    /// Gives its bytes in pieces of at most `step`, then the end.
    struct Pieces<'a>(&'a [u8], usize);

    impl AsyncRead for Pieces<'_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            out: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            let take = out.len().min(self.1).min(self.0.len());
            let (now, later) = self.0.split_at(take);
            out[..take].copy_from_slice(now);
            self.0 = later;
            Poll::Ready(Ok(take))
        }
    }

    fn read_all(bytes: &[u8], step: usize) -> (Vec<Frame>, ReadError) {
        let mut cx = Context::from_waker(futures::task::noop_waker_ref());
        let (mut reader, mut stream) = (FrameReader::default(), Pieces(bytes, step));
        let mut frames = Vec::new();
        loop {
            match reader.poll_frame(&mut cx, &mut stream) {
                Poll::Ready(Ok(frame)) => frames.push(frame),
                Poll::Ready(Err(error)) => {
                    assert!(reader.body.capacity() <= MAX_BODY_LEN);
                    return (frames, error);
                }
                Poll::Pending => unreachable!("the test stream never waits"),
            }
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_nor_allocate_above_the_limit(bytes: Vec<u8>, step in 1..64_usize) {
            let _ = read_all(&bytes, step);
        }

        #[test]
        fn frames_come_out_as_they_went_in_however_the_stream_is_cut(
            numbers in prop::collection::vec(any::<u64>(), 0..20),
            step in 1..5_000_usize,
        ) {
            let mut frames: Vec<_> = numbers.iter().map(|n| Frame::Ping(*n)).collect();
            frames.push(Frame::Parcel(vec![7; 4_096]));
            frames.push(Frame::Custody(vec![[9; 16]; 3]));
            frames.push(Frame::BundleRequest);
            let mut bytes = Vec::new();
            for frame in &frames {
                wire::encode(frame, &mut bytes).unwrap();
            }
            let (read, end) = read_all(&bytes, step);
            prop_assert_eq!(read, frames);
            prop_assert!(matches!(end, ReadError::Closed));
        }
    }

    #[test]
    fn an_unknown_type_ends_the_stream_before_anything_is_allocated() {
        let mut cx = Context::from_waker(futures::task::noop_waker_ref());
        let mut reader = FrameReader::default();
        let got = reader.poll_frame(&mut cx, &mut Pieces(&[0xff; 64], 64));
        assert!(matches!(got, Poll::Ready(Err(ReadError::Broken))));
        assert_eq!(reader.body.capacity(), 0);
    }

    #[test]
    fn a_large_body_is_given_back_after_its_frame() {
        let mut bytes = Vec::new();
        wire::encode(&Frame::Parcel(vec![1; 262_144]), &mut bytes).unwrap();
        let mut cx = Context::from_waker(futures::task::noop_waker_ref());
        let mut reader = FrameReader::default();
        let got = reader.poll_frame(&mut cx, &mut Pieces(&bytes, 9_999));
        assert!(matches!(got, Poll::Ready(Ok(Frame::Parcel(_)))));
        assert_eq!(reader.body.capacity(), 0);
    }
}
