//! Stands before each gRPC service: who may enter, when, and how a refusal is worded.

use super::{
    connection::Peer,
    status::{explain, refuse, stopping},
};
use crate::{base::Tasks, model::ErrorCode, service::ServiceError};
use futures::{FutureExt, future::BoxFuture};
use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    task::{Context, Poll},
};
use tonic::{
    Status,
    body::Body,
    codegen::{Service, http},
    server::NamedService,
};

/// Calls that change nothing and may take as long as they please: they end with their client.
/// All others run to their end. A stream's call is over when the stream begins, and the stream
/// itself ends with its client.
pub(super) const WAITING: [&str; 1] = ["/msgd.v1.MessageService/WaitMessage"];

type Request = http::Request<Body>;
type Response = http::Response<Body>;

/// Who may enter, and whether anybody may.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    /// The one user who is served.
    pub(super) uid: u32,
    /// Knows whether the house is closing, and finishes what a client walks away from.
    pub(super) tasks: Tasks,
}

impl Gate {
    pub(super) fn admit<B>(
        &self,
        request: &http::Request<B>,
        when: Open,
    ) -> Result<(), ServiceError> {
        let refused = |code, text| Err(ServiceError::new(code, "daemon", text));
        let peer = request.extensions().get::<Peer>();
        let Some(peer) = peer.filter(|peer| peer.uid == Some(self.uid)) else {
            return refused(
                ErrorCode::Denied,
                "only the user who runs the daemon may talk to it",
            );
        };
        if !peer.seated {
            return refused(
                ErrorCode::Limit,
                "too many clients are connected: close some and try again",
            );
        }
        if when == Open::UntilClosing && self.tasks.stop().is_closing() {
            return Err(stopping());
        }
        Ok(())
    }
}

/// When a service is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Open {
    /// Until the house begins to close.
    UntilClosing,
    /// To the end: what tells whether the house is closing.
    ToTheEnd,
}

/// A gRPC service behind its gate.
#[derive(Clone, Debug)]
pub(super) struct Door<S> {
    pub(super) inner: S,
    pub(super) gate: Gate,
    pub(super) when: Open,
}

impl<S: NamedService> NamedService for Door<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request> for Door<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if let Err(error) = self.gate.admit(&request, self.when) {
            let response = refuse(error).into_http();
            return Box::pin(async { Ok(response) });
        }
        let waits = WAITING.contains(&request.uri().path());
        // A panic would only reset the stream: the client is told, the others never notice.
        let call = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        let call = async move {
            match call.await {
                Ok(Ok(response)) => with_detail(response),
                Ok(Err(never)) => match never {},
                Err(_panic) => {
                    let text = "the daemon failed in this call; its log says where";
                    refuse(ServiceError::new(ErrorCode::Internal, "daemon", text)).into_http()
                }
            }
        };
        if waits {
            return Box::pin(call.map(Ok));
        }
        // tonic drops the future of a client that goes, between any two steps of the call.
        let finished = self.gate.tasks.finish(call);
        Box::pin(async {
            let response = finished.await;
            Ok(response.unwrap_or_else(|| refuse(stopping()).into_http()))
        })
    }
}

/// Adds our detail to a refusal that has none: one that tonic made, such as for an oversized or
/// malformed request.
fn with_detail(response: Response) -> Response {
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() != tonic::Code::Ok && status.details().is_empty() => {
            explain(&status).into_http()
        }
        _ => response,
    }
}
