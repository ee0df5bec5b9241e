//! The table of commands. One file a noun; each parses its words and shows its answers.

mod completion;
mod consumer;
mod contact;
mod conversation;
mod doctor;
mod hook;
mod identity;
mod invite;
mod mailbox;
mod man;
mod msg;
mod net;
mod outbox;
#[cfg(test)]
mod parity;
mod request;
mod send;
mod status;
mod stop;
mod tail;
mod vault;

use super::{context::Context, exit_code::Failure};
use clap::Subcommand;

/// Every command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send a message
    Send(send::Send),
    /// Read a conversation's latest messages
    Read(conversation::Read),
    /// List conversations
    Ls(conversation::Ls),
    /// Tell what happens, or what happened
    Tail(tail::Tail),
    /// Named readers of `tail`, and how far they got
    #[command(subcommand)]
    Consumer(consumer::Consumer),
    /// Show, explain or take back a message
    #[command(subcommand)]
    Msg(msg::Msg),
    /// Messages that are on their way
    #[command(subcommand)]
    Outbox(outbox::Outbox),
    /// Make, list and withdraw invites; alone: make one
    Invite(invite::Invite),
    /// People you write to
    #[command(subcommand)]
    Contact(contact::Contact),
    /// Requests to become a contact
    #[command(subcommand)]
    Request(request::Request),
    /// Your own identities
    #[command(subcommand)]
    Identity(identity::Identity),
    /// Mailboxes: those that others keep for you, and those hosted here
    #[command(subcommand)]
    Mailbox(mailbox::Mailbox),
    /// What protects your data: make, unlock, lock
    #[command(subcommand)]
    Vault(vault::Vault),
    /// How the network looks from here: addresses, links and their paths, LAN, DHT, mailboxes
    Net(net::Net),
    /// The daemon at a glance
    Status(status::Status),
    /// Look at everything that commonly goes wrong
    Doctor(doctor::Doctor),
    /// Stop the daemon, in order
    Stop(stop::Stop),
    /// Print a completion script for a shell
    Completion(completion::Completion),
    /// Write the man pages into a folder
    #[command(hide = true)]
    Man(man::Man),
}

impl Command {
    /// Does what needs no daemon, or hands the command back.
    pub(crate) fn run_alone(
        self,
        output: &mut super::output::Output,
    ) -> Result<Option<Self>, Failure> {
        match self {
            Self::Completion(it) => it.run(output)?,
            Self::Man(it) => it.run()?,
            other => return Ok(Some(other)),
        }
        Ok(None)
    }

    /// Does it.
    pub(crate) async fn run(self, on: &mut Context) -> Result<(), Failure> {
        match self {
            Self::Send(it) => it.run(on).await,
            Self::Read(it) => it.run(on).await,
            Self::Ls(it) => it.run(on).await,
            Self::Tail(it) => it.run(on).await,
            Self::Consumer(it) => it.run(on).await,
            Self::Msg(it) => it.run(on).await,
            Self::Outbox(it) => it.run(on).await,
            Self::Invite(it) => it.run(on).await,
            Self::Contact(it) => it.run(on).await,
            Self::Request(it) => it.run(on).await,
            Self::Identity(it) => it.run(on).await,
            Self::Mailbox(it) => it.run(on).await,
            Self::Vault(it) => it.run(on).await,
            Self::Net(it) => it.run(on).await,
            Self::Status(it) => it.run(on).await,
            Self::Doctor(it) => it.run(on).await,
            Self::Stop(it) => it.run(on).await,
            Self::Completion(it) => it.run(&mut on.output),
            Self::Man(it) => it.run(),
        }
    }
}
