//! `GET /metrics` on the socket: figures in OpenMetrics text, for whatever scrapes them.
//!
//! ```sh
//! curl --unix-socket "$XDG_RUNTIME_DIR/msgd/default/msgd.sock" http://localhost/metrics
//! ```
//!
//! The format is OpenMetrics 1.0 (<https://prometheus.io/docs/specs/om/open_metrics_spec/>). The
//! gate is that of every other call.

use super::door::{Gate, Open};
use crate::{
    model::ErrorCode,
    service::{Metric, MetricKind, Service as Api, ServiceError, metrics},
};
use futures::future::BoxFuture;
use std::{
    convert::Infallible,
    fmt::Write,
    task::{Context, Poll},
};
use tonic::{
    body::Body,
    codegen::{
        Service,
        http::{self, Method, StatusCode, header},
    },
};

/// Where it is found.
pub(super) const PATH: &str = "/metrics";
const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The scrapers' way in.
#[derive(Clone)]
pub(super) struct Metrics {
    pub(super) service: Api,
    pub(super) gate: Gate,
}

impl<B> Service<http::Request<B>> for Metrics {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let admitted = self.gate.admit(&request, Open::UntilClosing);
        let reads = [Method::GET, Method::HEAD].contains(request.method());
        let service = self.service.clone();
        Box::pin(async move {
            if let Err(error) = admitted {
                return Ok(refusal(&error));
            }
            if !reads {
                let text = "only GET\n".to_owned();
                return Ok(response(StatusCode::METHOD_NOT_ALLOWED, "text/plain", text));
            }
            Ok(match metrics(&service).await {
                Ok(all) => response(StatusCode::OK, TYPE, text(&all)),
                Err(error) => refusal(&error),
            })
        })
    }
}

fn refusal(error: &ServiceError) -> http::Response<Body> {
    let status = match error.code {
        ErrorCode::Denied => StatusCode::FORBIDDEN,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    response(status, "text/plain", format!("{}\n", error.message))
}

fn response(status: StatusCode, kind: &'static str, text: String) -> http::Response<Body> {
    let mut response = http::Response::new(Body::new(text));
    *response.status_mut() = status;
    let kind = http::HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// `all` as OpenMetrics text. Names, words and help are the daemon's own: nothing in them needs
/// to be escaped.
fn text(all: &[Metric]) -> String {
    let mut text = String::new();
    for metric in all {
        let (kind, suffix) = match metric.kind {
            MetricKind::Counter => ("counter", "_total"),
            MetricKind::Gauge => ("gauge", ""),
            MetricKind::Info => ("info", "_info"),
        };
        let name = metric.name;
        // Writing to a string never fails.
        let _ = writeln!(text, "# TYPE {name} {kind}");
        if !metric.unit.is_empty() {
            let _ = writeln!(text, "# UNIT {name} {}", metric.unit);
        }
        let _ = writeln!(text, "# HELP {name} {}", metric.help);
        for sample in &metric.samples {
            let labels: Vec<String> = sample
                .labels
                .iter()
                .map(|(label, word)| format!("{label}=\"{word}\""))
                .collect();
            let labels = match labels.is_empty() {
                true => String::new(),
                false => format!("{{{}}}", labels.join(",")),
            };
            let _ = writeln!(text, "{name}{suffix}{labels} {}", sample.value);
        }
    }
    text + "# EOF\n"
}

#[cfg(test)]
mod tests;
