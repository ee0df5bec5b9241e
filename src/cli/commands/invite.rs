//! `msgctl invite`: links that let one person become a contact.

use crate::{
    cli::{
        context::{Context, ask, every_page, full},
        exit_code::Failure,
        qr, span,
        view::{self, List},
    },
    ipc::grpc::proto::v1 as proto,
    model::limits::{INVITE_TTL, MAX_PAGE},
};
use clap::{Args, Subcommand};
use std::{net::SocketAddr, time::Duration};

/// Make, list and withdraw invites; alone: make one.
#[derive(Debug, Args)]
pub(crate) struct Invite {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    create: Create,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make an invite for one person
    Create(Create),
    /// List invites
    Ls,
    /// Withdraw an open invite
    Revoke {
        /// Id of the invite
        invite: String,
    },
}

#[derive(Args, Debug, PartialEq)]
struct Create {
    /// Also draw the link as a QR code
    #[arg(long)]
    qr: bool,
    /// How long it can be used, from 1m to 90d
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = span::parse)]
    ttl: Duration,
    /// A note for yourself, such as for whom it is
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    note: String,
    /// Accept whoever uses it without asking: for links handed over in person
    #[arg(long)]
    auto_accept: bool,
    /// Put this address into the link instead of those the daemon listens on; may be repeated
    #[arg(long, value_name = "IP:PORT")]
    address: Vec<SocketAddr>,
    /// Which of your identities invites [default: the only one]
    #[arg(
        long = "as",
        value_name = "IDENTITY",
        default_value = "",
        hide_default_value = true
    )]
    identity: String,
}

/// What no flag at all means.
impl Default for Create {
    fn default() -> Self {
        Self {
            qr: false,
            ttl: INVITE_TTL,
            note: String::new(),
            auto_accept: false,
            address: Vec::new(),
            identity: String::new(),
        }
    }
}

impl Invite {
    /// The verb that is meant. Not left to clap, which would refuse global flags here, too.
    fn verb(self) -> Result<Verb, Failure> {
        match self.verb {
            None => Ok(Verb::Create(self.create)),
            Some(verb) if self.create == Create::default() => Ok(verb),
            Some(_) => Err(Failure::usage(
                "a flag of `invite create` stands before another verb. put it after `create`",
            )),
        }
    }

    pub(crate) async fn run(self, on: &mut Context) -> Result<(), Failure> {
        match self.verb()? {
            Verb::Create(it) => it.run(on).await,
            Verb::Ls => {
                let page = |page_token| proto::ListInvitesRequest {
                    page_size: MAX_PAGE,
                    page_token,
                };
                let invites: List<view::Invite> =
                    every_page!(on, invites.list_invites(page).invites);
                on.output.show(&invites)
            }
            Verb::Revoke { invite } => {
                let request = proto::RevokeInviteRequest {
                    invite,
                    idempotency_key: on.key()?,
                };
                let invite = ask!(on, invites.revoke_invite(request)).invite;
                on.output.show(&view::Invite::from(full(invite)?))
            }
        }
    }
}

impl Create {
    async fn run(self, on: &mut Context) -> Result<(), Failure> {
        let request = proto::CreateInviteRequest {
            identity: self.identity,
            ttl_ms: u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX),
            note: self.note,
            auto_accept: self.auto_accept,
            addresses: self.address.iter().map(SocketAddr::to_string).collect(),
            idempotency_key: on.key()?,
        };
        let made = view::CreatedInvite::from(ask!(on, invites.create_invite(request)));
        on.output.show(&made)?;
        let style = on.output.style();
        if self.qr && !style.json && !style.quiet {
            on.output.raw(&qr::draw(&made.qr_text)?)?;
        }
        on.output.remark(&made.advice());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{args::Cli, commands::Command};
    use clap::Parser;

    fn parse(line: &str) -> Result<Invite, clap::Error> {
        let words = std::iter::once("msgctl").chain(line.split(' '));
        Cli::try_parse_from(words).map(|cli| match cli.command {
            Command::Invite(invite) => invite,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn alone_it_makes_an_invite_for_a_week() {
        let verb = |line| parse(line).unwrap().verb().unwrap();
        let Verb::Create(create) = verb("invite") else {
            panic!("not create")
        };
        assert_eq!(create, Create::default());
        let flags = "invite --qr --ttl 2h --auto-accept --address 10.0.0.1:4 --address [::1]:5";
        let Verb::Create(create) = verb(flags) else {
            panic!("not create")
        };
        assert!(create.qr && create.auto_accept);
        assert_eq!(create.ttl.as_secs(), 7_200);
        assert_eq!(create.address.len(), 2);
        assert!(matches!(
            verb("invite create --qr"),
            Verb::Create(Create { qr: true, .. })
        ));
        assert!(matches!(verb("invite --json ls"), Verb::Ls));
    }

    #[test]
    fn its_flags_do_not_stray_to_other_verbs() {
        for wrong in ["invite ls --qr", "invite --ttl soon", "invite --address x"] {
            assert_eq!(parse(wrong).unwrap_err().exit_code(), 2, "{wrong}");
        }
        for wrong in ["invite --qr ls", "invite --ttl 1d create"] {
            let failure = parse(wrong).unwrap().verb().unwrap_err();
            assert_eq!(failure.exit_code(), 2, "{wrong}");
        }
    }
}
