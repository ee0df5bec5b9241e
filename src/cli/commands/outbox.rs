//! `msgctl outbox`: messages that are on their way.

use crate::{
    cli::{
        context::{Context, ask, every_page},
        exit_code::Failure,
        view::{self, List},
    },
    ipc::grpc::proto::v1 as proto,
    model::limits::MAX_PAGE,
};
use clap::Subcommand;

/// Messages that are on their way.
#[derive(Debug, Subcommand)]
pub(crate) enum Outbox {
    /// List what is on its way
    Ls {
        /// Only to this contact: name, alias or id
        #[arg(default_value = "", hide_default_value = true)]
        contact: String,
    },
    /// Try now what waits; prints how many
    Retry {
        /// Only to this contact: name, alias or id
        #[arg(default_value = "", hide_default_value = true)]
        contact: String,
    },
    /// Take a message back, as long as nobody has it
    Cancel {
        /// Id of the message
        message: String,
    },
}

impl Outbox {
    pub(crate) async fn run(self, on: &mut Context) -> Result<(), Failure> {
        match self {
            Self::Ls { contact } => {
                let page = |page_token| proto::ListOutboxRequest {
                    contact: contact.clone(),
                    page_size: MAX_PAGE,
                    page_token,
                };
                let entries: List<view::OutboxEntry> =
                    every_page!(on, outbox.list_outbox(page).entries);
                on.output.show(&entries)
            }
            Self::Retry { contact } => {
                let request = proto::RetryOutboxRequest {
                    contact,
                    idempotency_key: on.key()?,
                };
                let retried = ask!(on, outbox.retry_outbox(request)).retried;
                on.output.show(&view::Retried { retried })
            }
            Self::Cancel { message } => super::msg::cancel(message, on).await,
        }
    }
}
