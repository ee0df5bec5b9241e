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

/// Mailboxes: those that others keep for this daemon, and those that it hosts
#[derive(Debug, Subcommand)]
pub(crate) enum Mailbox {
    /// Use a mailbox that somebody offered: parcels wait there while this machine is off
    Accept(Accept),
    /// List the mailboxes that are used
    Ls,
    /// Use a mailbox no longer, and have contacts told so
    Remove {
        /// Note or id of the mailbox
        mailbox: String,
    },
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

/// Use a mailbox that somebody offered.
#[derive(Args, Debug)]
pub(crate) struct Accept {
    /// The code that its host handed over, msgd:m1...
    code: String,
    /// Whose contacts are to leave parcels there, if there are several identities
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    identity: String,
    /// A note for yourself, such as who keeps it
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    note: String,
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
            Self::Accept(accept) => {
                let request = proto::AcceptMailboxRequest {
                    code: accept.code,
                    identity: accept.identity,
                    note: accept.note,
                    idempotency_key: on.key()?,
                };
                let used = ask!(on, mailboxes.accept_mailbox(request)).mailbox;
                on.output.show(&view::OwnMailbox::from(full(used)?))
            }
            Self::Ls => {
                let page = |page_token| proto::ListMailboxesRequest {
                    page_size: MAX_PAGE,
                    page_token,
                };
                let mailboxes: List<view::OwnMailbox> =
                    every_page!(on, mailboxes.list_mailboxes(page).mailboxes);
                on.output.show(&mailboxes)
            }
            Self::Remove { mailbox } => {
                let request = proto::RemoveMailboxRequest {
                    mailbox,
                    idempotency_key: on.key()?,
                };
                let id = ask!(on, mailboxes.remove_mailbox(request)).id;
                on.output.show(&view::RemovedMailbox { id })
            }
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
