//! The first bytes on a link stream: each side proves that it holds the route's key.

use crate::{
    model::RouteId,
    wire::{PROOF_LEN, Role, link_proof, same_proof},
};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::PeerId;
use std::io;

/// Nonce and proof, as both sides send them.
const HELLO_LEN: usize = 2 * PROOF_LEN;
type Hello = [u8; HELLO_LEN];

/// One key that an incoming proof may be made with.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) route: RouteId,
    pub(super) key: [u8; 32],
    /// Whether the key is in many hands.
    pub(super) shared: bool,
}

/// Why a stream did not become a link.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProofError {
    #[error("the stream broke")]
    Stream(#[from] io::Error),
    #[error("the proof is wrong")]
    Wrong,
    #[error("no random bytes from the system")]
    Random(#[source] getrandom::Error),
}

/// The two ends of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) dialer: PeerId,
    pub(super) listener: PeerId,
}

impl Ends {
    fn proof(&self, key: &[u8; 32], role: Role<'_>, nonce: &[u8; PROOF_LEN]) -> [u8; PROOF_LEN] {
        let (dialer, listener) = (self.dialer.to_bytes(), self.listener.to_bytes());
        link_proof(key, role, &dialer, &listener, nonce)
    }
}

/// Proves ourselves to the one we dialled, and has it prove itself.
pub(super) async fn dial<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    ends: &Ends,
    key: &[u8; 32],
) -> Result<(), ProofError> {
    let nonce = fresh_nonce()?;
    let proof = ends.proof(key, Role::Dialer, &nonce);
    stream.write_all(&join(&nonce, &proof)).await?;
    stream.flush().await?;
    let mut answer = [0; HELLO_LEN];
    stream.read_exact(&mut answer).await?;
    let (theirs, proof) = split(&answer);
    let right = ends.proof(key, Role::Listener { nonce: &theirs }, &nonce);
    if same_proof(&right, &proof) {
        Ok(())
    } else {
        Err(ProofError::Wrong)
    }
}

/// Finds whose proof it is that the dialer sends, and answers with ours.
pub(super) async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    ends: &Ends,
    candidates: impl FnOnce() -> std::sync::Arc<[Candidate]>,
) -> Result<Candidate, ProofError> {
    let mut hello = [0; HELLO_LEN];
    stream.read_exact(&mut hello).await?;
    let (nonce, proof) = split(&hello);
    let ours = fresh_nonce()?;
    // Every candidate is tried whether or not one has matched: how long it takes says nothing
    // about whose proof it was.
    let mut found = None;
    for candidate in candidates().iter() {
        let right = ends.proof(&candidate.key, Role::Dialer, &nonce);
        if same_proof(&right, &proof) {
            let role = Role::Listener { nonce: &ours };
            found = Some((candidate.clone(), ends.proof(&candidate.key, role, &nonce)));
        }
    }
    let (candidate, proof) = found.ok_or(ProofError::Wrong)?;
    stream.write_all(&join(&ours, &proof)).await?;
    stream.flush().await?;
    Ok(candidate)
}

fn fresh_nonce() -> Result<[u8; PROOF_LEN], ProofError> {
    let mut nonce = [0; PROOF_LEN];
    getrandom::fill(&mut nonce).map_err(ProofError::Random)?;
    Ok(nonce)
}

fn join(nonce: &[u8; PROOF_LEN], proof: &[u8; PROOF_LEN]) -> Hello {
    let mut hello = [0; HELLO_LEN];
    let (first, second) = hello.split_at_mut(PROOF_LEN);
    first.copy_from_slice(nonce);
    second.copy_from_slice(proof);
    hello
}

fn split(hello: &Hello) -> ([u8; PROOF_LEN], [u8; PROOF_LEN]) {
    let (mut nonce, mut proof) = ([0; PROOF_LEN], [0; PROOF_LEN]);
    let (first, second) = hello.split_at(PROOF_LEN);
    nonce.copy_from_slice(first);
    proof.copy_from_slice(second);
    (nonce, proof)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{
        pin::Pin,
        task::{Context, Poll, ready},
    };
    use tokio::io::{AsyncRead as _, AsyncWrite as _, DuplexStream, ReadBuf};

    /// A pipe in memory that speaks the traits of the `futures` crate.
    struct Pipe(DuplexStream);

    impl AsyncRead for Pipe {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            out: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            let mut out = ReadBuf::new(out);
            ready!(Pin::new(&mut self.0).poll_read(cx, &mut out))?;
            Poll::Ready(Ok(out.filled().len()))
        }
    }

    impl AsyncWrite for Pipe {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(cx, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    }

    fn ends() -> Ends {
        Ends {
            dialer: PeerId::random(),
            listener: PeerId::random(),
        }
    }

    fn candidate(n: u8) -> Candidate {
        Candidate {
            route: RouteId([n; 16]),
            key: [n; 32],
            shared: false,
        }
    }

    async fn meet(at_dialer: Ends, at_listener: Ends, key: u8) -> (bool, Option<RouteId>) {
        let (near, far) = tokio::io::duplex(64);
        let (mut near, mut far) = (Pipe(near), Pipe(far));
        let dialer = async { dial(&mut near, &at_dialer, &[key; 32]).await.is_ok() };
        // A listener that finds nothing hangs up, which ends the dialer's wait.
        let listener = async move {
            let candidates = || (1..=3).map(candidate).collect();
            let found = answer(&mut far, &at_listener, candidates).await;
            found.ok().map(|candidate| candidate.route)
        };
        futures::join!(dialer, listener)
    }

    #[tokio::test]
    async fn the_listener_finds_the_route_and_both_are_content() {
        let ends = ends();
        assert_eq!(meet(ends, ends, 2).await, (true, Some(RouteId([2; 16]))));
    }

    #[tokio::test]
    async fn a_key_that_the_listener_does_not_know_proves_nothing() {
        let ends = ends();
        assert_eq!(meet(ends, ends, 9).await, (false, None));
    }

    #[tokio::test]
    async fn a_proof_passed_on_over_another_connection_is_worth_nothing() {
        let near = ends();
        let relayed = Ends {
            dialer: near.dialer,
            listener: PeerId::random(),
        };
        assert_eq!(meet(near, relayed, 2).await, (false, None));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_prove_nothing_and_never_panic(bytes: Vec<u8>) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let candidates = || (1..=3).map(candidate).collect();
                let mut stream = futures::io::Cursor::new(bytes.clone());
                assert!(answer(&mut stream, &ends(), candidates).await.is_err());
                let mut stream = futures::io::Cursor::new(bytes);
                assert!(dial(&mut stream, &ends(), &[1; 32]).await.is_err());
            });
        }
    }
}
