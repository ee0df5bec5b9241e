//! Puts the door together, opens it, and closes it in two stages.

use super::{
    connection::{self, Seats},
    contacts::Contacts,
    conversations::Conversations,
    daemon::Daemon,
    door::{Door, Gate, Open},
    events::Events,
    health::Reporter,
    identities::Identities,
    invites::Invites,
    listener::Listener,
    mailbox::Mailboxes,
    messages::Messages,
    metrics::{self, Metrics},
    network::Network,
    outbox::Outbox,
    proto::{
        DESCRIPTOR_SET,
        v1::{
            contact_service_server::ContactServiceServer,
            conversation_service_server::ConversationServiceServer,
            daemon_service_server::DaemonServiceServer, event_service_server::EventServiceServer,
            identity_service_server::IdentityServiceServer,
            invite_service_server::InviteServiceServer,
            mailbox_service_server::MailboxServiceServer,
            message_service_server::MessageServiceServer,
            network_service_server::NetworkServiceServer,
            outbox_service_server::OutboxServiceServer,
            request_service_server::RequestServiceServer, vault_service_server::VaultServiceServer,
        },
    },
    requests::Requests,
    vault::Vault,
};
use crate::{
    base::{Stop, Tasks, chain},
    model::limits::MAX_API_REQUEST_BYTES,
    service::Service,
};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::service::{Routes, RoutesBuilder};
use tonic_health::pb::health_server::HealthServer;
use tonic_reflection::server::Builder as Reflection;

/// What a client can meet here, in one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// The one user who is served.
    pub(super) uid: u32,
    /// How many clients, and how quickly they say hello.
    pub(super) seats: Seats,
    /// Calls at the same time on one connection; more wait in the client.
    pub(super) streams: u32,
    /// Largest set of headers.
    pub(super) header_bytes: u32,
    /// How long answers may take to be read in stage 2. Shorter than what [`Tasks::shut_down`]
    /// allows, so that the door ends by itself.
    pub(super) grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            uid: rustix::process::geteuid().as_raw(),
            seats: Seats {
                served: 64,
                told: 16,
                greeting: Duration::from_secs(5),
            },
            streams: 64,
            header_bytes: 16 * 1024,
            grace: Duration::from_secs(1),
        }
    }
}

/// Opens the door: serves `service` to this user's clients on `listener`, as the task `grpc`.
///
/// Stage 1 of the stop: no new connections (a socket that we put up is taken down), no new calls,
/// streams and waits end with `UNAVAILABLE`, health says `NOT_SERVING`; calls in flight finish.
/// Stage 2: every connection is cut a second later and the task returns.
pub fn serve(service: Service, listener: Listener, tasks: &Tasks) {
    let settings = Settings::default();
    let stop = tasks.stop();
    let gate = Gate {
        uid: settings.uid,
        tasks: tasks.clone(),
    };
    let mut routes = Routes::builder();
    add_rooms(&mut routes, &service, &gate);
    add_standards(&mut routes, &gate);
    let mut routes = routes.routes();
    add_metrics(&mut routes, service, gate);
    let listening = run(routes, listener, stop, settings);
    tasks.spawn("grpc", listening);
}

pub(super) async fn run(routes: Routes, listener: Listener, stop: Stop, settings: Settings) {
    let cut = CancellationToken::new();
    // Connections are tasks of tonic's: they end with this one, even if it is aborted.
    let _cut_at_last = cut.clone().drop_guard();
    let clients = connection::incoming(listener, settings.seats, cut.clone());
    let closing = stop.clone();
    let server = tonic::transport::Server::builder()
        .max_concurrent_streams(settings.streams)
        .http2_max_header_list_size(settings.header_bytes)
        // Scrapers speak HTTP/1.1.
        .accept_http1(true)
        .add_routes(routes)
        .serve_with_incoming_shutdown(clients, async move { closing.closing().await });
    let grace_over = async {
        stop.draining().await;
        tokio::time::sleep(settings.grace).await;
        tracing::debug!("gRPC connections are cut");
        cut.cancel();
        // The server returns once it has noticed.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = server => if let Err(error) = ended {
            tracing::error!(error = chain(&error), "the gRPC door fell shut");
        },
        () = grace_over => {}
    }
}

/// A generated server behind its door. Each server takes its limit by itself, so this cannot be
/// a function.
macro_rules! room {
    ($server:expr, $gate:expr, $when:expr) => {
        Door {
            inner: $server.max_decoding_message_size(MAX_API_REQUEST_BYTES),
            gate: $gate.clone(),
            when: $when,
        }
    };
}
#[cfg(test)]
pub(super) use room;

/// The rooms of the service.
fn add_rooms(routes: &mut RoutesBuilder, service: &Service, gate: &Gate) {
    macro_rules! add {
        ($($server:ident($adaptor:expr),)*) => {
            $(routes.add_service(room!($server::new($adaptor), gate, Open::UntilClosing));)*
        };
    }
    let with = || service.clone();
    let stop = || gate.tasks.stop();
    add! {
        DaemonServiceServer(Daemon(with())),
        VaultServiceServer(Vault(with())),
        IdentityServiceServer(Identities(with())),
        InviteServiceServer(Invites(with())),
        ContactServiceServer(Contacts(with())),
        RequestServiceServer(Requests(with())),
        ConversationServiceServer(Conversations(with())),
        MessageServiceServer(Messages(with(), stop())),
        OutboxServiceServer(Outbox(with())),
        MailboxServiceServer(Mailboxes(with())),
        NetworkServiceServer(Network(with())),
        EventServiceServer(Events(with(), stop())),
    }
}

/// What scrapers ask for, who speak no gRPC.
pub(super) fn add_metrics(routes: &mut Routes, service: Service, gate: Gate) {
    let router = std::mem::take(routes.axum_router_mut());
    let metrics = Metrics { service, gate };
    *routes.axum_router_mut() = router.route_service(metrics::PATH, metrics);
}

/// What every gRPC tool expects: health, and reflection in both versions in use.
pub(super) fn add_standards(routes: &mut RoutesBuilder, gate: &Gate) {
    let health = HealthServer::new(Reporter::new(gate.tasks.stop()));
    routes.add_service(room!(health, gate, Open::ToTheEnd));
    let reflection = || {
        Reflection::configure()
            .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    match (reflection().build_v1(), reflection().build_v1alpha()) {
        (Ok(v1), Ok(v1alpha)) => {
            routes.add_service(room!(v1, gate, Open::UntilClosing));
            routes.add_service(room!(v1alpha, gate, Open::UntilClosing));
        }
        // The description is made by the build; without it everything else still works.
        (Err(error), _) | (_, Err(error)) => {
            tracing::error!(error = chain(&error), "gRPC reflection is off");
        }
    }
}
