//! `msgctl ls` and `msgctl read`: conversations and what is in them.

use crate::{
    cli::{
        context::{Context, ask, every_page, full},
        exit_code::Failure,
        view::{self, History, List},
    },
    ipc::grpc::proto::v1 as proto,
    model::limits::MAX_PAGE,
};
use clap::Args;

/// List conversations.
#[derive(Debug, Args)]
pub(crate) struct Ls {
    /// Only those with unread messages
    #[arg(long)]
    unread: bool,
}

impl Ls {
    pub(crate) async fn run(self, on: &mut Context) -> Result<(), Failure> {
        let page = |page_token| proto::ListConversationsRequest {
            unread_only: self.unread,
            page_size: MAX_PAGE,
            page_token,
        };
        let conversations: List<view::Conversation> =
            every_page!(on, conversations.list_conversations(page).conversations);
        on.output.show(&conversations)
    }
}

/// Read a conversation's latest messages.
#[derive(Debug, Args)]
pub(crate) struct Read {
    /// Contact or conversation: name, alias or id
    #[arg(value_name = "TO")]
    conversation: String,
    /// How many messages
    #[arg(short = 'n', long = "number", value_name = "COUNT", default_value = "20",
          value_parser = clap::value_parser!(u32).range(1..))]
    number: u32,
    /// Mark what is printed, and everything before it, as read
    #[arg(long)]
    mark_read: bool,
}

impl Read {
    pub(crate) async fn run(self, on: &mut Context) -> Result<(), Failure> {
        let request = proto::GetConversationRequest {
            conversation: self.conversation.clone(),
        };
        let conversation = full(ask!(on, conversations.get_conversation(request)).conversation)?;
        let messages = latest(&conversation.id, self.number, on).await?;
        let newest = messages.last().map(|message| message.id.clone());
        on.output.show(&History {
            title: conversation.title,
            messages,
        })?;
        // Only after it was printed: nobody has read what never reached the screen.
        if let Some(up_to) = newest.filter(|_| self.mark_read) {
            let request = proto::MarkReadRequest {
                conversation: conversation.id,
                up_to,
                idempotency_key: on.key()?,
            };
            ask!(on, conversations.mark_read(request));
        }
        Ok(())
    }
}

/// The latest `number` messages, the oldest of them first.
async fn latest(
    conversation: &str,
    number: u32,
    on: &mut Context,
) -> Result<Vec<view::Message>, Failure> {
    let mut messages = Vec::new();
    let mut missing = number;
    let mut page_token = String::new();
    while missing > 0 {
        let request = proto::ListMessagesRequest {
            conversation: conversation.to_owned(),
            page_size: missing.min(MAX_PAGE),
            page_token,
        };
        let answer = ask!(on, messages.list_messages(request));
        let rows = answer.messages.into_iter().map(view::Message::from);
        messages.extend(rows.take(usize::try_from(missing).unwrap_or(usize::MAX)));
        missing = number.saturating_sub(u32::try_from(messages.len()).unwrap_or(u32::MAX));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    messages.reverse();
    Ok(messages)
}
