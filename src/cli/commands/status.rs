//! `msgctl status`: the daemon at a glance.

use crate::{
    cli::{
        context::{Context, ask, full},
        exit_code::Failure,
        view,
    },
    ipc::grpc::proto::v1 as proto,
};
use clap::Args;

/// The daemon at a glance.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Print this instead, with each {name} replaced by the JSON field of that name
    #[arg(long, value_name = "TEMPLATE", conflicts_with = "json")]
    format: Option<String>,
}

impl Status {
    pub(crate) async fn run(self, on: &mut Context) -> Result<(), Failure> {
        let status = ask!(on, daemon.get_status(proto::GetStatusRequest {})).status;
        let status = view::Status::from(full(status)?);
        match self.format {
            Some(template) => on.output.raw(&(status.fill(&template)? + "\n")),
            None => on.output.show(&status),
        }
    }
}
