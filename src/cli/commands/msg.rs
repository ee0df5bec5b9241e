//! `msgctl msg`: one message.

use crate::{
    cli::{
        context::{Context, ask, full},
        exit_code::Failure,
        view,
    },
    ipc::grpc::proto::v1 as proto,
};
use clap::Subcommand;

/// Show, explain or take back a message.
#[derive(Debug, Subcommand)]
pub(crate) enum Msg {
    /// Show a message
    Info {
        /// Id of the message
        message: String,
    },
    /// Tell where a message is, why it is not further, and every attempt
    Why {
        /// Id of the message
        message: String,
    },
    /// Take a message back, as long as nobody has it
    Cancel {
        /// Id of the message
        message: String,
    },
}

impl Msg {
    pub(crate) async fn run(self, on: &mut Context) -> Result<(), Failure> {
        match self {
            Self::Info { message } => {
                let request = proto::GetMessageRequest { message };
                let message = ask!(on, messages.get_message(request)).message;
                on.output.show(&view::Message::from(full(message)?))
            }
            Self::Why { message } => {
                let request = proto::ExplainMessageRequest { message };
                let answer = ask!(on, messages.explain_message(request));
                on.output.show(&view::Why::from(answer))
            }
            Self::Cancel { message } => cancel(message, on).await,
        }
    }
}

/// Takes a message back; also `msgctl outbox cancel`.
pub(crate) async fn cancel(message: String, on: &mut Context) -> Result<(), Failure> {
    let request = proto::CancelMessageRequest {
        message,
        idempotency_key: on.key()?,
    };
    let message = ask!(on, outbox.cancel_message(request)).message;
    on.output.show(&view::Message::from(full(message)?))
}
