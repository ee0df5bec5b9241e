//! People without a network between them: each message is carried by hand.

mod blocking;
mod compromise;
mod crossing;
mod meetings;
mod shredding;

use super::*;
use crate::{
    base::{Tasks, TestClock},
    crypto::KdfParams,
    engine::vault::SlotChoice,
    model::{IdentityId, InviteId},
    net::NetConfig,
    store::{
        Once, contacts as contact_rows,
        records::{ContactRecord, RouteRecord, SessionRecord},
        routes, sessions,
    },
    wire::Frame,
};
use std::time::Duration;

/// One person's rooms up to this one.
struct Person {
    contacts: Contacts,
    identities: Identities,
    identity: IdentityId,
    hand: TestClock,
    /// What the switchboard would hear, and in the tests nobody does.
    _rising: Rising,
    tasks: Tasks,
    _home: tempfile::TempDir,
}

impl Drop for Person {
    fn drop(&mut self) {
        self.tasks.close();
    }
}

impl Person {
    async fn new(name: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let hand = TestClock::at(1_800_000_000_000);
        let tasks = Tasks::new();
        let store = Store::open(&home.path().join("store")).unwrap();
        let bus = EventBus::new(store, hand.clock(), tasks.clone());
        let vault = Vault::open(
            home.path().to_owned(),
            None,
            KdfParams::WEAK_FOR_TESTS,
            bus.clone(),
        )
        .unwrap();
        vault.create(SlotChoice::File).await.unwrap();
        let identities = Identities::new(home.path().join("ids"), bus.clone(), vault.clone());
        let made = identities.create(name.to_owned(), once()).await.unwrap();
        let listen = vec!["127.0.0.1:0".parse().unwrap()];
        let config = NetConfig {
            listen,
            ..NetConfig::default()
        };
        let (net, _) = Net::spawn(config, hand.clock(), &tasks).await.unwrap();
        let (contacts, rising) = Contacts::new(bus, vault, identities.clone(), net, Vec::new());
        Self {
            contacts,
            identities,
            identity: made.id,
            hand,
            _rising: rising,
            tasks,
            _home: home,
        }
    }

    /// Becomes somebody else, whom nobody knows.
    async fn reborn(&mut self, name: &str) {
        let made = self.identities.create(name.to_owned(), once()).await;
        self.identity = made.unwrap().id;
    }

    async fn invite(&self, auto_accept: bool) -> (InviteId, String) {
        let new = NewInvite {
            identity: self.identity,
            ttl: Duration::from_secs(86_400),
            note: String::new(),
            auto_accept,
            addresses: Vec::new(),
        };
        let (invite, link) = self.contacts.create_invite(new, once()).await.unwrap();
        (invite.id, link.to_string())
    }

    /// Uses `link` of `host`'s invite, as far as the Hello. Returns the way to the answer.
    async fn uses(&self, host: &Self, (invite, link): &(InviteId, String)) -> RouteId {
        let new = NewContact {
            identity: self.identity,
            link: link.clone(),
            greeting: String::new(),
            alias: String::new(),
        };
        let request = self.contacts.add(new, once()).await.unwrap();
        let bundle = host.waiting(RouteId(invite.0));
        let bundle = Box::<[u8; 8192]>::try_from(bundle.into_boxed_slice()).unwrap();
        let route = RouteId(request.id.0);
        let frame = Frame::Bundle(bundle);
        let taken = self.contacts.on_handshake_frame(route, frame).await;
        taken.unwrap();
        route
    }

    /// What is to be handed over on a handshake's route.
    fn waiting(&self, route: RouteId) -> Vec<u8> {
        self.route(route).unwrap().outgoing
    }

    async fn takes(&self, route: RouteId, parcel: Vec<u8>) -> Result<(), ContactError> {
        let frame = Frame::Parcel(parcel);
        self.contacts.on_handshake_frame(route, frame).await
    }

    fn route(&self, route: RouteId) -> Option<RouteRecord> {
        routes::get(&self.contacts.store().read(), &route).unwrap()
    }

    /// The one whom the present identity knows.
    fn friend(&self) -> Option<ContactRecord> {
        let rows = contact_rows::list(&self.contacts.store().read()).unwrap();
        rows.into_iter().find(|row| row.identity == self.identity.0)
    }

    fn friend_id(&self) -> ContactId {
        ContactId::from_slice(&self.friend().unwrap().id).unwrap()
    }

    fn friend_route(&self) -> Option<RouteRecord> {
        self.route(RouteId(ContactId::from_slice(&self.friend()?.id)?.0))
    }

    fn session(&self) -> SessionRecord {
        let read = self.contacts.store().read();
        sessions::get(&read, &self.friend_id()).unwrap().unwrap()
    }

    /// A link to the friend is up under `key`: what the switchboard then does here.
    async fn linked(&self, key: LinkKey) {
        let id = self.friend_id();
        let route = RouteId(id.0);
        let contacts = &self.contacts;
        contacts.set_connected(route, Some(key)).await.unwrap();
        contacts.on_contact_link(key).await.unwrap();
        match contacts.link_meaning(route, key).unwrap() {
            LinkMeaning::Present => contacts.prove_session(id).await.unwrap(),
            LinkMeaning::Rival => drop(contacts.change_session(id).await.unwrap()),
            LinkMeaning::Stale => panic!("the network accepted a key that was given up"),
        }
    }

    async fn unlinked(&self) {
        let route = RouteId(self.friend_id().0);
        self.contacts.set_connected(route, None).await.unwrap();
    }
}

fn once() -> Once {
    Once::new("test", "", &[], 0).unwrap()
}

/// Has `dialer` find `listener`, with one key after the other as the network does.
async fn dial(dialer: &Person, listener: &Person) -> bool {
    let (Some(ours), Some(theirs)) = (dialer.friend_route(), listener.friend_route()) else {
        return false;
    };
    let Some(key) = ours.keys.iter().find(|key| theirs.keys.contains(key)) else {
        return false;
    };
    let key = LinkKey(key.as_slice().try_into().unwrap());
    dialer.linked(key).await;
    listener.linked(key).await;
    true
}
