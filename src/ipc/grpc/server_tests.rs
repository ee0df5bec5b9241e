//! The door under load, abuse and stop, with a stand-in behind it.

use super::{
    Answer, Listener, answer,
    client::{Client, ClientError, reply},
    door::{Door, Gate, Open},
    proto::v1::{
        self,
        message_service_server::{MessageService, MessageServiceServer},
    },
    server::{Settings, add_standards, room, run},
    status::refuse,
};
use crate::{
    base::Tasks,
    model::{ErrorCode, limits::MAX_API_REQUEST_BYTES},
    service::ServiceError,
};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    sync::Notify,
};
use tonic::{Request, service::Routes};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

/// Stands in for the messages' adaptor.
#[derive(Default)]
struct StandIn {
    started: Arc<Notify>,
    finish: Arc<Notify>,
}

#[tonic::async_trait]
impl MessageService for StandIn {
    async fn send_message(
        &self,
        request: Request<v1::SendMessageRequest>,
    ) -> Answer<v1::SendMessageResponse> {
        let text = request.into_inner().text;
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
        let _leaving = Leaving(Arc::clone(&self.finish));
        self.started.notify_one();
        std::future::pending().await
    }

    async fn wait_message(
        &self,
        _: Request<v1::WaitMessageRequest>,
    ) -> Answer<v1::WaitMessageResponse> {
        self.started.notify_one();
        self.finish.notified().await;
        answer(v1::WaitMessageResponse::default())
    }
}

/// Tells when a call that never finishes is dropped.
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
            stop: tasks.stop(),
        };
        let stand_in = StandIn::default();
        let (started, finish) = (Arc::clone(&stand_in.started), Arc::clone(&stand_in.finish));
        let mut routes = Routes::builder();
        let server = MessageServiceServer::new(stand_in);
        routes.add_service(room!(server, gate, Open::UntilClosing));
        add_standards(&mut routes, &gate);
        let listener = Listener::bind(&socket).expect("bound");
        tasks.spawn(
            "grpc",
            run(routes.routes(), listener, tasks.stop(), settings),
        );
        Self {
            _folder: folder,
            socket,
            tasks,
            started,
            finish,
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

async fn health(client: &Client, service: &str) -> Result<ServingStatus, ClientError> {
    let request = HealthCheckRequest {
        service: service.into(),
    };
    reply(HealthClient::new(client.channel()).check(request).await).map(|told| told.status())
}

#[tokio::test]
async fn a_call_is_answered_and_the_longest_message_fits() {
    let house = House::open(|_| ());
    let text = "x".repeat(crate::model::limits::MAX_TEXT_BYTES);
    let done = send(&house.client().await, text.clone())
        .await
        .expect("sent");
    assert_eq!(done.message.expect("a message").text, text);
}

#[tokio::test]
async fn an_error_arrives_as_the_service_said_it() {
    let house = House::open(|_| ());
    let call = house
        .client()
        .await
        .messages()
        .get_message(v1::GetMessageRequest::default())
        .await;
    let said = ClientError {
        code: ErrorCode::Ambiguous,
        subject: "message".into(),
        message: "two fit: say more".into(),
        candidates: vec!["ab01 Ada".into(), "ab02 Bob".into()],
    };
    assert_eq!(reply(call).expect_err("refused"), said);
}

#[tokio::test]
async fn an_oversized_request_is_refused_with_a_detail_and_the_connection_stays() {
    let house = House::open(|_| ());
    let client = house.client().await;
    let error = send(&client, "x".repeat(MAX_API_REQUEST_BYTES))
        .await
        .expect_err("refused");
    assert_eq!(
        (error.code, error.subject.as_str()),
        (ErrorCode::Limit, "request")
    );
    send(&client, "small".into()).await.expect("sent");
}

#[tokio::test]
async fn a_panic_is_the_error_of_its_call_alone() {
    let house = House::open(|_| ());
    let client = house.client().await;
    let call = client
        .messages()
        .list_messages(v1::ListMessagesRequest::default())
        .await;
    assert_eq!(reply(call).expect_err("failed").code, ErrorCode::Internal);
    send(&client, "on".into()).await.expect("sent");
}

#[tokio::test]
async fn another_user_is_denied_everything() {
    let house = House::open(|settings| settings.uid += 1);
    let client = house.client().await;
    assert_eq!(
        send(&client, "hi".into()).await.expect_err("refused").code,
        ErrorCode::Denied
    );
    assert_eq!(
        health(&client, "").await.expect_err("refused").code,
        ErrorCode::Denied
    );
}

#[tokio::test]
async fn a_client_too_many_is_told_and_the_next_is_hung_up_on() {
    let house = House::open(|settings| (settings.seats.served, settings.seats.told) = (1, 1));
    let first = house.client().await;
    send(&first, "hi".into()).await.expect("sent");
    let second = house.client().await;
    assert_eq!(
        send(&second, "hi".into()).await.expect_err("refused").code,
        ErrorCode::Limit
    );
    let mut third = UnixStream::connect(&house.socket).await.expect("connected");
    assert_eq!(third.read(&mut [0; 1]).await.expect("hung up"), 0);
    send(&first, "still here".into()).await.expect("sent");
}

#[tokio::test]
async fn a_seat_is_free_again_when_its_client_goes() {
    let house = House::open(|settings| (settings.seats.served, settings.seats.told) = (1, 1));
    for round in 0..20 {
        // The one before may still be on its way out: then this one is told so and comes again.
        while let Err(error) = send(&house.client().await, format!("{round}")).await {
            assert!(
                matches!(error.code, ErrorCode::Limit | ErrorCode::Unreachable),
                "{error:?}"
            );
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn who_does_not_say_hello_is_hung_up_on() {
    let house = House::open(|settings| settings.seats.greeting = Duration::from_millis(20));
    let mut silent = UnixStream::connect(&house.socket).await.expect("connected");
    let mut slow = UnixStream::connect(&house.socket).await.expect("connected");
    slow.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .expect("written");
    let mut heard = Vec::new();
    // Both end, however they end; a live connection would keep this from returning.
    let _ = silent.read_to_end(&mut heard).await;
    let _ = slow.read_to_end(&mut heard).await;
    let quick = house.client().await;
    send(&quick, "hello".into()).await.expect("sent");
}

#[tokio::test]
async fn health_serves_until_closing() {
    let house = House::open(|_| ());
    let client = house.client().await;
    for service in ["", "msgd.v1.MessageService", "msgd.v1.EventService"] {
        assert_eq!(
            health(&client, service).await.expect("told"),
            ServingStatus::Serving
        );
    }
    let unknown = health(&client, "msgd.v1.Teapot")
        .await
        .expect_err("unknown");
    assert_eq!(
        (unknown.code, unknown.subject.as_str()),
        (ErrorCode::NotFound, "request")
    );
    let request = HealthCheckRequest::default();
    let mut watch =
        reply(HealthClient::new(client.channel()).watch(request).await).expect("watching");
    let first = watch.message().await.expect("told").expect("a status");
    assert_eq!(first.status(), ServingStatus::Serving);
    house.tasks.close();
    let last = watch.message().await.expect("told").expect("a status");
    assert_eq!(last.status(), ServingStatus::NotServing);
    assert!(watch.message().await.expect("the end").is_none());
}

#[tokio::test]
async fn reflection_lists_every_service_and_finds_a_message() {
    let house = House::open(|_| ());
    let channel = house.client().await.channel();
    let ask = |request| ServerReflectionRequest {
        host: String::new(),
        message_request: Some(request),
    };
    let asked = futures::stream::iter([
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol(
            "msgd.v1.ErrorDetail".into(),
        )),
    ]);
    let mut told = reply(
        ServerReflectionClient::new(channel)
            .server_reflection_info(asked)
            .await,
    )
    .expect("answered");
    let first = told
        .message()
        .await
        .expect("told")
        .expect("a list")
        .message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = first else {
        panic!("no list: {first:?}");
    };
    let names: Vec<_> = list
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    let ours = names
        .iter()
        .filter(|name| name.starts_with("msgd.v1."))
        .count();
    assert_eq!(ours, 10, "{names:?}");
    assert!(
        names.contains(&"grpc.health.v1.Health".to_owned()),
        "{names:?}"
    );
    let second = told
        .message()
        .await
        .expect("told")
        .expect("a file")
        .message_response;
    assert!(
        matches!(second, Some(MessageResponse::FileDescriptorResponse(_))),
        "{second:?}"
    );
}

#[tokio::test]
async fn calls_in_flight_finish_and_nothing_new_begins_while_closing() {
    let house = House::open(|_| ());
    let client = house.client().await;
    let mut messages = client.messages();
    let mut waiting = Box::pin(messages.wait_message(v1::WaitMessageRequest::default()));
    tokio::select! {
        _ = &mut waiting => panic!("answered too early"),
        () = house.started.notified() => {}
    }
    house.tasks.close();
    let refused = send(&client, "late".into()).await.expect_err("refused");
    assert!(
        matches!(
            refused.code,
            ErrorCode::Unavailable | ErrorCode::Unreachable
        ),
        "{refused:?}"
    );
    house.finish.notify_one();
    reply(waiting.await).expect("finished");
    assert!(
        house
            .tasks
            .shut_down(Duration::from_secs(5))
            .await
            .is_empty()
    );
    assert!(!house.socket.exists());
    let gone = Client::connect(&house.socket)
        .await
        .expect_err("nobody is there");
    assert_eq!(gone.code, ErrorCode::Unreachable);
}

#[tokio::test]
async fn what_never_finishes_is_cut_when_the_grace_is_over() {
    let house = House::open(|settings| settings.grace = Duration::from_millis(10));
    let mut messages = house.client().await.messages();
    let mut endless = Box::pin(messages.explain_message(v1::ExplainMessageRequest::default()));
    tokio::select! {
        _ = &mut endless => panic!("answered"),
        () = house.started.notified() => {}
    }
    let (call, late) = tokio::join!(endless, house.tasks.shut_down(Duration::from_secs(5)));
    assert_eq!(reply(call).expect_err("cut").code, ErrorCode::Unreachable);
    assert!(late.is_empty(), "{late:?}");
    house.finish.notified().await;
}
