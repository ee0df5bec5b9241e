//! The daemon itself.

use super::{
    Answer, answer, convert,
    proto::v1::{self, daemon_service_server::DaemonService},
    status::refuse,
};
use crate::service::Service;
use tonic::Request;

/// The adaptor.
pub(super) struct Daemon(pub(super) Service);

#[tonic::async_trait]
impl DaemonService for Daemon {
    async fn get_status(&self, _: Request<v1::GetStatusRequest>) -> Answer<v1::GetStatusResponse> {
        let done = self.0.get_status().await.map_err(refuse)?;
        answer(v1::GetStatusResponse {
            status: Some(convert::status(done)),
        })
    }

    async fn run_doctor(&self, _: Request<v1::RunDoctorRequest>) -> Answer<v1::RunDoctorResponse> {
        let done = self.0.run_doctor().await.map_err(refuse)?;
        answer(v1::RunDoctorResponse {
            findings: done.into_iter().map(convert::finding).collect(),
        })
    }

    async fn stop_daemon(
        &self,
        _: Request<v1::StopDaemonRequest>,
    ) -> Answer<v1::StopDaemonResponse> {
        self.0.stop_daemon().map_err(refuse)?;
        answer(v1::StopDaemonResponse {})
    }
}
