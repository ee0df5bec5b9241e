//! The standard health service (`grpc.health.v1`): serving until the house begins to close.

use super::{Answer, answer};
use crate::{base::Stop, ipc::grpc::proto::DESCRIPTOR_SET};
use futures::stream::{self, BoxStream, StreamExt};
use prost::Message;
use std::{collections::BTreeSet, sync::Arc};
use tonic::{Request, Response, Status};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_server::Health,
};

/// Answers for the whole daemon (the empty name) and for each of its services, alike: they open
/// and close together.
///
/// `tonic_health` keeps its own table, whose watchers would outlive the stop; this one has none.
#[derive(Clone, Debug)]
pub(super) struct Reporter {
    known: Arc<BTreeSet<String>>,
    stop: Stop,
}

impl Reporter {
    pub(super) fn new(stop: Stop) -> Self {
        // The set is made by the build; an undecodable one leaves only the daemon itself known.
        let set = prost_types::FileDescriptorSet::decode(DESCRIPTOR_SET).unwrap_or_default();
        let services = set.file.iter().flat_map(|file| {
            let full = |service: &prost_types::ServiceDescriptorProto| {
                format!("{}.{}", file.package(), service.name())
            };
            file.service.iter().map(full)
        });
        let known = services.chain([String::new()]).collect();
        Self {
            known: Arc::new(known),
            stop,
        }
    }

    fn now(&self) -> HealthCheckResponse {
        say(if self.stop.is_closing() {
            ServingStatus::NotServing
        } else {
            ServingStatus::Serving
        })
    }
}

fn say(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

#[tonic::async_trait]
impl Health for Reporter {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Answer<HealthCheckResponse> {
        if self.known.contains(&request.get_ref().service) {
            answer(self.now())
        } else {
            Err(Status::not_found("no such service"))
        }
    }

    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Answer<Self::WatchStream> {
        let known = self.known.contains(&request.get_ref().service);
        let first = if known {
            self.now()
        } else {
            // The protocol wants a watcher of an unknown service to wait for it.
            say(ServingStatus::ServiceUnknown)
        };
        let stop = self.stop.clone();
        let last = stream::once(async move {
            stop.closing().await;
            say(ServingStatus::NotServing)
        });
        let told = stream::iter([first]).chain(last).map(Ok);
        Ok(Response::new(told.boxed()))
    }
}
