//! `msgctl contact`: people you write to.

use crate::{
    cli::{
        context::{Context, ask, every_page, full},
        exit_code::Failure,
        input,
        view::{self, List},
    },
    ipc::grpc::{
        client::{EventStream, reply},
        proto::v1::{
            self as proto, EventType, FailureReason, RequestState, subscribe_request::Since,
        },
    },
    model::{ErrorCode, limits::MAX_PAGE},
};
use clap::Subcommand;
use std::time::Duration;

/// How long a new request is watched for what becomes of it at once.
const LEARNT_WITHIN: Duration = Duration::from_millis(1_500);

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
                let news = news(on).await;
                let answer = ask!(on, contacts.add_contact(request));
                return asked(full(answer.request)?, news, on).await;
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

/// What happens to requests from now on. Without it a new one is merely not watched.
async fn news(on: &mut Context) -> Option<EventStream> {
    let request = proto::SubscribeRequest {
        since: Some(Since::Now(proto::subscribe_request::Now {})),
        types: vec![EventType::Request.into()],
        follow: true,
    };
    let client = on.client().await.ok()?;
    client.subscribe(request).await.ok()
}

/// Shows the request as it stands once they have it, or have had a moment to get it. It is made:
/// what goes wrong while it is watched says nothing of it.
async fn asked(
    mut request: proto::ContactRequest,
    news: Option<EventStream>,
    on: &mut Context,
) -> Result<(), Failure> {
    let (clock, client) = (on.clock.clone(), on.client().await);
    if let (Some(mut news), Ok(client)) = (news, client) {
        let looked = async |request: String| {
            news.next().await.ok()??;
            let again = proto::GetRequestRequest { request };
            reply(client.requests().get_request(again).await)
                .ok()?
                .request
        };
        tokio::select! {
            () = watch(&mut request, looked) => {}
            () = clock.sleep(LEARNT_WITHIN) => {}
        }
    }
    let outcome = outcome(&request);
    on.output.show(&view::Request::from(request))?;
    on.output.remark(outcome?);
    Ok(())
}

/// Keeps `request` as it is after each piece of news, until there is something to tell of it or
/// no more news.
async fn watch(
    request: &mut proto::ContactRequest,
    mut looked: impl AsyncFnMut(String) -> Option<proto::ContactRequest>,
) {
    while request.state() == RequestState::Pending && request.failure() != FailureReason::NotThem {
        match looked(request.id.clone()).await {
            Some(now) => *request = now,
            None => return,
        }
    }
}

/// What to tell of a request that was just made.
fn outcome(request: &proto::ContactRequest) -> Result<&'static str, Failure> {
    let failed = |text: &str| {
        let id = &request.id;
        let advice = format!("ask for another (msgctl request decline {id} gives this one up)");
        Err(Failure::new(ErrorCode::Failed, format!("{text} {advice}")))
    };
    match (request.state(), request.failure()) {
        (RequestState::Accepted, _) => Ok("you are contacts now."),
        (RequestState::Expired, _) => failed("the invite has expired."),
        (RequestState::Pending, FailureReason::NotThem) => failed(
            "somebody answers at the invite's address who does not know it: it was used before, \
             withdrawn or has expired.",
        ),
        (RequestState::Pending, FailureReason::Unspecified) => {
            Ok("asked. it goes on by itself until they answer or the invite ends.")
        }
        (RequestState::Pending, _) => Ok(
            "they cannot be reached just now. it is tried again until they answer or the \
             invite ends.",
        ),
        _ => Ok("they have the request. it goes on by itself until they answer."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invite_that_is_not_known_there_fails_and_a_silent_address_does_not() {
        let code = |state: RequestState, failure: FailureReason| {
            outcome(&request(state, failure)).map_or_else(|failure| failure.exit_code(), |_| 0)
        };
        let none = FailureReason::Unspecified;
        assert_eq!(code(RequestState::Pending, FailureReason::NotThem), 10);
        assert_eq!(code(RequestState::Expired, none), 10);
        assert_eq!(code(RequestState::Pending, FailureReason::Unreachable), 0);
        assert_eq!(code(RequestState::Pending, none), 0);
        assert_eq!(code(RequestState::Sent, FailureReason::NotThem), 0);
        assert_eq!(code(RequestState::Accepted, none), 0);
    }

    fn request(state: RequestState, failure: FailureReason) -> proto::ContactRequest {
        proto::ContactRequest {
            state: state.into(),
            failure: failure.into(),
            ..proto::ContactRequest::default()
        }
    }

    #[tokio::test]
    async fn a_request_is_watched_until_there_is_something_to_tell_or_no_more_news() {
        use FailureReason::{NotThem, Unreachable, Unspecified};
        use RequestState::{Pending, Sent};
        let watched = async |news: &[(RequestState, FailureReason)]| {
            let mut news = news.iter();
            let mut made = request(Pending, Unspecified);
            let looked = async |_| {
                news.next()
                    .map(|(state, failure)| request(*state, *failure))
            };
            watch(&mut made, looked).await;
            (made.state(), made.failure(), news.len())
        };
        let (unreachable, gone) = ((Pending, Unreachable), (Pending, NotThem));
        let told = watched(&[unreachable, gone, (Sent, Unspecified)]).await;
        assert_eq!(told, (Pending, NotThem, 1));
        let told = watched(&[(Pending, Unspecified), (Sent, Unspecified), gone]).await;
        assert_eq!(told, (Sent, Unspecified, 1));
        // The daemon went: the request is shown as it was known last.
        assert_eq!(watched(&[unreachable]).await, (Pending, Unreachable, 0));
        assert_eq!(watched(&[]).await, (Pending, Unspecified, 0));
    }
}
