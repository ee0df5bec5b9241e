//! What people do with their daemons, by the calls that any client has.

use crate::world::{Daemon, PATIENCE};
use msgd::ipc::grpc::{
    client::{Client, ClientError, reply},
    proto::v1,
};

impl Daemon {
    /// Makes an invite and returns its id and its link.
    pub(crate) async fn invite(&self, auto_accept: bool) -> (String, String) {
        let request = v1::CreateInviteRequest {
            auto_accept,
            ..Default::default()
        };
        let made = reply(self.client().invites().create_invite(request).await).expect("an invite");
        (made.invite.expect("told").id, made.link)
    }

    /// Uses an invite.
    pub(crate) async fn add(&self, link: &str) -> Result<v1::ContactRequest, ClientError> {
        let request = v1::AddContactRequest {
            link: link.to_owned(),
            greeting: format!("{} here", self.name()),
            ..Default::default()
        };
        let answer = reply(self.client().contacts().add_contact(request).await)?;
        Ok(answer.request.expect("told"))
    }

    /// Waits until `name` is a contact to whom messages flow.
    pub(crate) async fn knows(&self, name: &str) -> v1::Contact {
        self.settles(&format!("an active contact {name}"), async |client| {
            let contact = v1::GetContactRequest {
                contact: name.to_owned(),
            };
            let found = reply(client.contacts().get_contact(contact).await).ok()?;
            let contact = found.contact.expect("told");
            (contact.state() == v1::ContactState::Active).then_some(contact)
        })
        .await
    }

    /// Waits until a link to `name` is up.
    pub(crate) async fn is_linked_to(&self, name: &str) {
        self.has_link(name, true).await;
    }

    /// Waits until no link to `name` is up.
    pub(crate) async fn has_lost(&self, name: &str) {
        self.has_link(name, false).await;
    }

    async fn has_link(&self, name: &str, wanted: bool) {
        self.settles(&format!("a link to {name}: {wanted}"), async |client| {
            let contact = v1::GetContactRequest {
                contact: name.to_owned(),
            };
            let found = reply(client.contacts().get_contact(contact).await).ok()?;
            let connected = found.contact?.presence() == v1::Presence::Connected;
            (connected == wanted).then_some(())
        })
        .await;
    }

    pub(crate) async fn try_send(
        &self,
        to: &str,
        text: &str,
        key: &str,
    ) -> Result<v1::Message, ClientError> {
        let request = v1::SendMessageRequest {
            to: to.to_owned(),
            text: text.to_owned(),
            idempotency_key: key.to_owned(),
        };
        let sent = reply(self.client().messages().send_message(request).await)?;
        Ok(sent.message.expect("told"))
    }

    /// Sends a message; it is on disk when this returns.
    pub(crate) async fn send(&self, to: &str, text: &str) -> v1::Message {
        self.try_send(to, text, "").await.expect("sent")
    }

    /// Waits until a message got as far as `until`, or can get no further.
    pub(crate) async fn wait(&self, message: &str, until: v1::DeliveryState) -> v1::DeliveryState {
        let request = v1::WaitMessageRequest {
            message: message.to_owned(),
            until: until.into(),
            limit_ms: PATIENCE.as_millis().try_into().expect("short"),
        };
        let done = reply(self.client().messages().wait_message(request).await);
        let done = done.unwrap_or_else(|error| panic!("{}: {until:?}: {error}", self.name()));
        done.message.expect("told").state()
    }

    pub(crate) async fn is_delivered(&self, message: &v1::Message) {
        let state = self.wait(&message.id, v1::DeliveryState::Delivered).await;
        assert_eq!(state, v1::DeliveryState::Delivered);
    }

    /// The whole conversation with `with`, the oldest first.
    pub(crate) async fn messages(&self, with: &str) -> Vec<v1::Message> {
        messages(self.client(), with).await
    }

    /// The texts that came from `from`, the oldest first.
    pub(crate) async fn heard(&self, from: &str) -> Vec<String> {
        incoming(self.messages(from).await)
    }

    /// Waits until as many texts came from `from` as are expected; then these must be all.
    pub(crate) async fn hears<S: AsRef<str>>(&self, from: &str, expected: &[S]) {
        let expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
        let heard = self
            .settles(
                &format!("{} messages from {from}", expected.len()),
                async |client| {
                    let heard = incoming(messages(client, from).await);
                    (heard.len() >= expected.len()).then_some(heard)
                },
            )
            .await;
        assert_eq!(heard, expected);
    }

    pub(crate) async fn vault_state(&self) -> v1::VaultState {
        let request = v1::VaultStateRequest {};
        let answer = reply(self.client().vault().vault_state(request).await).expect("a state");
        answer.state()
    }

    pub(crate) async fn lock(&self) {
        reply(
            self.client()
                .vault()
                .lock_vault(v1::LockVaultRequest {})
                .await,
        )
        .expect("locked");
    }

    pub(crate) async fn unlock(&self, passphrase: &[u8]) -> Result<v1::VaultState, ClientError> {
        let request = v1::UnlockVaultRequest {
            passphrase: passphrase.to_vec(),
        };
        reply(self.client().vault().unlock_vault(request).await).map(|answer| answer.state())
    }
}

/// Alice and Bob, who are contacts and have a link.
pub(crate) async fn alice_and_bob() -> (Daemon, Daemon) {
    let (alice, bob) = tokio::join!(Daemon::ready("Alice"), Daemon::ready("Bob"));
    introduce(&alice, &bob).await;
    (alice, bob)
}

/// Makes the two contacts, by an invite of the first.
pub(crate) async fn introduce(host: &Daemon, guest: &Daemon) {
    let (_, link) = host.invite(true).await;
    guest.add(&link).await.expect("the link is good");
    guest.knows(host.name()).await;
    host.knows(guest.name()).await;
    tokio::join!(
        host.is_linked_to(guest.name()),
        guest.is_linked_to(host.name())
    );
}

pub(crate) async fn messages(client: &Client, with: &str) -> Vec<v1::Message> {
    let mut all = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListMessagesRequest {
            conversation: with.to_owned(),
            page_size: 500,
            page_token,
        };
        let page = reply(client.messages().list_messages(request).await).expect("a page");
        all.extend(page.messages);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            all.reverse();
            return all;
        }
    }
}

pub(crate) fn incoming(messages: Vec<v1::Message>) -> Vec<String> {
    let theirs = |message: &v1::Message| message.direction() == v1::Direction::Incoming;
    let messages = messages.into_iter().filter(theirs);
    messages.map(|message| message.text).collect()
}

/// Texts with running numbers.
pub(crate) fn numbered(count: usize) -> Vec<String> {
    (1..=count)
        .map(|number| format!("number {number}"))
        .collect()
}
