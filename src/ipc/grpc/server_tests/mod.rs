//! The door under load, abuse and stop, with a stand-in behind it.

mod abuse;
mod leaving;
mod scraping;
mod standards;
mod stop;

use super::{
    Answer, Listener, answer,
    client::{Client, ClientError, reply},
    door::{Door, Gate, Open},
    proto::v1::{
        self,
        message_service_server::{MessageService, MessageServiceServer},
    },
    server::{Settings, add_metrics, add_standards, room, run},
    status::refuse,
};
use crate::{
    base::Tasks,
    model::{ErrorCode, limits::MAX_API_REQUEST_BYTES},
    service::{Service, ServiceError},
};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::Notify;
use tonic::{Request, service::Routes};

/// Stands in for the messages' adaptor.
#[derive(Default)]
struct StandIn {
    started: Arc<Notify>,
    finish: Arc<Notify>,
    followed_up: Arc<Notify>,
}

/// A text that the stand-in takes its time for.
const SLOW: &str = "slow";

#[tonic::async_trait]
impl MessageService for StandIn {
    async fn send_message(
        &self,
        request: Request<v1::SendMessageRequest>,
    ) -> Answer<v1::SendMessageResponse> {
        let text = request.into_inner().text;
        if text == SLOW {
            self.started.notify_one();
            self.finish.notified().await;
            self.followed_up.notify_one();
        }
        let message = Some(v1::Message {
            text,
            ..Default::default()
        });
        answer(v1::SendMessageResponse { message })
    }

    async fn get_message(
        &self,
        _: Request<v1::GetMessageRequest>,
    ) -> Answer<v1::GetMessageResponse> {
        let mut error = ServiceError::new(ErrorCode::Ambiguous, "message", "two fit: say more");
        error.candidates = vec!["ab01 Ada".into(), "ab02 Bob".into()];
        Err(refuse(error))
    }

    async fn list_messages(
        &self,
        _: Request<v1::ListMessagesRequest>,
    ) -> Answer<v1::ListMessagesResponse> {
        panic!("a fault of the daemon")
    }

    async fn explain_message(
        &self,
        _: Request<v1::ExplainMessageRequest>,
    ) -> Answer<v1::ExplainMessageResponse> {
        let _leaving = Leaving(Arc::clone(&self.followed_up));
        self.started.notify_one();
        std::future::pending().await
    }

    async fn wait_message(
        &self,
        _: Request<v1::WaitMessageRequest>,
    ) -> Answer<v1::WaitMessageResponse> {
        let _leaving = Leaving(Arc::clone(&self.followed_up));
        self.started.notify_one();
        self.finish.notified().await;
        answer(v1::WaitMessageResponse::default())
    }
}

/// Tells when a call is over, also one that is dropped.
struct Leaving(Arc<Notify>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

struct House {
    _folder: tempfile::TempDir,
    socket: PathBuf,
    tasks: Tasks,
    started: Arc<Notify>,
    finish: Arc<Notify>,
    followed_up: Arc<Notify>,
}

impl House {
    fn open(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("run/msgd.sock");
        let tasks = Tasks::new();
        let mut settings = Settings::default();
        change(&mut settings);
        let gate = Gate {
            uid: settings.uid,
            tasks: tasks.clone(),
        };
        let stand_in = StandIn::default();
        let (started, finish) = (Arc::clone(&stand_in.started), Arc::clone(&stand_in.finish));
        let followed_up = Arc::clone(&stand_in.followed_up);
        let mut routes = Routes::builder();
        let server = MessageServiceServer::new(stand_in);
        routes.add_service(room!(server, gate, Open::UntilClosing));
        add_standards(&mut routes, &gate);
        let mut routes = routes.routes();
        add_metrics(&mut routes, Service::closed(), gate);
        let listener = Listener::bind(&socket).expect("bound");
        tasks.spawn("grpc", run(routes, listener, tasks.stop(), settings));
        Self {
            _folder: folder,
            socket,
            tasks,
            started,
            finish,
            followed_up,
        }
    }

    async fn client(&self) -> Client {
        Client::connect(&self.socket).await.expect("connected")
    }
}

async fn send(client: &Client, text: String) -> Result<v1::SendMessageResponse, ClientError> {
    let request = v1::SendMessageRequest {
        text,
        ..Default::default()
    };
    reply(client.messages().send_message(request).await)
}
