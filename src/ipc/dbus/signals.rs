//! Events as signals: ids and states, never names or texts.

use super::{names, objects::Events, options::Extras, session::root};
use crate::model::{Event, EventKind};
use zbus::{Connection, Variant, object_server::SignalEmitter};

/// Emits the signal of `event`. What has a property needs none: `PropertiesChanged` tells it.
pub(super) async fn emit(connection: &Connection, event: &Event) -> zbus::Result<()> {
    let emitter = SignalEmitter::new(connection, root())?;
    let (to, seq, none) = (&emitter, event.seq, Extras::new());
    match event.kind {
        EventKind::MessageReceived {
            conversation,
            message,
        } => {
            let path = names::conversation(conversation).into_inner();
            Events::message_received(to, seq, &message.to_string(), path, none).await
        }
        EventKind::MessageQueued {
            conversation,
            message,
        } => {
            let path = names::conversation(conversation).into_inner();
            Events::message_queued(to, seq, &message.to_string(), path, none).await
        }
        EventKind::MessageState {
            conversation,
            message,
            state,
        } => {
            let path = names::conversation(conversation).into_inner();
            let extras = Extras::from([("conversation", Variant::from(path))]);
            let state = state.word();
            Events::message_state(to, seq, &message.to_string(), state, extras).await
        }
        EventKind::ContactAdded { contact } => {
            Events::contact_added(to, seq, names::contact(contact).into_inner(), none).await
        }
        EventKind::ContactChanged { contact } => {
            Events::contact_changed(to, seq, names::contact(contact).into_inner(), none).await
        }
        EventKind::RequestChanged { request } => {
            Events::request_changed(to, seq, names::request(request).into_inner(), none).await
        }
        EventKind::InviteChanged { invite } => {
            Events::invite_changed(to, seq, &invite.to_string(), none).await
        }
        EventKind::IdentityChanged { identity } => {
            Events::identity_changed(to, seq, names::identity(identity).into_inner(), none).await
        }
        EventKind::UnreadChanged { .. }
        | EventKind::PresenceChanged { .. }
        | EventKind::VaultChanged { .. }
        | EventKind::Gap { .. } => Ok(()),
    }
}

/// Emits the wake-up hint.
pub(super) async fn pending(connection: &Connection, seq: u64) -> zbus::Result<()> {
    let emitter = SignalEmitter::new(connection, root())?;
    Events::events_pending(&emitter, seq, Extras::new()).await
}
