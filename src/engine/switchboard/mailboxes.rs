//! Between the mailbox room and those that seal and take in.

use super::Switchboard;
use crate::{
    engine::mailbox::user::{Command, Event},
    model::ContactId,
};

impl Switchboard {
    pub(super) async fn on_mailboxes(&self, event: Event) {
        match event {
            Event::Deposit { contact, alone } => {
                let contact = ContactId(contact.0);
                self.rooms.messages.deposit(contact, alone).await;
            }
            Event::Announce(contacts, announced) => {
                for contact in contacts {
                    let mailboxes = vec![announced.clone()];
                    self.rooms
                        .messages
                        .announce(ContactId(contact.0), mailboxes)
                        .await;
                }
            }
            Event::Collected(collected) => {
                self.rooms.inbox.take_collected(collected).await;
            }
        }
    }

    pub(super) async fn tell_mailboxes(&self, command: Command) {
        self.rooms.mailboxes.tell(command).await;
    }
}
