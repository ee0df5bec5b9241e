//! `msgctl mailbox`: parcels that wait with somebody whose machine is always on.

use crate::{
    cli::{
        context::{Context, ask, every_page, full},
        exit_code::Failure,
        view::{self, List},
    },
    ipc::grpc::proto::v1 as proto,
    model::limits::MAX_PAGE,
};
use clap::{Args, Subcommand};
use std::net::SocketAddr;

/// Mailboxes that this daemon hosts for others.
#[derive(Debug, Subcommand)]
pub(crate) enum Mailbox {
    /// Offer somebody a mailbox; prints the code for them
    Offer(Offer),
    /// List the mailboxes that are hosted here
    Hosted,
    /// End a mailbox that is hosted here, with all that waits in it
    Revoke {
        /// Name or id of the mailbox
        mailbox: String,
    },
    /// What is hosted here, all together
    Stat,
}

/// Offer somebody a mailbox.
#[derive(Args, Debug)]
pub(crate) struct Offer {
    /// What you call it, such as whose it is
    #[arg(default_value = "", hide_default_value = true)]
    name: String,
    /// Most MiB that may wait in it, 1 to 1024
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1024))]
    quota: u64,
    /// Put this address into the code instead of those the daemon listens on; may be repeated
    #[arg(long, value_name = "IP:PORT")]
    address: Vec<SocketAddr>,
}

impl Mailbox {
    pub(crate) async fn run(self, on: &mut Context) -> Result<(), Failure> {
        match self {
            Self::Offer(offer) => offer.run(on).await,
            Self::Hosted => {
                let page = |page_token| proto::ListHostedMailboxesRequest {
                    page_size: MAX_PAGE,
                    page_token,
                };
                let mailboxes: List<view::HostedMailbox> =
                    every_page!(on, mailboxes.list_hosted_mailboxes(page).mailboxes);
                on.output.show(&mailboxes)
            }
            Self::Revoke { mailbox } => {
                let request = proto::RevokeMailboxRequest {
                    mailbox,
                    idempotency_key: on.key()?,
                };
                let id = ask!(on, mailboxes.revoke_mailbox(request)).id;
                on.output.show(&view::RevokedMailbox { id })
            }
            Self::Stat => {
                let request = proto::GetMailboxHostStatusRequest {};
                let status = ask!(on, mailboxes.get_mailbox_host_status(request)).status;
                on.output
                    .show(&view::MailboxHostStatus::from(full(status)?))
            }
        }
    }
}

impl Offer {
    async fn run(self, on: &mut Context) -> Result<(), Failure> {
        let request = proto::OfferMailboxRequest {
            name: self.name,
            max_bytes: self.quota << 20,
            addresses: self.address.iter().map(SocketAddr::to_string).collect(),
            idempotency_key: on.key()?,
        };
        let made = view::OfferedMailbox::from(ask!(on, mailboxes.offer_mailbox(request)));
        on.output.show(&made)?;
        on.output.remark(view::OfferedMailbox::ADVICE);
        Ok(())
    }
}
