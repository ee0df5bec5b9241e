//! Conversations and what was read in them.

use super::{IdempotencyKey, Result, Selector, Service, error, guard};
use crate::model::{Conversation, Page, PageRequest};

impl Service {
    /// One conversation, by its id or by its contact.
    pub async fn get_conversation(&self, which: Selector) -> Result<Conversation> {
        let contacts = self.open_rooms()?.contacts.list().map_err(error::contact)?;
        // Somebody who was blocked and invited anew has an old conversation too: it is found by
        // its id, the name means the one in which they can be written to.
        let current = |one: &Conversation| contacts.iter().any(|c| c.conversation == one.id);
        guard::select(
            "conversation",
            self.conversations()?,
            &which,
            |one| one.id.to_string(),
            |one| {
                if current(one) {
                    vec![one.title.clone(), one.contact.to_string()]
                } else {
                    Vec::new()
                }
            },
        )
    }

    /// Conversations, the latest first; only those with unread messages if asked.
    pub async fn list_conversations(
        &self,
        unread_only: bool,
        page: PageRequest,
    ) -> Result<Page<Conversation>> {
        let mut all = self.conversations()?;
        all.retain(|one| one.unread > 0 || !unread_only);
        all.sort_by_key(|one| std::cmp::Reverse((one.last_at, one.id)));
        guard::page(all, &page)
    }

    /// Marks everything up to `up_to` read, or everything if `None`.
    pub async fn mark_read(
        &self,
        which: Selector,
        up_to: Option<Selector>,
        key: IdempotencyKey,
    ) -> Result<Conversation> {
        let rooms = self.open_rooms()?;
        let request = [which.0.clone(), up_to.clone().unwrap_or_default().0];
        let request = request.each_ref().map(String::as_bytes);
        let act = async {
            let id = self.get_conversation(which).await?.id;
            let up_to = match up_to {
                Some(message) => Some(self.get_message(message).await?.id),
                None => None,
            };
            let marked = rooms.conversations.mark_read(id, up_to).await;
            marked.map_err(error::conversation)?;
            Ok(id.to_string())
        };
        let id = guard::done_once(rooms, "mark_read", &key, &request, act).await?;
        self.get_conversation(Selector(id)).await
    }

    /// Every conversation with its contact's shown name.
    pub(super) fn conversations(&self) -> Result<Vec<Conversation>> {
        let rooms = self.open_rooms()?;
        let contacts = rooms.contacts.list().map_err(error::contact)?;
        let mut all = rooms.conversations.list().map_err(error::conversation)?;
        for one in &mut all {
            if let Some(contact) = contacts.iter().find(|contact| contact.id == one.contact) {
                contact.shown_name().clone_into(&mut one.title);
            }
        }
        Ok(all)
    }
}
