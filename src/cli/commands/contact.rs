//! `msgctl contact`: people you write to.

use crate::{
    cli::{
        context::{Context, ask, every_page, full},
        exit_code::Failure,
        input,
        view::{self, List},
    },
    ipc::grpc::proto::v1 as proto,
    model::limits::MAX_PAGE,
};
use clap::Subcommand;

/// People you write to.
#[derive(Debug, Subcommand)]
pub(crate) enum Contact {
    /// Use somebody's invite: asks them to become a contact
    Add {
        /// The invite, or `-` to read it from standard input, where no other program sees it
        #[arg(value_name = "LINK|-")]
        link: String,
        /// A few words for them, at most 280 bytes
        #[arg(
            long,
            value_name = "TEXT",
            default_value = "",
            hide_default_value = true
        )]
        greeting: String,
        /// What to call them here [default: what they call themselves]
        #[arg(
            long,
            value_name = "NAME",
            default_value = "",
            hide_default_value = true
        )]
        alias: String,
        /// Which of your identities asks [default: the only one]
        #[arg(
            long = "as",
            value_name = "IDENTITY",
            default_value = "",
            hide_default_value = true
        )]
        identity: String,
    },
    /// List contacts
    Ls,
    /// Show a contact
    Show {
        /// Name, alias or id
        contact: String,
    },
    /// Choose what a contact is called here
    Rename {
        /// Name, alias or id
        contact: String,
        /// The new alias; '' takes it back
        alias: String,
    },
    /// Delete the keys shared with a contact and refuse them from now on; tells them nothing
    Block {
        /// Name, alias or id
        contact: String,
    },
    /// Let a blocked contact use a new invite
    Unblock {
        /// Name, alias or id
        contact: String,
    },
    /// Record that you compared safety numbers and they were equal
    Verify {
        /// Name, alias or id
        contact: String,
        /// Take it back
        #[arg(long)]
        undo: bool,
    },
    /// Show the 60 digits to compare with what they see
    SafetyNumber {
        /// Name, alias or id
        contact: String,
    },
}

impl Contact {
    pub(crate) async fn run(self, on: &mut Context) -> Result<(), Failure> {
        let idempotency_key = on.key()?;
        let contact = match self {
            Self::Add {
                link,
                greeting,
                alias,
                identity,
            } => {
                let link = input::link(link)?;
                let request = proto::AddContactRequest {
                    identity,
                    link,
                    greeting,
                    alias,
                    idempotency_key,
                };
                let answer = ask!(on, contacts.add_contact(request));
                let request = view::Request::from(full(answer.request)?);
                on.output.show(&request)?;
                on.output
                    .remark("asked. it goes on by itself until they answer or the invite ends.");
                return Ok(());
            }
            Self::Ls => return ls(on).await,
            Self::SafetyNumber { contact } => {
                let request = proto::GetSafetyNumberRequest { contact };
                let answer = ask!(on, contacts.get_safety_number(request));
                return on.output.show(&view::SafetyNumber::from(answer));
            }
            Self::Show { contact } => {
                let request = proto::GetContactRequest { contact };
                ask!(on, contacts.get_contact(request)).contact
            }
            Self::Rename { contact, alias } => {
                let request = proto::RenameContactRequest {
                    contact,
                    alias,
                    idempotency_key,
                };
                ask!(on, contacts.rename_contact(request)).contact
            }
            Self::Block { contact } => {
                let request = proto::BlockContactRequest {
                    contact,
                    idempotency_key,
                };
                ask!(on, contacts.block_contact(request)).contact
            }
            Self::Unblock { contact } => {
                let request = proto::UnblockContactRequest {
                    contact,
                    idempotency_key,
                };
                ask!(on, contacts.unblock_contact(request)).contact
            }
            Self::Verify { contact, undo } => {
                let request = proto::VerifyContactRequest {
                    contact,
                    verified: !undo,
                    idempotency_key,
                };
                ask!(on, contacts.verify_contact(request)).contact
            }
        };
        on.output.show(&view::Contact::from(full(contact)?))
    }
}

async fn ls(on: &mut Context) -> Result<(), Failure> {
    let page = |page_token| proto::ListContactsRequest {
        page_size: MAX_PAGE,
        page_token,
    };
    let contacts: List<view::Contact> = every_page!(on, contacts.list_contacts(page).contacts);
    on.output.show(&contacts)
}
