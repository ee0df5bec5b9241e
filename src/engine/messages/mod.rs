//! Writing: seals messages and everything else that goes to a contact.
//!
//! # Decisions
//! - One composer seals for the whole daemon. It is the only place that takes sequence numbers
//!   and tags, so no two parcels can ever share one, and what waits is sealed together and
//!   made durable by one flush.
//! - Sealing happens inside the store's transaction: what was sealed and what was counted are
//!   the same fact. A batch is small, so readers of incoming mail wait a few milliseconds at most.
//! - Once a batch is durable its callers are answered, with what was stored and no second
//!   reading, before its parcels are handed to links.
//! - Taking a message back leaves a hole in its author's numbering; a `Void` parcel fills it,
//!   or the reader would wait for it for ever.
//! - What the contact signs it cannot open is sealed anew, at most three times and an hour
//!   apart: the keys it was sealed to may be deleted by now, and new ones arrive by themselves.
//!   The record keeps what its payload was made from until it is finished, so the message
//!   keeps its id; if the bytes come out different, it has failed.
//! - A clock's word ends a message only if it is repeated an hour later (`expiry`). A `Void`
//!   never ends, and is sealed anew for as long as it takes.
//! - A command works in a step of its own within the batch's transaction: if it fails half
//!   way, nothing of it is left.
//! - After a message the session key of the next one is wrapped (`crypto::cert`), once the
//!   parcels are handed on. Only texts take it: nobody waits for a receipt.

mod after;
mod compose;
mod composer;
mod control;
mod deposit;
mod error;
mod expiry;
mod repair;
mod take_back;
#[cfg(test)]
mod tests;

pub(crate) use compose::context;
pub use error::MessageError;

use crate::{
    base::Tasks,
    engine::{
        event_bus::EventBus,
        identities::Identities,
        mailbox::{Announced, Bell},
        outbox::Outbox,
        vault::Vault,
    },
    model::{
        ContactId, ConversationId, DeliveryState, Direction, Fingerprint, Hlc, Message, MessageId,
        RouteId, Timestamp, limits,
    },
    protocol::Receipt,
    store::{Once, StoreError, Txn, messages, outbox, records::StoredMessage},
};
use composer::{Command, Composer, Tools};
use tokio::sync::{mpsc, oneshot};

/// What is shown of a message whose kind only a later version knows.
const NEEDS_NEWER: &str = "[this message needs a newer msgd]";

/// The handle.
#[derive(Clone)]
pub struct Messages {
    bus: EventBus,
    outbox: Outbox,
    commands: mpsc::Sender<Command>,
}

impl Messages {
    /// Starts the composer.
    #[must_use]
    pub fn spawn(
        bus: EventBus,
        vault: Vault,
        identities: Identities,
        outbox: Outbox,
        bell: Bell,
        tasks: &Tasks,
    ) -> Self {
        let (commands, inbox) = mpsc::channel(256);
        let tools = Tools::new(bus.clone(), identities, outbox.clone(), bell);
        let composer = Composer::new(tools, vault, inbox);
        tasks.spawn("composer", composer.run(tasks.stop()));
        Self {
            bus,
            outbox,
            commands,
        }
    }

    /// Seals `text` for `contact`. Returned means durable; the message is told as it was then.
    ///
    /// # Errors
    /// Empty or too long a text, a full outbox, no such or a blocked contact, locked, or what
    /// the store says.
    pub async fn send(
        &self,
        contact: ContactId,
        text: String,
        once: Once,
    ) -> Result<Message, MessageError> {
        if text.is_empty() {
            return Err(MessageError::Empty);
        }
        if text.len() > limits::MAX_TEXT_BYTES {
            return Err(MessageError::TooLong { bytes: text.len() });
        }
        let send = |reply| Command::Send {
            contact,
            text,
            once,
            reply,
        };
        let sent = self.ask(send).await?;
        sent.fresh.map_or_else(|| self.get(sent.message), Ok)
    }

    /// Takes a message back, as long as nobody has it.
    ///
    /// # Errors
    /// No such message, already under way or finished, locked, or what the store says.
    pub async fn cancel(&self, message: MessageId) -> Result<(), MessageError> {
        self.ask(|reply| Command::Cancel { message, reply }).await
    }

    /// Gives up everything on its way to `contact`, because the user blocked them.
    ///
    /// # Errors
    /// Locked, or what the store says.
    pub async fn give_up(&self, contact: ContactId) -> Result<(), MessageError> {
        self.ask(|reply| Command::GiveUp { contact, reply }).await
    }

    /// Tells `contact` what was received, over the link that is up now.
    pub(crate) async fn send_receipt(&self, contact: ContactId) {
        let _ = self.commands.send(Command::Receipt { contact }).await;
    }

    /// Tells `contact` our addresses and certificate where theirs are out of date.
    pub(crate) async fn send_update(
        &self,
        contact: ContactId,
        addresses: Vec<std::net::SocketAddr>,
    ) {
        let _ = self
            .commands
            .send(Command::Update { contact, addresses })
            .await;
    }

    /// Tells `contact` which numbers will never come.
    pub(crate) async fn void(&self, contact: ContactId, seqs: Vec<u64>) {
        // The composer is gone only when the daemon stops.
        let _ = self.commands.send(Command::Void { contact, seqs }).await;
    }

    /// Ends what the contact's receipt covers. Returns the places to tell
    /// [`refused`](Self::refused) of, once that is on disk.
    pub(crate) fn settle(
        &self,
        txn: &mut Txn,
        contact: ContactId,
        receipt: &Receipt,
    ) -> Result<Vec<(u32, u64)>, StoreError> {
        self.outbox.settle(txn, RouteId(contact.0), receipt)
    }

    /// Seals what waits for `contact`, who is away, for the contact's mailboxes.
    /// A receipt that is owed goes with it, or `alone`.
    pub(crate) async fn deposit(&self, contact: ContactId, alone: bool) {
        let command = Command::Deposit { contact, alone };
        let _ = self.commands.send(command).await;
    }

    /// Tells `contact` of tags at our mailboxes.
    pub(crate) async fn announce(&self, contact: ContactId, mailboxes: Vec<Announced>) {
        let command = Command::Announce { contact, mailboxes };
        let _ = self.commands.send(command).await;
    }

    /// The contact signed that it cannot open what came at these places.
    pub(crate) async fn refused(&self, contact: ContactId, places: Vec<(u32, u64)>) {
        let _ = self
            .commands
            .send(Command::Refused { contact, places })
            .await;
    }

    /// Lets messages whose time ran out end.
    pub(crate) async fn expire(&self, contacts: Vec<ContactId>) {
        for contact in contacts {
            let _ = self.commands.send(Command::Expire { contact }).await;
        }
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, MessageError>>) -> Command,
    ) -> Result<T, MessageError> {
        let (reply, answer) = oneshot::channel();
        self.commands
            .send(command(reply))
            .await
            .map_err(|_| MessageError::Stopped)?;
        answer.await.map_err(|_| MessageError::Stopped)?
    }

    /// One message, as it stands.
    ///
    /// # Errors
    /// No such message, locked, or what the store says.
    pub fn get(&self, id: MessageId) -> Result<Message, MessageError> {
        let read = self.bus.store().read();
        let place = messages::find(&read, &id)
            .map_err(MessageError::Store)?
            .ok_or(MessageError::NotFound)?;
        let conversation =
            ConversationId::from_slice(&place.conversation).ok_or(MessageError::Damaged)?;
        let stored = messages::get(&read, &conversation, place.index)
            .map_err(MessageError::Store)?
            .ok_or(MessageError::Damaged)?;
        self.complete(conversation, place.index, stored)
    }

    /// Where an outgoing message waits: its contact's route and its row there.
    ///
    /// # Errors
    /// No such message, locked, or what the store says.
    pub fn place(&self, id: MessageId) -> Result<Option<(RouteId, u64)>, MessageError> {
        let read = self.bus.store().read();
        let place = messages::find(&read, &id)
            .map_err(MessageError::Store)?
            .ok_or(MessageError::NotFound)?;
        let Some(route) = RouteId::from_slice(&place.contact) else {
            return Ok(None);
        };
        let row = outbox::get(&read, &route, place.outbox_row).map_err(MessageError::Store)?;
        Ok(row
            .filter(|row| row.message == id.0)
            .map(|_| (route, place.outbox_row)))
    }

    /// A conversation's messages before index `before`, the newest first: at most `max` of them,
    /// and no more text than fits on a page.
    ///
    /// # Errors
    /// Locked, or what the store says.
    pub fn page(
        &self,
        conversation: ConversationId,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<Message>, MessageError> {
        let read = self.bus.store().read();
        let bytes = limits::MAX_PAGE_TEXT_BYTES;
        let rows = messages::page(&read, &conversation, before, max, bytes)
            .map_err(MessageError::Store)?;
        rows.into_iter()
            .map(|(index, row)| self.complete(conversation, index, row))
            .collect()
    }

    /// The tries it took to deliver a finished message.
    ///
    /// # Errors
    /// No such message, locked, or what the store says.
    pub fn attempts(&self, id: MessageId) -> Result<Vec<crate::model::Attempt>, MessageError> {
        let read = self.bus.store().read();
        let place = messages::find(&read, &id)
            .map_err(MessageError::Store)?
            .ok_or(MessageError::NotFound)?;
        let conversation =
            ConversationId::from_slice(&place.conversation).ok_or(MessageError::Damaged)?;
        let stored = messages::get(&read, &conversation, place.index)
            .map_err(MessageError::Store)?
            .ok_or(MessageError::Damaged)?;
        Ok(crate::engine::outbox::attempts_since(
            &stored.attempts,
            i64::MIN,
        ))
    }

    /// Every message id that begins with `prefix` (hexadecimal), at most two: one is unique.
    ///
    /// # Errors
    /// Locked, or what the store says.
    pub fn with_prefix(
        &self,
        conversations: &[ConversationId],
        prefix: &str,
    ) -> Result<Vec<MessageId>, MessageError> {
        let read = self.bus.store().read();
        let mut found = Vec::new();
        for conversation in conversations {
            let mut before = None;
            loop {
                let bytes = limits::MAX_PAGE_TEXT_BYTES;
                let rows = messages::page(&read, conversation, before, 64, bytes)
                    .map_err(MessageError::Store)?;
                let Some((oldest, _)) = rows.last() else {
                    break;
                };
                before = Some(*oldest);
                for (_, row) in &rows {
                    let id = MessageId::from_slice(&row.id).ok_or(MessageError::Damaged)?;
                    if id.to_string().starts_with(prefix) {
                        found.push(id);
                        if found.len() > 1 {
                            return Ok(found);
                        }
                    }
                }
            }
        }
        Ok(found)
    }

    fn complete(
        &self,
        conversation: ConversationId,
        index: u64,
        row: StoredMessage,
    ) -> Result<Message, MessageError> {
        let mut message = from_record(conversation, index, row).ok_or(MessageError::Damaged)?;
        // While it is on its way, its row in the outbox knows best.
        if message.direction == Direction::Outgoing
            && !message.state.is_final()
            && let Some((route, number)) = self.place(message.id)?
            && let Some((entry, _)) = self
                .outbox
                .explain(route, number)
                .map_err(MessageError::Store)?
        {
            message.state = entry.state;
        }
        Ok(message)
    }
}

fn from_record(conversation: ConversationId, index: u64, row: StoredMessage) -> Option<Message> {
    Some(Message {
        id: MessageId::from_slice(&row.id)?,
        conversation,
        index,
        direction: if row.direction == 1 {
            Direction::Incoming
        } else {
            Direction::Outgoing
        },
        author_device: Fingerprint::from_slice(&row.author_device)?,
        author_seq: row.author_seq,
        hlc: Hlc(row.hlc),
        stored_at: Timestamp(row.stored_at),
        text: if row.kind == 0 {
            row.text
        } else {
            NEEDS_NEWER.to_owned()
        },
        state: DeliveryState::from_number(row.state)?,
        delivered_at: (row.delivered_at != 0).then_some(Timestamp(row.delivered_at)),
    })
}
