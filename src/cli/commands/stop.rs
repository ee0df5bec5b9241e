//! `msgctl stop`: the ordered end of the daemon.

use crate::{
    cli::{
        context::{Context, is_lost},
        exit_code::Failure,
        view::Done,
    },
    ipc::grpc::{client::reply, proto::v1 as proto},
};
use clap::Args;

/// Stop the daemon, in order
///
/// What was acknowledged stays, what is on its way goes on with the next start. Where systemd
/// holds the socket the next client starts the daemon again.
#[derive(Debug, Args)]
pub(crate) struct Stop {}

impl Stop {
    /// Asks once: to ask a daemon again that went away would start a new one where systemd holds
    /// the socket.
    pub(crate) async fn run(self, on: &mut Context) -> Result<(), Failure> {
        let client = on.client().await?;
        let asked = client
            .daemon()
            .stop_daemon(proto::StopDaemonRequest {})
            .await;
        match reply(asked) {
            // Going already, or gone before it answered.
            Err(error) if !is_lost(error.code) => Err(error.into()),
            Ok(_) | Err(_) => on.output.show(&Done {}),
        }
    }
}
