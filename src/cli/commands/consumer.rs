//! `msgctl consumer`: named readers of the event log.

use crate::{
    cli::{
        context::{Context, ask, every_page},
        exit_code::Failure,
        view::{self, Done, List},
    },
    ipc::grpc::proto::v1 as proto,
    model::limits::MAX_PAGE,
};
use clap::Subcommand;

/// Named readers of `tail`, and how far they got.
#[derive(Debug, Subcommand)]
pub(crate) enum Consumer {
    /// List named readers
    Ls,
    /// Forget a named reader; if it comes back it starts anew
    Rm {
        /// Its name
        consumer: String,
    },
}

impl Consumer {
    pub(crate) async fn run(self, on: &mut Context) -> Result<(), Failure> {
        match self {
            Self::Ls => {
                let page = |page_token| proto::ListConsumersRequest {
                    page_size: MAX_PAGE,
                    page_token,
                };
                let consumers: List<view::Consumer> =
                    every_page!(on, events.list_consumers(page).consumers);
                on.output.show(&consumers)
            }
            Self::Rm { consumer } => {
                let request = proto::RemoveConsumerRequest {
                    consumer,
                    idempotency_key: on.key()?,
                };
                ask!(on, events.remove_consumer(request));
                on.output.show(&Done {})
            }
        }
    }
}
