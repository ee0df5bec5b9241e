//! What every command works with: where results go and how the daemon is asked.

use super::{exit_code::Failure, output::Output};
use crate::{
    base::Clock,
    ipc::grpc::client::{Client, ClientError},
    model::ErrorCode,
};
use std::{path::PathBuf, time::Duration};

/// How long a daemon that went away in the middle of a call is waited for.
const RETURN_LIMIT: Duration = Duration::from_secs(2);
/// How often it is looked for meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What a command works with.
pub(crate) struct Context {
    /// Where results go.
    pub(crate) output: Output,
    /// Time.
    pub(crate) clock: Clock,
    socket: PathBuf,
    client: Option<Client>,
}

/// Asks the daemon and gives its answer, or leaves the function with the failure:
/// `ask!(on, contacts.get_contact(request))`.
macro_rules! ask {
    ($on:expr, $service:ident.$call:ident($request:expr)) => {
        $on.ask($request, async |client, request| {
            $crate::ipc::grpc::client::reply(client.$service().$call(request).await)
        })
        .await?
    };
}

/// Asks for one page after the other and gives all rows: `every_page!(on,
/// contacts.list_contacts(page).contacts)`, where `page` makes the request from a page token.
macro_rules! every_page {
    ($on:expr, $service:ident.$call:ident($page:expr).$rows:ident) => {{
        let mut rows = Vec::new();
        let mut token = String::new();
        loop {
            let answer = $crate::cli::context::ask!($on, $service.$call($page(token)));
            rows.extend(answer.$rows.into_iter().map(Into::into));
            token = answer.next_page_token;
            if token.is_empty() {
                break $crate::cli::view::List(rows);
            }
        }
    }};
}

pub(crate) use {ask, every_page};

impl Context {
    /// For the daemon behind `socket`; connects when it is first asked.
    pub(crate) fn new(output: Output, clock: Clock, socket: PathBuf) -> Self {
        Self {
            output,
            clock,
            socket,
            client: None,
        }
    }

    /// A fresh idempotency key.
    pub(crate) fn key(&self) -> Result<String, Failure> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| {
            Failure::new(
                ErrorCode::Internal,
                format!("the system gives no random numbers ({error}). check /dev/urandom"),
            )
        })?;
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The connection, made if there is none.
    pub(crate) async fn client(&mut self) -> Result<Client, Failure> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let client = Client::connect(&self.socket).await?;
        self.client = Some(client.clone());
        Ok(client)
    }

    /// Gives up a connection that broke; the next call makes another.
    pub(crate) fn disconnect(&mut self) {
        self.client = None;
    }

    /// Asks the daemon. If it goes away in the middle and is back within two seconds, asks once
    /// more: every request that changes something carries its idempotency key or has the same
    /// effect when repeated, so nothing happens twice.
    pub(crate) async fn ask<R: Clone, T>(
        &mut self,
        request: R,
        call: impl AsyncFn(Client, R) -> Result<T, ClientError>,
    ) -> Result<T, Failure> {
        let client = self.client().await?;
        match call(client, request.clone()).await {
            Ok(answer) => Ok(answer),
            Err(error) if is_lost(error.code) => {
                self.disconnect();
                let Some(client) = self.wait_for_return().await else {
                    return Err(error.into());
                };
                Ok(call(client, request).await?)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn wait_for_return(&mut self) -> Option<Client> {
        let limit = u64::try_from(RETURN_LIMIT.as_millis()).unwrap_or(u64::MAX);
        let end = self.clock.steady_ms().saturating_add(limit);
        loop {
            self.clock.sleep(LOOK_EVERY).await;
            if let Ok(client) = self.client().await {
                return Some(client);
            }
            if self.clock.steady_ms() >= end {
                return None;
            }
        }
    }
}

/// Whether the daemon went away or is going.
pub(crate) fn is_lost(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::Unreachable | ErrorCode::Unavailable)
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::with_candidates(error.code, error.message, error.candidates)
    }
}

/// The thing that an answer must hold.
pub(crate) fn full<T>(thing: Option<T>) -> Result<T, Failure> {
    thing.ok_or_else(|| {
        Failure::new(
            ErrorCode::Internal,
            "the daemon's answer is empty. msgctl and msgd may be of different versions: restart msgd",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::TestClock,
        cli::output::{Style, tests::Kept},
    };
    use std::cell::RefCell;
    use tokio::net::UnixListener;

    fn context(socket: PathBuf, clock: Clock) -> Context {
        let kept = || Box::new(Kept::default());
        Context::new(Output::new(kept(), kept(), Style::default()), clock, socket)
    }

    fn gone() -> ClientError {
        ClientError {
            code: ErrorCode::Unreachable,
            subject: String::new(),
            message: "the connection was lost".into(),
            candidates: Vec::new(),
        }
    }

    #[tokio::test]
    async fn nobody_there_is_exit_code_3_and_says_how_to_start() {
        let dir = tempfile::tempdir().unwrap();
        let mut on = context(dir.path().join("none.sock"), Clock::system());
        let asked = on.ask((), async |_, ()| Ok(())).await.unwrap_err();
        assert_eq!(asked.exit_code(), 3);
        assert!(
            asked
                .to_string()
                .contains("systemctl --user start msgd, or run msgd")
        );
    }

    #[tokio::test]
    async fn a_call_is_repeated_once_and_with_the_same_key() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("msgd.sock");
        let _listener = UnixListener::bind(&socket).unwrap();
        let mut on = context(socket, Clock::system());
        let seen = RefCell::new(Vec::new());
        let key = on.key().unwrap();
        let asked = on
            .ask(key.clone(), async |_, key| {
                seen.borrow_mut().push(key);
                if seen.borrow().len() == 1 {
                    Err(gone())
                } else {
                    Ok(7)
                }
            })
            .await;
        assert_eq!(asked.unwrap(), 7);
        assert_eq!(*seen.borrow(), [key.clone(), key]);
        let always: Result<(), _> = on.ask((), async |_, ()| Err(gone())).await;
        assert_eq!(always.unwrap_err().exit_code(), 3);
    }

    #[tokio::test]
    async fn a_daemon_that_stays_away_is_given_up_after_two_seconds() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("msgd.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let hand = TestClock::at(0);
        let mut on = context(socket.clone(), hand.clock());
        on.client().await.unwrap();
        drop(listener);
        std::fs::remove_file(&socket).unwrap();
        let calls = RefCell::new(0);
        let mut asked = Box::pin(on.ask((), async |_, ()| -> Result<(), _> {
            *calls.borrow_mut() += 1;
            Err(gone())
        }));
        let ended = loop {
            match futures::poll!(&mut asked) {
                std::task::Poll::Ready(ended) => break ended,
                std::task::Poll::Pending => {
                    hand.advance(LOOK_EVERY);
                    tokio::task::yield_now().await;
                }
            }
        };
        assert_eq!(ended.unwrap_err().exit_code(), 3);
        drop(asked);
        assert_eq!(*calls.borrow(), 1);
        assert!(hand.clock().steady_ms() >= 2_000);
    }

    #[tokio::test]
    async fn a_refusal_is_not_repeated() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("msgd.sock");
        let _listener = UnixListener::bind(&socket).unwrap();
        let mut on = context(socket, Clock::system());
        let calls = RefCell::new(0);
        let asked: Result<(), _> = on
            .ask((), async |_, ()| {
                *calls.borrow_mut() += 1;
                Err(ClientError {
                    code: ErrorCode::Ambiguous,
                    candidates: vec!["0a1b alice".into()],
                    ..gone()
                })
            })
            .await;
        let failure = asked.unwrap_err();
        assert_eq!((failure.exit_code(), *calls.borrow()), (5, 1));
        assert!(failure.to_string().ends_with("\n  0a1b alice\n"));
    }

    #[test]
    fn keys_are_never_the_same() {
        let on = context(PathBuf::new(), Clock::system());
        let (one, other) = (on.key().unwrap(), on.key().unwrap());
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
    }

    #[test]
    fn an_empty_answer_is_a_fault_and_no_blank_result() {
        assert_eq!(full(None::<u8>).unwrap_err().exit_code(), 1);
    }
}
