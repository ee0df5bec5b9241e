//! The receiver's side, against contacts that a test holds in its hand.

mod collected;
mod gaps;
mod isolation;
mod keeping;
mod people;
mod trouble;
mod weeks;

use super::{
    batch::{Outcome, Windows, take_in},
    kept, sort, *,
};
use crate::{
    base::TestClock,
    crypto::{
        self, DeviceCert, DeviceKey, EnvelopeKind, IdentityKey, KdfParams, Recipient,
        SealedEnvelope, Secret, SystemRandom, seal_parcel,
    },
    engine::{
        contacts::recv_tags,
        mailbox,
        outbox::{self, Outbox},
        vault::SlotChoice,
    },
    model::{ContactId, ConversationId, Hlc, IdentityId, Timestamp, VaultState},
    net::{self, NetConfig},
    protocol::{Body, PairKeys, Payload, Receipt, SendTags, pair_context},
    store::{
        Once, Store, StoreError, contacts as contact_rows, conversations, messages,
        records::{
            ContactRecord, ConversationRecord, RouteRecord, SessionRecord, SpoolRow, StoredMessage,
        },
        routes, sessions, spool,
    },
};
use std::path::PathBuf;
use tempfile::TempDir;

const NOW: i64 = 1_800_000_000_000;

/// A daemon's rooms up to the inbox, without its loop.
struct Bench {
    dir: TempDir,
    hand: TestClock,
    rooms: Neighbours,
    windows: Windows,
    identity: IdentityId,
    outbox: Outbox,
    events: mpsc::Receiver<net::Event>,
    tasks: Tasks,
}

impl Bench {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hand = TestClock::at(NOW);
        let (clock, tasks) = (hand.clock(), Tasks::new());
        let store = Store::open(&dir.path().join("store")).unwrap();
        let bus = EventBus::new(store, clock.clone(), tasks.clone());
        let data = dir.path().to_path_buf();
        let vault = Vault::open(data.clone(), None, KdfParams::WEAK_FOR_TESTS, bus.clone());
        let vault = vault.unwrap();
        vault.create(SlotChoice::File).await.unwrap();
        let identities = Identities::new(keys_in(&dir), bus.clone(), vault.clone());
        let made = identities.create("Bob".into(), Once::default()).await;
        let config = NetConfig {
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            ..NetConfig::default()
        };
        let (net, events) = Net::spawn(config, clock.clone(), &tasks).await.unwrap();
        let (contacts, _) = Contacts::new(
            bus.clone(),
            vault.clone(),
            identities.clone(),
            net.clone(),
            Vec::new(),
        );
        let outbox = Outbox::spawn(bus.clone(), net.clone(), clock, &tasks);
        let settings = mailbox::user::Pace::default();
        let rooms = mailbox::user::Neighbours {
            bus: bus.clone(),
            vault: vault.clone(),
            contacts: contacts.clone(),
            net: net.clone(),
        };
        let (mailboxes, _) = Mailboxes::spawn(rooms, settings, hand.clock(), &tasks);
        let messages = Messages::spawn(
            bus.clone(),
            vault.clone(),
            identities.clone(),
            outbox.clone(),
            mailboxes.bell(),
            &tasks,
        );
        Self {
            dir,
            hand,
            rooms: Neighbours {
                bus,
                vault,
                identities,
                contacts,
                messages,
                mailboxes,
                net,
            },
            windows: Windows::new(),
            identity: made.unwrap().id,
            outbox,
            events,
            tasks,
        }
    }

    fn store(&self) -> &Store {
        self.rooms.bus.store()
    }

    /// Tells the outbox, as the switchboard would, that there is a link.
    async fn outbox_link(&self, author: &Author) {
        self.outbox
            .tell(outbox::Command::LinkUp(author.route))
            .await;
        while !self.outbox.is_linked(author.route) {
            tokio::task::yield_now().await;
        }
    }

    /// Somebody who is a contact from now on.
    async fn meet(&self, number: u8) -> Author {
        let now = Timestamp(NOW);
        let (ic, device) = (
            IdentityKey::generate().unwrap(),
            DeviceKey::generate(now, &mut SystemRandom).unwrap(),
        );
        let ours = self.rooms.identities.keys(self.identity).unwrap();
        let pair = PairKeys::derive(&Secret::new([number; 32]), false);
        let route = RouteId([number; 16]);
        let contact = ContactRecord {
            id: route.0.to_vec(),
            identity: self.identity.0.to_vec(),
            conversation: pair.conversation.0.to_vec(),
            name: "Alice".into(),
            identity_cert: ic.cert().to_bytes(),
            device_cert: device.cert().to_bytes(),
            state: 1,
            inviter: true,
            fingerprint: ic.fingerprint().0.to_vec(),
            device_fingerprint: device.fingerprint().0.to_vec(),
            ..ContactRecord::default()
        };
        let conversation = ConversationRecord {
            id: pair.conversation.0.to_vec(),
            identity: self.identity.0.to_vec(),
            contact: route.0.to_vec(),
            ..ConversationRecord::default()
        };
        let session = SessionRecord {
            send_key: pair.send_tag.as_bytes().to_vec(),
            ..SessionRecord::default()
        };
        let record = RouteRecord {
            id: route.0.to_vec(),
            keys: vec![pair.link.as_bytes().to_vec()],
            kind: 1,
            recv_key: pair.recv_tag.as_bytes().to_vec(),
            ..RouteRecord::default()
        };
        let mut txn = self.store().begin();
        contact_rows::put(&mut txn, &contact).unwrap();
        conversations::put(&mut txn, &conversation).unwrap();
        sessions::put(&mut txn, &ContactId(route.0), &session).unwrap();
        routes::put(&mut txn, &record).unwrap();
        self.store().commit(txn).await.unwrap();
        Author {
            route,
            context: pair_context(
                &pair.conversation,
                &ours.cert.fingerprint(),
                &ic.fingerprint(),
            ),
            conversation: pair.conversation,
            bob: ours.device_cert(),
            device,
            tags: SendTags::new(pair.recv_tag, now),
            now,
            seq: 0,
        }
    }

    /// Takes parcels in as the loop does, and waits until that is on disk.
    async fn take(&mut self, parcels: Vec<(RouteId, Vec<u8>)>) -> Result<Outcome, StoreError> {
        let unlocked = self.rooms.vault.state() == VaultState::Unlocked;
        let done = take_in(&self.rooms, &mut self.windows, &parcels, unlocked);
        settle(done).await
    }

    async fn open_kept(&self, author: &Author) -> Result<Outcome, StoreError> {
        settle(kept::open_kept(&self.rooms, author.route)).await
    }

    async fn unlock(&self) {
        assert!(self.rooms.vault.unlock_unattended().await.unwrap());
    }

    /// How many parcels of `author` are kept.
    fn kept(&self, author: &Author) -> u64 {
        spool::size(&self.store().read(), &author.route)
            .unwrap()
            .parcels
    }

    fn route(&self, author: &Author) -> RouteRecord {
        let row = routes::get(&self.store().read(), &author.route);
        row.unwrap().expect("a route")
    }

    /// What a receipt to `author` would say.
    fn receipt(&self, author: &Author) -> Receipt {
        let row = self.route(author);
        let mut receipt = Receipt::of(&recv_tags(&row).unwrap());
        let places = row.refused.iter().map(|place| (place.epoch, place.index));
        receipt.cannot_open = places.collect();
        receipt
    }

    /// The stored messages of `author`, in the order in which they are shown.
    fn messages(&self, author: &Author) -> Vec<StoredMessage> {
        let page = messages::page(
            &self.store().read(),
            &author.conversation,
            None,
            10_000,
            usize::MAX,
        );
        let mut rows: Vec<_> = page.unwrap().into_iter().map(|(_, row)| row).collect();
        rows.reverse();
        rows
    }

    fn texts(&self, author: &Author) -> Vec<String> {
        let messages = self.messages(author).into_iter();
        messages.map(|message| message.text).collect()
    }
}

fn keys_in(dir: &TempDir) -> PathBuf {
    dir.path().join("identities")
}

async fn settle(done: Result<Outcome, StoreError>) -> Result<Outcome, StoreError> {
    let mut outcome = done?;
    if let Some(ticket) = outcome.ticket.take() {
        ticket.durable().await?;
    }
    Ok(outcome)
}

/// The other side of a contact.
struct Author {
    route: RouteId,
    conversation: ConversationId,
    context: [u8; 32],
    device: DeviceKey,
    bob: DeviceCert,
    tags: SendTags,
    now: Timestamp,
    seq: u64,
}

impl Author {
    /// The next text, sealed.
    fn text(&mut self, text: &str) -> (RouteId, Vec<u8>) {
        self.seq += 1;
        let seq = self.seq;
        self.parcel(Body::Text(text.to_owned()), seq)
    }

    fn parcel(&mut self, body: Body, seq: u64) -> (RouteId, Vec<u8>) {
        let payload = Payload {
            conversation: self.conversation,
            author_device: self.device.fingerprint(),
            seq,
            parents: Vec::new(),
            hlc: Hlc(0),
            manifest_head_seen: [0; 32],
            expires: None,
            salt: [0; 16],
            body,
        };
        let bytes = payload.encode().unwrap();
        let kind = payload.body.envelope_kind();
        let sealed = match kind {
            EnvelopeKind::Sealed => {
                let to = [Recipient::Device(&self.bob)];
                crypto::seal(&self.device, &to, &self.context, &bytes, Timestamp(NOW)).unwrap()
            }
            EnvelopeKind::Statement => {
                crate::protocol::state(&self.device, &self.context, &bytes).unwrap()
            }
            EnvelopeKind::Window => unreachable!("no payload travels so"),
        };
        self.wrap(kind, sealed)
    }

    /// A parcel that is surely theirs, with something in it that nobody can open.
    fn riddle(&mut self) -> (RouteId, Vec<u8>) {
        self.wrap(EnvelopeKind::Sealed, b"no message".to_vec())
    }

    fn wrap(&mut self, kind: EnvelopeKind, bytes: Vec<u8>) -> (RouteId, Vec<u8>) {
        let (epoch, index) = self.tags.take(self.now);
        let envelope = SealedEnvelope {
            epoch,
            index,
            kind,
            bytes,
        };
        let parcel = seal_parcel(&self.tags.key, 0, index, &[envelope]).unwrap();
        (self.route, parcel)
    }
}
