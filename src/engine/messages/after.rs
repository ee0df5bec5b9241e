//! What a batch sets off once it is durable.

use super::{
    MessageError,
    composer::{Reply, Sent, Tools},
};
use crate::{
    base::chain,
    crypto::DeviceCert,
    engine::outbox,
    model::{RouteId, Timestamp},
    store::{StoreError, Ticket},
};
use std::sync::Arc;

/// What to do once a batch is durable.
pub(super) enum After {
    Sent(Reply<Sent>, Result<Sent, MessageError>),
    Done(Reply<()>, Result<(), MessageError>),
    Outbox(outbox::Command),
    /// There are parcels for the mailboxes of this contact.
    Deposits(RouteId),
    /// A row that was kept back, whatever becomes of the batch.
    Release(RouteId, u64),
    /// The next message to this device may be near: half the work of sealing it can be done now.
    Wrap(Arc<DeviceCert>),
}

impl After {
    const fn is_answer(&self) -> bool {
        matches!(self, Self::Sent(..) | Self::Done(..))
    }

    const fn is_wrap(&self) -> bool {
        matches!(self, Self::Wrap(_))
    }
}

/// Persist, then speak.
pub(super) async fn finish(tools: &Tools, ticket: Result<Ticket, StoreError>, afters: Vec<After>) {
    let durable = match ticket {
        Ok(ticket) => ticket.durable().await.map(drop),
        Err(error) => Err(error),
    };
    if durable.is_ok() {
        tools.bus.announce();
    }
    let (answers, rest): (Vec<_>, Vec<_>) = afters.into_iter().partition(After::is_answer);
    let (wraps, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(After::is_wrap);
    if !answers.is_empty() {
        speak(tools, &durable, answers).await;
        // Handing parcels to links takes a while: callers hear first.
        tokio::task::yield_now().await;
    }
    speak(tools, &durable, rest).await;
    speak(tools, &durable, wraps).await;
}

async fn speak(tools: &Tools, durable: &Result<(), StoreError>, afters: Vec<After>) {
    for after in afters {
        // A caller who has gone away needs no answer.
        match (after, durable) {
            (After::Sent(reply, Ok(sent)), Ok(())) => drop(reply.send(Ok(sent))),
            (After::Sent(reply, Ok(_)), Err(error)) => {
                drop(reply.send(Err(MessageError::Store(error.clone()))))
            }
            (After::Sent(reply, Err(error)), _) => drop(reply.send(Err(error))),
            (After::Done(reply, Ok(())), Ok(())) => {
                let _ = reply.send(Ok(()));
            }
            (After::Done(reply, Ok(())), Err(error)) => {
                drop(reply.send(Err(MessageError::Store(error.clone()))))
            }
            (After::Done(reply, Err(error)), _) => drop(reply.send(Err(error))),
            (After::Outbox(command), Ok(())) => {
                let route = command.route();
                tools.outbox.tell(command).await;
                tools.bell.on_rows(route).await;
            }
            (After::Deposits(route), Ok(())) => tools.bell.on_deposits(route).await,
            (After::Release(route, number), _) => tools.outbox.release(route, number).await,
            (After::Outbox(outbox::Command::Transient { route, .. }), Err(_)) => {
                tools.outbox.give_up_receipt(route);
            }
            (After::Outbox(_) | After::Deposits(_), Err(_)) => {}
            (After::Wrap(device), _) => wrap(device, tools.bus.now()).await,
        }
    }
}

async fn wrap(device: Arc<DeviceCert>, now: Timestamp) {
    let work = tokio::task::spawn_blocking(move || device.wrap_ahead(now));
    match work.await {
        Ok(Ok(())) => {}
        // The next message says so to its author.
        Ok(Err(error)) => tracing::debug!(error = %chain(&error), "no key made ahead"),
        Err(_) => tracing::error!("making a key ahead panicked"),
    }
}
