//! What every gRPC tool expects: health and reflection.

use super::{
    super::client::{Client, ClientError, reply},
    House,
};
use crate::model::ErrorCode;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::{v1, v1alpha};

async fn health(client: &Client, service: &str) -> Result<ServingStatus, ClientError> {
    let request = HealthCheckRequest {
        service: service.into(),
    };
    reply(HealthClient::new(client.channel()).check(request).await).map(|told| told.status())
}

#[tokio::test]
async fn another_user_is_denied_even_health() {
    let house = House::open(|settings| settings.uid += 1);
    let refused = health(&house.client().await, "")
        .await
        .expect_err("refused");
    assert_eq!(refused.code, ErrorCode::Denied);
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

/// The same in both versions of reflection, which differ in name only.
macro_rules! reflection_works {
    ($test:ident, $version:ident) => {
        #[tokio::test]
        async fn $test() {
            use $version::{
                server_reflection_request::MessageRequest as Asked,
                server_reflection_response::MessageResponse as Told,
            };
            let house = House::open(|_| ());
            let channel = house.client().await.channel();
            let ask = |request| $version::ServerReflectionRequest {
                host: String::new(),
                message_request: Some(request),
            };
            let asked = futures::stream::iter([
                ask(Asked::ListServices(String::new())),
                ask(Asked::FileContainingSymbol("msgd.v1.ErrorDetail".into())),
            ]);
            let mut told = reply(
                $version::server_reflection_client::ServerReflectionClient::new(channel)
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
            let Some(Told::ListServicesResponse(list)) = first else {
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
            assert_eq!(ours, 12, "{names:?}");
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
                matches!(second, Some(Told::FileDescriptorResponse(_))),
                "{second:?}"
            );
        }
    };
}

reflection_works!(reflection_lists_every_service_and_finds_a_message, v1);
reflection_works!(reflection_v1alpha_does_the_same_for_older_tools, v1alpha);
