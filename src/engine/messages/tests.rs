//! Stories of what is sealed, ended and sealed anew, on a real store with real keys.

use super::{
    MessageError,
    compose::{self, ROW_VOID, context},
    composer::{Sent, Tools},
    control, repair, take_back,
};
use crate::{
    base::{Tasks, TestClock},
    crypto::{
        DeviceCert, DeviceKey, EnvelopeKind, IdentityKey, KdfParams, Opener, Secret, SystemRandom,
    },
    engine::{
        event_bus::EventBus,
        identities::Identities,
        mailbox::Bell,
        outbox::Outbox,
        vault::{SlotChoice, Vault},
    },
    model::{ContactId, ConversationId, DeliveryState, RouteId, Timestamp},
    protocol::{Body, Payload, message_id},
    store::{
        Once, Store, Txn, contacts, conversations, messages, outbox,
        records::{
            ContactRecord, ConversationRecord, MessageSegment, OutboxRow, SessionRecord,
            StoredMessage,
        },
        sessions,
    },
};
use std::{path::Path, sync::Arc, time::Duration};

const CONTACT: ContactId = ContactId([4; 16]);
const ROUTE: RouteId = RouteId([4; 16]);
const TALK: ConversationId = ConversationId([5; 16]);
const NOW: i64 = 1_790_000_000_000;
const HOUR: Duration = Duration::from_secs(3_600);

struct World {
    tools: Tools,
    store: Store,
    hand: TestClock,
    contact: ContactRecord,
    own: DeviceCert,
    context: [u8; 32],
    _dir: tempfile::TempDir,
    _tasks: Tasks,
}

impl World {
    async fn new() -> (Self, DeviceKey) {
        let dir = tempfile::tempdir().unwrap();
        let (hand, tasks) = (TestClock::at(NOW), Tasks::new());
        let store = Store::open(&dir.path().join("store")).unwrap();
        let bus = EventBus::new(store.clone(), hand.clock(), tasks.clone());
        let vault = vault(dir.path(), &bus).await;
        let identities = Identities::new(dir.path().join("identities"), bus.clone(), vault);
        let alice = identities.create("Alice".into(), Once::default()).await;
        let identity = alice.unwrap().id;
        let keys = identities.keys(identity).unwrap();
        let bob = device();
        let contact = ContactRecord {
            id: CONTACT.0.to_vec(),
            identity: identity.0.to_vec(),
            conversation: TALK.0.to_vec(),
            fingerprint: IdentityKey::generate().unwrap().fingerprint().0.to_vec(),
            device_cert: bob.cert().to_bytes(),
            manifest_head: vec![8; 32],
            ..ContactRecord::default()
        };
        let context = context(&contact, &keys.cert.fingerprint(), TALK).unwrap();
        let outbox = Outbox::alone(bus.clone(), hand.clock(), &tasks);
        let world = Self {
            tools: Tools {
                bus,
                identities,
                outbox,
                bell: Bell::unheard(),
                looks: Arc::default(),
            },
            store,
            hand,
            contact,
            own: keys.device_cert(),
            context,
            _dir: dir,
            _tasks: tasks,
        };
        world.work(|txn| {
            contacts::put(txn, &world.contact).unwrap();
            let session = SessionRecord {
                send_key: vec![3; 32],
                ..SessionRecord::default()
            };
            sessions::put(txn, &CONTACT, &session).unwrap();
            let conversation = ConversationRecord {
                id: TALK.0.to_vec(),
                contact: CONTACT.0.to_vec(),
                ..ConversationRecord::default()
            };
            conversations::put(txn, &conversation).unwrap();
        });
        (world, bob)
    }

    fn work<T>(&self, work: impl FnOnce(&mut Txn) -> T) -> T {
        let mut txn = self.store.begin();
        let done = work(&mut txn);
        self.store.queue(txn).map(drop).unwrap();
        done
    }

    fn send(&self, text: &str) -> Result<Sent, MessageError> {
        self.work(|txn| {
            txn.attempt(|txn| {
                compose::message(&self.tools, txn, CONTACT, text.into(), &Once::default())
            })
        })
    }

    /// The contact signs that it could not open what is at `place`.
    fn refuse(&self, place: u64) -> bool {
        self.work(|txn| repair::refused(&self.tools, txn, CONTACT, &[(0, place)]).unwrap())
    }

    fn retry(&self) -> bool {
        self.work(|txn| repair::retry(&self.tools, txn, CONTACT).unwrap())
    }

    fn expire(&self, before: i64) -> bool {
        self.work(|txn| {
            take_back::expire(&self.tools, txn, CONTACT, before, &mut Vec::new()).unwrap()
        })
    }

    /// The contact's device gets another certificate.
    fn take_cert(&self, device: &DeviceKey) {
        let contact = ContactRecord {
            device_cert: device.cert().to_bytes(),
            ..self.contact.clone()
        };
        self.work(|txn| contacts::put(txn, &contact).unwrap());
    }

    fn rows(&self) -> Vec<(u64, OutboxRow)> {
        outbox::scan(&self.store.read(), &ROUTE, 0, u64::MAX, 100).unwrap()
    }

    fn only_row(&self) -> (u64, OutboxRow) {
        let mut rows = self.rows();
        assert_eq!(rows.len(), 1);
        rows.remove(0)
    }

    /// What `device` reads in a row's parcel.
    fn open(&self, row: &OutboxRow, device: &DeviceKey) -> Option<Vec<u8>> {
        let key = Secret::new([3; 32]);
        let envelopes = crate::crypto::open_parcel(&key, 0, row.tag_index, &row.parcel).unwrap();
        let envelope = &envelopes[0];
        if envelope.kind == EnvelopeKind::Statement {
            return crate::protocol::open_statement(&self.own, &self.context, &envelope.bytes).ok();
        }
        let opener = Opener::Device(device);
        crate::crypto::open(opener, &self.own, &self.context, &envelope.bytes).ok()
    }

    fn state(&self, sent: Sent) -> DeliveryState {
        let read = self.store.read();
        let place = messages::find(&read, &sent.message).unwrap().unwrap();
        let stored = messages::get(&read, &TALK, place.index).unwrap().unwrap();
        DeliveryState::from_number(stored.state).unwrap()
    }
}

async fn vault(dir: &Path, bus: &EventBus) -> Vault {
    let params = KdfParams::WEAK_FOR_TESTS;
    let vault = Vault::open(dir.to_path_buf(), None, params, bus.clone()).unwrap();
    vault.create(SlotChoice::File).await.unwrap();
    vault
}

fn device() -> DeviceKey {
    DeviceKey::generate(Timestamp(NOW), &mut SystemRandom).unwrap()
}

#[tokio::test]
async fn a_refused_message_is_the_same_message_under_present_keys() {
    let (world, old) = World::new().await;
    let sent = world.send("hello").unwrap();
    let (_, first) = world.only_row();
    let new = device();
    world.take_cert(&new);
    assert!(world.refuse(0));
    let (number, second) = world.only_row();
    assert_eq!((number, second.tag_index, second.repairs), (1, 1, 1));
    assert_eq!(world.open(&second, &old), None);
    let bytes = world.open(&second, &new).unwrap();
    assert_eq!(bytes, world.open(&first, &old).unwrap());
    assert_eq!(message_id(&bytes, &world.own.fingerprint()), sent.message);
    let place = messages::find(&world.store.read(), &sent.message).unwrap();
    assert_eq!(place.unwrap().outbox_row, 1);
    assert_eq!(world.state(sent), DeliveryState::Queued);
}

#[tokio::test]
async fn repairs_are_an_hour_apart_and_three_at_most() {
    let (world, bob) = World::new().await;
    let sent = world.send("hello").unwrap();
    for repairs in 1..=3 {
        let place = world.only_row().1.tag_index;
        assert!(world.refuse(place));
        let row = world.only_row().1;
        assert_eq!((row.repairs, row.tag_index), (repairs, place + 1));
        // Too early: it waits for the hourly look.
        assert!(!world.refuse(place + 1));
        assert!(!world.retry());
        assert_eq!(world.only_row().1.tag_index, place + 1);
        world.hand.advance(HOUR);
    }
    assert!(world.retry());
    assert_eq!(world.state(sent), DeliveryState::Failed);
    let (_, void) = world.only_row();
    let payload = Payload::decode(&world.open(&void, &bob).unwrap()).unwrap();
    assert_eq!(payload.body, Body::Void { seqs: vec![1] });
}

#[tokio::test]
async fn a_void_neither_expires_nor_is_given_up() {
    let (world, bob) = World::new().await;
    let sent = world.send("hello").unwrap();
    assert!(!world.expire(NOW));
    let (_, row) = world.only_row();
    assert!(world.expire(row.expires_at));
    assert_eq!(world.state(sent), DeliveryState::Expired);
    assert!(!world.expire(i64::MAX));
    for _ in 0..9 {
        let (_, void) = world.only_row();
        assert_eq!(
            (void.kind, void.voids.as_slice()),
            (ROW_VOID, [1].as_slice())
        );
        assert!(world.refuse(void.tag_index));
        let payload = world.open(&world.only_row().1, &bob).unwrap();
        let body = Payload::decode(&payload).unwrap().body;
        assert_eq!(body, Body::Void { seqs: vec![1] });
        world.hand.advance(HOUR);
    }
}

#[tokio::test]
async fn an_update_that_did_not_arrive_is_told_again() {
    let (world, _) = World::new().await;
    let update = || world.work(|txn| control::update(&world.tools, txn, CONTACT, &[]).unwrap());
    assert!(update());
    assert!(!update());
    assert!(world.refuse(0));
    assert!(world.rows().is_empty());
    assert!(update());
}

#[tokio::test]
async fn a_send_that_fails_half_way_leaves_no_row_and_no_number() {
    let (world, _) = World::new().await;
    world.work(|txn| {
        // A page that does not fit the count takes no message.
        let page = MessageSegment {
            messages: vec![StoredMessage::default()],
        };
        let first = [TALK.0.as_slice(), &0_u64.to_be_bytes()].concat();
        txn.put(&first, &page).unwrap();
    });
    assert!(matches!(world.send("hello"), Err(MessageError::Store(_))));
    assert!(world.rows().is_empty());
    let read = world.store.read();
    assert_eq!(
        sessions::get(&read, &CONTACT).unwrap().unwrap().send_next,
        0
    );
    let talk = conversations::get(&read, &TALK).unwrap().unwrap();
    assert_eq!((talk.own_seq, talk.message_count), (0, 0));
}
