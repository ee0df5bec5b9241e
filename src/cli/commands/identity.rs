//! `msgctl identity`: your own identities.

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

/// Your own identities.
#[derive(Debug, Subcommand)]
pub(crate) enum Identity {
    /// Make an identity
    Create {
        /// Its name, told to those you ask to become contacts
        name: String,
    },
    /// List identities
    Ls,
    /// Show an identity
    Show {
        /// Name or id [default: the only one]
        #[arg(default_value = "", hide_default_value = true)]
        identity: String,
    },
    /// Change the name that future requests tell
    Rename {
        /// Name or id
        identity: String,
        /// The new name
        name: String,
    },
}

impl Identity {
    pub(crate) async fn run(self, on: &mut Context) -> Result<(), Failure> {
        let idempotency_key = on.key()?;
        let identity = match self {
            Self::Ls => return ls(on).await,
            Self::Create { name } => {
                let request = proto::CreateIdentityRequest {
                    name,
                    idempotency_key,
                };
                ask!(on, identities.create_identity(request)).identity
            }
            Self::Show { identity } => {
                let request = proto::GetIdentityRequest { identity };
                ask!(on, identities.get_identity(request)).identity
            }
            Self::Rename { identity, name } => {
                let request = proto::RenameIdentityRequest {
                    identity,
                    name,
                    idempotency_key,
                };
                ask!(on, identities.rename_identity(request)).identity
            }
        };
        on.output.show(&view::Identity::from(full(identity)?))
    }
}

async fn ls(on: &mut Context) -> Result<(), Failure> {
    let page = |page_token| proto::ListIdentitiesRequest {
        page_size: MAX_PAGE,
        page_token,
    };
    let identities: List<view::Identity> =
        every_page!(on, identities.list_identities(page).identities);
    on.output.show(&identities)
}
