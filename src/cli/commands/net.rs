//! `msgctl net`: how the network looks from here.

use crate::{
    cli::{
        context::{Context, ask, full},
        exit_code::Failure,
        view,
    },
    ipc::grpc::proto::v1 as proto,
};
use clap::Args;

/// How the network looks from here: addresses, links and their paths, LAN, DHT, mailboxes.
#[derive(Args, Debug)]
pub(crate) struct Net {
    /// Leave out everything that says who or where anybody is, as for a report of a fault
    #[arg(long)]
    scrub: bool,
}

impl Net {
    pub(crate) async fn run(self, on: &mut Context) -> Result<(), Failure> {
        let request = proto::GetNetworkRequest { scrub: self.scrub };
        let network = ask!(on, network.get_network(request)).network;
        on.output.show(&view::Network::from(full(network)?))
    }
}
