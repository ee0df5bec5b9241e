//! How `msgctl` and the tests come in: one connection, a client for each service, errors from
//! the one table.
//!
//! ```no_run
//! # async fn example() -> Result<(), msgd::ipc::grpc::client::ClientError> {
//! use msgd::ipc::grpc::{client::{Client, reply}, proto::v1};
//! let client = Client::connect(std::path::Path::new("/run/user/1000/msgd/default/msgd.sock")).await?;
//! let status = reply(client.daemon().get_status(v1::GetStatusRequest {}).await)?.status;
//! # Ok(())
//! # }
//! ```

use super::proto::v1::{
    self, SubscribeRequest, SubscribeResponse, contact_service_client::ContactServiceClient,
    conversation_service_client::ConversationServiceClient,
    daemon_service_client::DaemonServiceClient, event_service_client::EventServiceClient,
    identity_service_client::IdentityServiceClient, invite_service_client::InviteServiceClient,
    mailbox_service_client::MailboxServiceClient, message_service_client::MessageServiceClient,
    network_service_client::NetworkServiceClient, outbox_service_client::OutboxServiceClient,
    request_service_client::RequestServiceClient, vault_service_client::VaultServiceClient,
};
use crate::{base::chain, model::ErrorCode};
use futures::future::BoxFuture;
use hyper_util::rt::TokioIo;
use std::{
    io,
    path::{Path, PathBuf},
    task::{Context, Poll},
    time::Duration,
};
use tokio::net::UnixStream;
use tonic::{
    Response, Status, Streaming,
    codegen::{Service, http::Uri},
    transport::{Channel, Endpoint},
};

pub use super::status::ClientError;

/// Longest wait for the socket. A daemon that is just being started takes the connection at once.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// A connection to the daemon; cheap to clone, and all clones share it.
#[derive(Clone, Debug)]
pub struct Client {
    channel: Channel,
}

impl Client {
    /// Connects to the daemon that listens on `socket`. Waits for no answer of the daemon's: that
    /// is up to the first call.
    ///
    /// # Errors
    /// [`ErrorCode::Unreachable`] if nobody listens there, [`ErrorCode::Denied`] if the one who
    /// does is another user.
    pub async fn connect(socket: &Path) -> Result<Self, ClientError> {
        let uid = rustix::process::geteuid().as_raw();
        Self::connect_to(socket, uid).await
    }

    async fn connect_to(socket: &Path, uid: u32) -> Result<Self, ClientError> {
        let connector = Connector {
            socket: socket.to_owned(),
            uid,
        };
        // The authority of a Unix socket has no meaning; this is what other clients send too.
        let channel = Endpoint::from_static("http://localhost")
            .connect_timeout(CONNECT_LIMIT)
            .connect_with_connector(connector)
            .await
            .map_err(|error| unreachable(socket, &error))?;
        Ok(Self { channel })
    }

    #[cfg(test)]
    pub(super) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Tells what happens, from wherever `request` says.
    ///
    /// # Errors
    /// What the daemon refuses.
    pub async fn subscribe(&self, request: SubscribeRequest) -> Result<EventStream, ClientError> {
        reply(self.events().subscribe(request).await).map(EventStream)
    }
}

macro_rules! rooms {
    ($($(#[$doc:meta])* $name:ident: $client:ident,)*) => {
        impl Client {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name(&self) -> $client<Channel> {
                // With the limit that every gRPC client has by default: each answer fits.
                $client::new(self.channel.clone())
            }
        )*}
    };
}

rooms! {
    /// The daemon itself.
    daemon: DaemonServiceClient,
    /// The vault.
    vault: VaultServiceClient,
    /// The user's own identities.
    identities: IdentityServiceClient,
    /// Invites.
    invites: InviteServiceClient,
    /// Contacts.
    contacts: ContactServiceClient,
    /// Contact requests.
    requests: RequestServiceClient,
    /// Conversations.
    conversations: ConversationServiceClient,
    /// Messages.
    messages: MessageServiceClient,
    /// Messages on their way.
    outbox: OutboxServiceClient,
    /// Mailboxes.
    mailboxes: MailboxServiceClient,
    /// The network, to look at.
    network: NetworkServiceClient,
    /// Events; see also [`Client::subscribe`].
    events: EventServiceClient,
}

/// What the daemon answered, or why it did not.
///
/// # Errors
/// The status, as the one table tells it.
pub fn reply<T>(answer: Result<Response<T>, Status>) -> Result<T, ClientError> {
    Ok(answer?.into_inner())
}

/// What happens, as the daemon tells it.
#[derive(Debug)]
pub struct EventStream(Streaming<SubscribeResponse>);

impl EventStream {
    /// The next item; `None` when the daemon has told everything that was asked for. Items of a
    /// later version's kinds are passed over.
    ///
    /// # Errors
    /// Why the stream broke off; [`ErrorCode::Unavailable`] when the daemon stops.
    pub async fn next(&mut self) -> Result<Option<v1::subscribe_response::Item>, ClientError> {
        while let Some(response) = self.0.message().await? {
            if let Some(item) = response.item {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }
}

/// Connects to the socket and looks who is there before a byte is said.
#[derive(Debug)]
struct Connector {
    socket: PathBuf,
    uid: u32,
}

impl Service<Uri> for Connector {
    type Response = TokioIo<UnixStream>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        let (socket, uid) = (self.socket.clone(), self.uid);
        Box::pin(async move {
            let stream = UnixStream::connect(socket).await?;
            if stream.peer_cred()?.uid() != uid {
                return Err(io::Error::other(Stranger));
            }
            Ok(TokioIo::new(stream))
        })
    }
}

/// The one who listens is another user.
#[derive(Debug, thiserror::Error)]
#[error("the socket belongs to another user")]
struct Stranger;

fn unreachable(socket: &Path, error: &tonic::transport::Error) -> ClientError {
    let error: &(dyn std::error::Error + 'static) = error;
    let found = std::iter::successors(Some(error), |error| error.source())
        .find_map(|error| error.downcast_ref::<io::Error>());
    let stranger = found.is_some_and(|error| error.get_ref().is_some_and(|e| e.is::<Stranger>()));
    let at = socket.display();
    let (code, message) = if stranger {
        let text = format!("another user listens on {at}: nothing was said to them");
        (ErrorCode::Denied, text)
    } else {
        let why = found.map_or_else(|| chain(error), ToString::to_string);
        let text = format!("the daemon cannot be reached on {at}: {why}");
        (ErrorCode::Unreachable, text)
    };
    ClientError {
        code,
        subject: String::new(),
        message,
        candidates: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::grpc::Listener;

    #[tokio::test]
    async fn a_missing_daemon_is_unreachable() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("none.sock");
        let error = Client::connect(&socket).await.expect_err("nobody is there");
        assert_eq!(error.code, ErrorCode::Unreachable);
        assert!(
            error.message.contains("none.sock: No such file"),
            "{}",
            error.message
        );
    }

    #[tokio::test]
    async fn another_users_daemon_gets_no_word() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("run/theirs.sock");
        let listener = Listener::bind(&socket).expect("bound");
        let stranger = rustix::process::geteuid().as_raw() + 1;
        let error = Client::connect_to(&socket, stranger)
            .await
            .expect_err("refused");
        assert_eq!(error.code, ErrorCode::Denied);
        let mut theirs = listener.accept().await.expect("a connection");
        let mut said = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut theirs, &mut said)
            .await
            .expect("closed");
        assert!(said.is_empty());
    }
}
