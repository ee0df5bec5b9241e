//! The network, to look at.

use super::{
    Answer, answer, convert,
    proto::v1::{self, network_service_server::NetworkService},
    status::refuse,
};
use crate::service::Service;
use tonic::Request;

/// The adaptor.
pub(super) struct Network(pub(super) Service);

#[tonic::async_trait]
impl NetworkService for Network {
    async fn get_network(
        &self,
        request: Request<v1::GetNetworkRequest>,
    ) -> Answer<v1::GetNetworkResponse> {
        let scrub = request.into_inner().scrub;
        let done = self.0.get_network(scrub).await.map_err(refuse)?;
        answer(v1::GetNetworkResponse {
            network: Some(convert::network(done)),
        })
    }
}
