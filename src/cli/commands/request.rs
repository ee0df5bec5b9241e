//! `msgctl request`: requests to become a contact.

use crate::{
    cli::{
        context::{Context, ask, every_page, full},
        exit_code::Failure,
        view::{self, List},
    },
    ipc::grpc::proto::v1 as proto,
    model::limits::MAX_PAGE,
};
use clap::Subcommand;

/// Requests to become a contact.
#[derive(Debug, Subcommand)]
pub(crate) enum Request {
    /// List requests, the newest first
    Ls,
    /// Show a request
    Show {
        /// Name or id
        request: String,
    },
    /// Accept an incoming request: they become a contact
    Accept {
        /// Name or id
        request: String,
        /// What to call them here [default: what they call themselves]
        #[arg(
            long,
            value_name = "NAME",
            default_value = "",
            hide_default_value = true
        )]
        alias: String,
    },
    /// Decline an incoming request or withdraw an outgoing one; tells them nothing
    Decline {
        /// Name or id
        request: String,
    },
}

impl Request {
    pub(crate) async fn run(self, on: &mut Context) -> Result<(), Failure> {
        let idempotency_key = on.key()?;
        let request = match self {
            Self::Ls => {
                let page = |page_token| proto::ListRequestsRequest {
                    page_size: MAX_PAGE,
                    page_token,
                };
                let requests: List<view::Request> =
                    every_page!(on, requests.list_requests(page).requests);
                return on.output.show(&requests);
            }
            Self::Show { request } => {
                let request = proto::GetRequestRequest { request };
                ask!(on, requests.get_request(request)).request
            }
            Self::Accept { request, alias } => {
                let request = proto::AcceptRequestRequest {
                    request,
                    alias,
                    idempotency_key,
                };
                ask!(on, requests.accept_request(request)).request
            }
            Self::Decline { request } => {
                let request = proto::DeclineRequestRequest {
                    request,
                    idempotency_key,
                };
                ask!(on, requests.decline_request(request)).request
            }
        };
        on.output.show(&view::Request::from(full(request)?))
    }
}
