//! Messages.

use super::{IdempotencyKey, Result, Selector, Service, ServiceError, error, guard};
use crate::model::{
    Attempt, ContactId, ConversationId, DeliveryState, ErrorCode, EventType, Message, MessageId,
    OutboxEntry, Page, PageRequest,
};
use std::time::Duration;

/// What to send, and to whom.
#[derive(Clone, PartialEq, Eq)]
pub struct SendMessage {
    /// A contact or a conversation.
    pub to: Selector,
    /// 1 to 65536 bytes of UTF-8.
    pub text: String,
}

/// Everything that is known about a message's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageWhy {
    /// The message.
    pub message: Message,
    /// Its row in the outbox, while it is on its way.
    pub entry: Option<OutboxEntry>,
    /// The latest tries, oldest first; at most 32 are kept.
    pub attempts: Vec<Attempt>,
}

impl Service {
    /// Seals a message and puts it on disk. Returned means: it will be tried until it is
    /// delivered, cancelled or 30 days old.
    pub async fn send_message(&self, request: SendMessage, key: IdempotencyKey) -> Result<Message> {
        let contact = self.recipient(&request.to).await?;
        let rooms = self.open_rooms()?;
        let once = guard::once(
            rooms,
            "send_message",
            &key,
            &[&contact.0, request.text.as_bytes()],
        )?;
        let sent = rooms.messages.send(contact, request.text, once).await;
        sent.map_err(error::message)
    }

    /// One message.
    pub async fn get_message(&self, which: Selector) -> Result<Message> {
        let id = self.message_id(&which)?;
        self.open_rooms()?.messages.get(id).map_err(error::message)
    }

    /// A conversation's messages, the newest first.
    pub async fn list_messages(
        &self,
        conversation: Selector,
        page: PageRequest,
    ) -> Result<Page<Message>> {
        let conversation = self.get_conversation(conversation).await?;
        let before = match guard::position(&page.token)? {
            0 => None,
            index => Some(u64::try_from(index).unwrap_or(u64::MAX)),
        };
        let rows = self
            .open_rooms()?
            .messages
            .page(conversation.id, before, page.rows())
            .map_err(error::message)?;
        let next = rows.last().map_or(0, |oldest| oldest.index);
        let next = if next == 0 {
            String::new()
        } else {
            next.to_string()
        };
        Ok(Page { rows, next })
    }

    /// Where a message is and why it is not further.
    pub async fn explain_message(&self, which: Selector) -> Result<MessageWhy> {
        let id = self.message_id(&which)?;
        let rooms = self.open_rooms()?;
        let message = rooms.messages.get(id).map_err(error::message)?;
        if let Some((route, row)) = rooms.messages.place(id).map_err(error::message)?
            && let Some((entry, attempts)) =
                rooms.outbox.explain(route, row).map_err(error::store!())?
        {
            return Ok(MessageWhy {
                message,
                entry: Some(entry),
                attempts,
            });
        }
        let attempts = rooms.messages.attempts(id).map_err(error::message)?;
        Ok(MessageWhy {
            message,
            entry: None,
            attempts,
        })
    }

    /// Waits until a message has got as far as `until` or can get no further, at most `limit`.
    /// [`ErrorCode::Timeout`] when the time is up; the message goes on.
    ///
    /// [`ErrorCode::Timeout`]: crate::model::ErrorCode::Timeout
    pub async fn wait_message(
        &self,
        which: Selector,
        until: DeliveryState,
        limit: Duration,
    ) -> Result<Message> {
        let id = self.message_id(&which)?;
        let rooms = self.open_rooms()?;
        let mut cursor = rooms
            .bus
            .cursor(rooms.bus.newest(), vec![EventType::Receipt]);
        let reached = async {
            loop {
                let message = rooms.messages.get(id).map_err(error::message)?;
                if message.state >= until || message.state.is_final() {
                    return Ok(message);
                }
                if !cursor.changed().await {
                    return Err(ServiceError::new(
                        ErrorCode::Unavailable,
                        "daemon",
                        "the daemon is stopping",
                    ));
                }
            }
        };
        tokio::select! {
            message = reached => message,
            () = rooms.bus.clock().sleep(limit) => Err(ServiceError::new(
                ErrorCode::Timeout,
                "message",
                "not there yet when the time was up; it goes on by itself, `msgctl msg why` tells more",
            )),
        }
    }

    /// The contact that a contact's or a conversation's selector means.
    async fn recipient(&self, to: &Selector) -> Result<ContactId> {
        let missing = match self.get_contact(to.clone()).await {
            Ok(contact) => return Ok(contact.id),
            Err(error) if error.code == ErrorCode::NotFound => error,
            Err(error) => return Err(error),
        };
        let by_id = |one: &crate::model::Conversation| one.id.to_string() == to.0;
        self.conversations()?
            .into_iter()
            .find(by_id)
            .map(|one| one.contact)
            .ok_or(missing)
    }

    pub(super) fn message_id(&self, which: &Selector) -> Result<MessageId> {
        let rooms = self.open_rooms()?;
        if let Ok(id) = which.0.parse() {
            return Ok(id);
        }
        let hex = which.0.len() >= 4 && which.0.bytes().all(|b| b.is_ascii_hexdigit());
        if !hex {
            return Err(guard::not_found("message", &which.0));
        }
        let conversations: Vec<ConversationId> = rooms
            .conversations
            .list()
            .map_err(error::conversation)?
            .into_iter()
            .map(|one| one.id)
            .collect();
        let mut found = rooms
            .messages
            .with_prefix(&conversations, &which.0)
            .map_err(error::message)?;
        if found.len() > 1 {
            let mut error = ServiceError::new(
                ErrorCode::Ambiguous,
                "message",
                format!("several messages fit {:?}: use more of the id", which.0),
            );
            error.candidates = found.iter().map(ToString::to_string).collect();
            return Err(error);
        }
        found
            .pop()
            .ok_or_else(|| guard::not_found("message", &which.0))
    }
}
